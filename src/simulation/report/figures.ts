import { formatBytes, formatCount, formatPercent } from "../../telemetry/format.ts";
import type { RoundPoint, Stage } from "../history.ts";
import type { Summary } from "../summary.ts";
import { type Html, html } from "./html.ts";
import { lineChart, type Series } from "./line-chart.ts";
import { partitionChart, type Share } from "./partition-chart.ts";
import { shareBar, stageChart, tickBytes, times } from "./stage-chart.ts";

/** A run that measured its accuracy. */
export interface Run {
  readonly name: string;
  readonly className: "ours" | "dense";
  readonly measured: readonly Measured[];
}

type Measured = RoundPoint & { readonly accuracy: number };

const WIDTH = 960;

export function accuracyOverBytes(runs: readonly Run[], target: number | null): Html {
  const compared =
    runs.length > 1 ? " The distance between the curves, at the same height, is what was saved." : "";
  return html`<figure><h2>Accuracy by bytes sent</h2>
<p>Test accuracy after every round, over all bytes sent until then, both ways.${compared}</p>
<div class="scroll">${lineChart({
    width: WIDTH,
    height: 400,
    description: `Test accuracy over bytes sent. ${lastOf(runs)}`,
    xLabel: "bytes sent, up and down, logarithmic",
    xLog: true,
    formatX: formatBytes,
    formatTick: tickBytes,
    formatY,
    series: seriesOf(runs, ({ bytes }) => bytes.total),
    threshold: target,
    compare: (near, far) => `${times(far / near)} fewer bytes`,
  })}</div></figure>`;
}

export function accuracyOverRounds(runs: readonly Run[], target: number | null): Html {
  const rounds = runs.flatMap(({ measured }) => measured.map(({ round }) => round));
  const numTicks = Math.max(1, Math.min(10, Math.max(...rounds) - Math.min(...rounds)));
  return html`<figure><h2>Accuracy by round</h2>
<p>${runs.length > 1 ? "The same accuracies, round by round: what compression costs in progress, if anything." : "The same accuracies, round by round."}</p>
<div class="scroll">${lineChart({
    width: WIDTH,
    height: 320,
    description: `Test accuracy over rounds. ${lastOf(runs)}`,
    xLabel: "round",
    xLog: false,
    numTicks,
    formatX: (round) => `round ${round}`,
    formatTick: formatCount,
    formatY,
    series: seriesOf(runs, ({ round }) => round),
    threshold: target,
    compare: null,
  })}</div></figure>`;
}

export function bytesByStage(stages: readonly Stage[], { bytes }: Summary): Html {
  const total = { name: "everything", bytes: bytes.total, denseBytes: bytes.denseTotal };
  return html`<figure><h2>Bytes by stage</h2>
<p>Above, what was sent, to scale. Below, every stage beside what dense float32 would have cost.</p>
<div class="scroll">${shareBar(stages, WIDTH)}${stageChart(stages, total, WIDTH)}</div></figure>`;
}

export function whoHasWhat(shares: readonly Share[], partition: string): Html {
  return html`<figure><h2>Who has what</h2>
<p>Training examples of every client by class, partition ${partition}: a disc's area is their number.</p>
<div class="scroll">${partitionChart(shares, WIDTH)}</div></figure>`;
}

const formatY = (share: number): string => `${Number((100 * share).toFixed(2))} %`;

const lastOf = (runs: readonly Run[]): string =>
  runs
    .map(({ name, measured }) => `${name}: ${formatPercent(measured.at(-1)!.accuracy)} at the end.`)
    .join(" ");

const seriesOf = (runs: readonly Run[], x: (point: Measured) => number): readonly Series[] =>
  runs.map(({ name, className, measured }) => ({
    name,
    className,
    points: measured.map((point) => ({
      x: x(point),
      y: point.accuracy,
      title: `${name}, round ${point.round}: ${formatPercent(point.accuracy)} after ${formatBytes(point.bytes.total)}`,
    })),
  }));
