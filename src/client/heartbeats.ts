import { sleep } from "../model/clock.ts";
import type { Refusal } from "../model/protocol.ts";
import { LinkError } from "./link.ts";
import type { ClientPorts } from "./loop.ts";

/** A report of the round that is worked for would not count any more. */
export class Outdated extends Error {
  override readonly name = "Outdated";
  readonly round: number;
  readonly refusal: Refusal;
  constructor(round: number, refusal: Refusal) {
    super(`round ${round}: ${refusal.detail}`);
    this.round = round;
    this.refusal = refusal;
  }
}

/**
 * Works for a round and tells the coordinator every so often, so that it knows of the client and the client of the round.
 * The work is ended with Outdated when it is for nothing; a broken link changes nothing.
 */
export async function whileItCounts<T>(
  round: number,
  everyMs: number,
  { link, clock }: Pick<ClientPorts, "link" | "clock">,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const aborter = new AbortController();
  const bounded = AbortSignal.any([signal, aborter.signal]);

  const beat = async (): Promise<never> => {
    for (;;) {
      await sleep(clock, everyMs, bounded);
      try {
        const refusal = await link.heartbeat(round, bounded);
        // once it is there, its receipt is on the way
        if (refusal !== null && refusal.code !== "already-reported") throw new Outdated(round, refusal);
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
      }
    }
  };
  beat().catch((error) => aborter.abort(error));
  try {
    return await work(bounded);
  } finally {
    aborter.abort(new Error("the work is done"));
  }
}
