import { mean, spread } from "../statistics.ts";
import { differenceOf, divergedUpTo } from "./figures.ts";
import { REGIMES } from "./grid.ts";
import { type Row, STEADY_UP_TO } from "./study.ts";

/**
 * Markdown that also reads well in a terminal. Accuracies are means over the test seeds, with their spread, but for those
 * at the largest rate of the grid, which are of the tuning.
 */
export function tableOf(rows: readonly Row[], serverRates: readonly number[]): string {
  const largest = Math.max(...serverRates);
  const head = ["regime", "rule", "server rate", "accuracy %", "to the better other", "at rate 1"];
  const titles = [...head, `at ${largest}, validation`, "diverged"];
  const body = rows.map((row, i) => [
    rows[i - 1]?.regime === row.regime ? "" : row.regime,
    row.rule,
    rateText(row, serverRates),
    withSpread(row.accuracy),
    signed(differenceOf(row, rows)),
    withSpread(row.accuracyAtOne),
    (100 * row.tuning.find(({ serverRate }) => serverRate === largest)!.accuracy).toFixed(2),
    divergedText(row),
  ]);
  const widths = titles.map((title, c) => Math.max(title.length, ...body.map((cells) => cells[c]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, c) => cell.padEnd(widths[c]!)).join(" | ")} |`;
  return [
    line(titles),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...body.map(line),
  ].join("\n");
}

/** What is required of ours, and whether it holds. */
export function verdictsOf(
  rows: readonly Row[],
): readonly { readonly text: string; readonly holds: boolean }[] {
  const ours = rows.filter(({ rule }) => rule === "senders-over-owners");
  return ours.flatMap((row) => {
    const { allowance } = REGIMES[row.regime];
    const points = 100 * differenceOf(row, rows).mean;
    const { runs, of } = divergedUpTo(row, STEADY_UP_TO);
    return [
      {
        text: `${row.regime}: ${points.toFixed(2)} points to the better other; required: at least -${allowance}`,
        holds: points >= -allowance,
      },
      {
        text: `${row.regime}: ${runs} of ${of} runs at server rates up to ${STEADY_UP_TO} diverged; required: none`,
        holds: runs === 0,
      },
    ];
  });
}

const withSpread = (values: readonly number[]): string =>
  `${(100 * mean(values)).toFixed(2)} ± ${(100 * spread(values)).toFixed(2)}`;

const signed = ({ mean: points, spread: around }: { mean: number; spread: number }): string =>
  `${points < 0 ? "-" : "+"}${Math.abs(100 * points).toFixed(2)} ± ${(100 * around).toFixed(2)}`;

/** A best rate at an end of the grid is marked: there may be a better one beyond. */
function rateText({ bestRate }: Row, serverRates: readonly number[]): string {
  const isEdge = bestRate === Math.max(...serverRates) || bestRate === Math.min(...serverRates);
  return isEdge ? `${bestRate} (edge)` : String(bestRate);
}

function divergedText({ diverged }: Row): string {
  const some = diverged.filter(({ runs }) => runs > 0);
  if (some.length === 0) return "no";
  return `yes: ${some.map(({ serverRate, runs, of }) => `${runs} of ${of} at ${serverRate}`).join(", ")}`;
}
