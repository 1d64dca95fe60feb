import { digestOf } from "../model/manifest.ts";
import type { ByteTotals } from "../telemetry/event.ts";
import type { Book } from "./book.ts";
import { JournalError } from "./journal.ts";
import { decodeRecord, type Record } from "./record.ts";

export interface Replayed {
  /** Null for an empty journal. */
  readonly started: Extract<Record, { type: "started" }> | null;
  /** Totals as of the last closed round; null when none has closed. */
  readonly bytes: ByteTotals | null;
}

/**
 * State = fold(log): brings an empty book to where the journal ends. Every committed round is folded again from its
 * reports and must come to the bits that were written down.
 */
export function replay(book: Book, records: readonly Uint8Array[], contract: string): Replayed {
  let started: Replayed["started"] = null;
  let bytes: ByteTotals | null = null;
  for (const record of records.map(decodeRecord)) {
    switch (record.type) {
      case "started":
        if (record.contract !== contract)
          throw new JournalError(
            `the journal belongs to run ${record.runId}, which had another model, plan, seed or aggregation; ` +
              "give its config, or another coordinator.stateDir",
          );
        started = record;
        break;
      case "opened":
        book.openRound(record.round, record.cohort);
        break;
      case "accepted":
        book.accept(book.check(record.clientId, record.frame), digestOf(record.frame));
        break;
      case "closed": {
        book.close(record.outcome);
        bytes = record.bytes;
        const { version, digest } = book.held();
        if (version !== record.version || digest !== record.digest)
          throw new JournalError(
            `round ${record.round} refolds to version ${version} ${digest}, the journal has ${record.version} ` +
              `${record.digest}: it was written by another build of fedpress; go on with that one`,
          );
      }
    }
  }
  return { started, bytes };
}
