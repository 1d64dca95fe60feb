import type { ClientId } from "../../model/message.ts";
import type { Task } from "../../model/protocol.ts";
import { deriveSeed } from "../../model/rng.ts";
import type { Desk } from "./desk.ts";

const MAX_MS = 2 ** 31 - 1;

/** What the open round asks of a client. */
export function taskOf(
  { book, options, state }: Pick<Desk, "book" | "options" | "state">,
  clientId: ClientId,
): Task {
  const { contract, rounds, runId, leaseMs } = options;
  const { round } = state();
  const { width, masks } = book.partOf(clientId, round);
  return {
    runId,
    round,
    base: book.held(),
    model: contract.source,
    manifest: contract.manifest,
    train: contract.train,
    uplink: contract.uplink,
    downlink: contract.downlink,
    exponents: book.exponents(),
    ...(masks !== null && { part: { width, masks } }),
    // as long as a report may count in a later round
    reportDeadlineMs: Math.min(MAX_MS, rounds.reportDeadlineMs * (1 + rounds.maxStaleness)),
    heartbeatMs: Math.max(1, Math.min(MAX_MS, Math.floor(leaseMs / 3))),
    sharedSeed: deriveSeed(rounds.seed, "round", round),
  };
}
