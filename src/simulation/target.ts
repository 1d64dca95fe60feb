import type { RoundPoint } from "./history.ts";

type Measured = Pick<RoundPoint, "round" | "accuracy" | "bytes">;

/** The first round after which a run's accuracy was there, and the bytes that it had cost by then, both ways. */
export interface Reached {
  readonly round: number;
  readonly bytes: number;
}

/** An accuracy to compare at: 95 %, or the best round one below it that every run reached. */
export function targetOf(runs: readonly (readonly Measured[])[]): number | null {
  const best = runs.map((rounds) => Math.max(...rounds.map(({ accuracy }) => accuracy ?? 0)));
  return [0.95, 0.9, 0.8, 0.7, 0.6, 0.5].find((target) => best.every((reached) => reached >= target)) ?? null;
}

export function firstAt(rounds: readonly Measured[], target: number): Reached | null {
  const first = rounds.find(({ accuracy }) => accuracy !== null && accuracy >= target);
  return first === undefined ? null : { round: first.round, bytes: first.bytes.total };
}
