import { formatCount, formatDuration } from "../telemetry/format.ts";
import type { RoundPoint, Stage } from "./history.ts";
import {
  accuracyOverBytes,
  accuracyOverRounds,
  bytesByStage,
  type Run,
  whoHasWhat,
} from "./report/figures.ts";
import { type Html, html } from "./report/html.ts";
import type { Share } from "./report/partition-chart.ts";
import { roundTable } from "./report/round-table.ts";
import { style } from "./report/style.ts";
import { tiles } from "./report/tiles.ts";
import type { Summary } from "./summary.ts";
import { targetOf } from "./target.ts";

export interface ReportInput {
  readonly title: string;
  readonly summary: Summary;
  readonly rounds: readonly RoundPoint[];
  /** The same config with dense float32 both ways; null when it was not run. */
  readonly baselineRounds: readonly RoundPoint[] | null;
  readonly stages: readonly Stage[];
  /** What the clients of a simulation train on, and how it was dealt; null where they are elsewhere. */
  readonly dealt: { readonly shares: readonly Share[]; readonly partition: string } | null;
  /** The resolved config, YAML. */
  readonly config: string;
}

/** A run as one HTML file that needs nothing else: no network, no scripts. */
export function renderReport({
  title,
  summary,
  rounds,
  baselineRounds,
  stages,
  dealt,
  config,
}: ReportInput): string {
  const runs = runsOf(rounds, baselineRounds);
  const target = targetOf(runs.map(({ measured }) => measured));
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: fedpress</title>
<style>${style}</style>
</head>
<body>
<header><h1>${title}</h1>
<p class="lede">${ledeOf(summary)}</p></header>
<dl class="tiles">${tiles(summary, runs, target)}</dl>
${runs.length > 0 ? [accuracyOverBytes(runs, target), accuracyOverRounds(runs, target)] : unmeasured}
${stages.length > 0 ? bytesByStage(stages, summary) : null}
${dealt === null ? null : whoHasWhat(dealt.shares, dealt.partition)}
<section>
${roundDetails("Rounds", rounds)}
${baselineRounds === null ? null : roundDetails("Rounds of the dense baseline", baselineRounds)}
<details><summary>Configuration <span>with every default</span></summary><pre>${config}</pre></details>
</section>
<footer class="fine">
<p>Bytes are frame bytes as handed to the link: every client, every round, both ways, catch-up included.
Dense is what float32 tensors would have cost for the same messages.</p>
<p>Run ${summary.runId}, model digest ${summary.model.digest.slice(0, 16)}.</p>
</footer>
</body>
</html>
`;
  return page.markup;
}

const unmeasured = html`<p class="fine">The accuracy was not measured: there was no test data.</p>`;

function ledeOf({ model, clients, rounds, seed, wallMs }: Summary): string {
  return [
    `${model.name}, ${formatCount(model.numParams)} parameters`,
    `${formatCount(clients)} clients`,
    `${formatCount(rounds)} rounds`,
    `seed ${seed}`,
    formatDuration(wallMs),
  ].join(" · ");
}

const roundDetails = (heading: string, rounds: readonly RoundPoint[]): Html =>
  html`<details><summary>${heading} <span>${formatCount(rounds.length)}</span></summary>
<div class="scroll">${roundTable(rounds)}</div></details>`;

function runsOf(rounds: readonly RoundPoint[], baselineRounds: readonly RoundPoint[] | null): readonly Run[] {
  const measuredOf = (points: readonly RoundPoint[]): Run["measured"] =>
    points.flatMap((point) =>
      point.accuracy === null || point.bytes.total === 0 ? [] : [{ ...point, accuracy: point.accuracy }],
    );
  const both: readonly Run[] = [
    { name: "fedpress", className: "ours", measured: measuredOf(rounds) },
    { name: "dense float32", className: "dense", measured: measuredOf(baselineRounds ?? []) },
  ];
  return both.filter(({ measured }) => measured.length > 0);
}
