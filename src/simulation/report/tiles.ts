import { formatBytes, formatCount, formatPercent } from "../../telemetry/format.ts";
import type { Summary } from "../summary.ts";
import type { Run } from "./figures.ts";
import { type Html, html } from "./html.ts";
import { times } from "./stage-chart.ts";

/** The run in a few large numbers. */
export function tiles(
  summary: Summary,
  runs: readonly Run[],
  target: number | null,
): readonly (Html | null)[] {
  const { accuracy, bytes, student, baseline } = summary;
  const dense = baseline?.accuracy ?? null;
  return [
    accuracy === null
      ? null
      : tile(
          "Test accuracy",
          (100 * accuracy).toFixed(2),
          " %",
          dense === null
            ? `after ${formatCount(summary.rounds)} rounds`
            : `dense float32: ${formatPercent(dense)}`,
        ),
    bytes.total === 0
      ? null
      : tile(
          "Less than dense",
          times(bytes.ratioTotal).slice(0, -1),
          " ×",
          `${formatBytes(bytes.total)} instead of ${formatBytes(bytes.denseTotal)}`,
        ),
    target === null ? null : toTarget(runs, target),
    student === null
      ? null
      : tile(
          "Student",
          ...splitUnit(formatBytes(student.bytes)),
          `${formatPercent(student.accuracy)} with ${formatCount(student.numParams)} parameters`,
        ),
  ];
}

/** Bytes at which the run first had the accuracy, and beside it the baseline. */
function toTarget(runs: readonly Run[], target: number): Html | null {
  const [ours, dense] = runs.map(({ measured }) => measured.find(({ accuracy }) => accuracy >= target));
  if (ours === undefined) return null;
  const beside =
    dense === undefined ? `in round ${ours.round}` : `dense float32: ${formatBytes(dense.bytes.total)}`;
  return tile(`To ${100 * target} % accuracy`, ...splitUnit(formatBytes(ours.bytes.total)), beside);
}

function splitUnit(text: string): [string, string] {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at)];
}

const tile = (label: string, number: string, unit: string, beside: string): Html =>
  html`<div><dt>${label}</dt><dd><span class="number">${number}<span class="unit">${unit}</span></span><br><span class="beside">${beside}</span></dd></div>
`;
