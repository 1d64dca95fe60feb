import type { RunResult } from "./run.ts";

/** A page: what a screen or a sheet of paper has room for. */
const PAGE_LINES = 60;

/** A failed run on at most a page: its shape, the faults that are left, and the last of what happened. */
export function timeline({ seed, shape, faults, lines, violation, events }: RunResult): string {
  const head = [
    `seed ${seed}: ${shape}`,
    `${violation === null ? "no violation" : `${violation.check}: ${short(violation.detail)}`}, after ${events} events`,
    faults.length === 0
      ? "without any fault"
      : `with ${faults.length === 1 ? "one fault" : `${faults.length} faults`}:`,
    ...faults.slice(0, 12).map((fault) => `  ${fault}`),
    ...(faults.length > 12 ? [`  and ${faults.length - 12} more`] : []),
    "",
  ];
  const room = PAGE_LINES - head.length - 1;
  const left = Math.max(0, lines.length - room);
  return [...head, ...(left > 0 ? [`(${left} lines before)`] : []), ...lines.slice(left).map(short)].join(
    "\n",
  );
}

const short = (line: string): string => {
  const first = line.split("\n")[0]!;
  return first.length > 160 ? `${first.slice(0, 157)}...` : first;
};
