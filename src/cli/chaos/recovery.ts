import type { Recovery } from "./federation.ts";

/** How long the coordinator took from its start, over many starts. */
export interface RecoveryFigures {
  /** To the first check-in. */
  readonly recoveryMs: Spread;
  /** Of that, until the process listens. */
  readonly listeningMs: Spread;
}

interface Spread {
  readonly p50: number;
  readonly max: number;
}

export const recoveryFigures = (recoveries: readonly Recovery[]): RecoveryFigures => ({
  recoveryMs: spread(recoveries.map(toCheckIn)),
  listeningMs: spread(recoveries.map(({ listeningMs }) => listeningMs)),
});

/** What is wrong with them. */
export function tooSlow(recoveries: readonly Recovery[], mostMs: number): readonly string[] {
  const slow = recoveries.filter((one) => toCheckIn(one) > mostMs).length;
  if (slow === 0) return [];
  return [`${slow} of ${recoveries.length} recoveries took longer than ${mostMs} ms to a check-in`];
}

const toCheckIn = ({ checkInMs }: Recovery): number => checkInMs ?? Number.POSITIVE_INFINITY;

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: sorted[sorted.length >> 1] ?? 0, max: sorted.at(-1) ?? 0 };
}
