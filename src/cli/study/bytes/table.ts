import { formatBytes } from "../../../telemetry/format.ts";
import { mean, spread } from "../statistics.ts";
import type { Training } from "./grid.ts";
import type { Figure, Result } from "./study.ts";

/** Of one line of the table, whatever was reached: a seed that missed the target counts as missed, and in no mean. */
export interface Line {
  readonly name: string;
  readonly reached: number;
  readonly of: number;
  /** Bytes of seeds that reached the target, and those of dense over them, in pairs. */
  readonly bytes: readonly number[];
  readonly ratio: readonly number[];
  readonly rounds: readonly number[];
}

export function linesOf({ dense, stages }: Result): readonly Line[] {
  const lineOf = (name: string, runs: readonly Figure[]): Line => {
    const reached = runs.flatMap((run, i) => (run === null ? [] : [{ ...run, dense: dense[i] }]));
    return {
      name,
      reached: reached.length,
      of: runs.length,
      bytes: reached.map(({ bytes }) => bytes),
      ratio: reached.flatMap(({ bytes, dense: other }) => (other ? [other.bytes / bytes] : [])),
      rounds: reached.map(({ rounds }) => rounds),
    };
  };
  return [
    lineOf("dense float32, tuned", dense),
    ...stages.map(({ name, serverRate, runs }) =>
      lineOf(name === "server rate" ? `${name} ${serverRate}` : name, runs),
    ),
  ];
}

/** Markdown that also reads well in a terminal: bytes and ratios are means over the test seeds with their spread. */
export function tableOf(results: readonly Result[]): string {
  return results.map((result) => `${headOf(result)}\n\n${bodyOf(result)}`).join("\n\n");
}

function headOf({ regime, plateau, best, cheapest, ours, tried }: Result): string {
  const share = (values: readonly number[]): string =>
    `${(100 * mean(values)).toFixed(2)} ± ${(100 * spread(values)).toFixed(2)} %`;
  return [
    `${regime}: dense comes to ${share(plateau)}; the target of each seed is half a point less.`,
    `Dense, best of ${tried.dense}: ${trainingOf(best)}; to the target, fewest bytes: ${trainingOf(cheapest)}.`,
    `Ours, best of ${tried.ours}: ${100 * ours.density} % of the coordinates, ${trainingOf(ours.training)}.`,
  ].join("\n");
}

const trainingOf = ({ epochs, batchSize, learningRate, momentum, serverRate }: Training): string =>
  `${epochs} epoch${epochs === 1 ? "" : "s"}, batches of ${batchSize}, rate ${learningRate}, momentum ${momentum}, server rate ${serverRate}`;

function bodyOf(result: Result): string {
  const lines = linesOf(result);
  const titles = ["stage", "bytes to the target", "dense / this", "of the stage before", "rounds", "reached"];
  const body = lines.map((line, i) => [
    line.name,
    line.reached === 0
      ? "not reached"
      : `${formatBytes(mean(line.bytes))} ± ${formatBytes(spread(line.bytes))}`,
    line.ratio.length === 0 ? "" : `${mean(line.ratio).toFixed(1)} ± ${spread(line.ratio).toFixed(1)}`,
    i < 2 || line.reached === 0 || lines[i - 1]!.reached === 0
      ? ""
      : (mean(line.bytes) / mean(lines[i - 1]!.bytes)).toFixed(3),
    line.reached === 0 ? "" : mean(line.rounds).toFixed(1),
    `${line.reached} of ${line.of}`,
  ]);
  const widths = titles.map((title, c) => Math.max(title.length, ...body.map((cells) => cells[c]!.length)));
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, c) => cell.padEnd(widths[c]!)).join(" | ")} |`;
  return [
    lineOf(titles),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...body.map(lineOf),
  ].join("\n");
}
