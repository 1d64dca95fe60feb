import { WireError } from "../../model/error.ts";
import { digestOf } from "../../model/manifest.ts";
import type { ByteTotals } from "../../telemetry/event.ts";
import type { Book } from "../book/book.ts";
import { afterRecord } from "../round/replay.ts";
import { initialRound, type RoundConfig, type RoundState } from "../round/state.ts";
import type { CheckedUpdate } from "../sessions/report-check.ts";
import { JournalError } from "./error.ts";
import type { JournalContents } from "./read.ts";
import { decodeRecord, type Record, type RunContract } from "./record.ts";
import type { SavedRun } from "./saved-run.ts";

export interface Replayed {
  /** Null for an empty journal. */
  readonly runId: string | null;
  /** Totals as far as the journal knows them: what was sent down after its last record of a round is not in it. */
  readonly bytes: ByteTotals | null;
  /** Frames accepted since those totals were written. */
  readonly since: readonly Uint8Array[];
  /** Where the round machine goes on. */
  readonly round: RoundState;
}

/**
 * State = fold(log): brings a book, empty or as a snapshot has it, to where the journal ends. Every committed round is
 * folded again from its reports and must come to the bits that were written down; `folded` hears of each.
 */
export function replay(
  book: Book,
  {
    saved,
    records,
  }: { readonly saved: Omit<SavedRun, "book"> | null; readonly records: JournalContents["records"] },
  contract: RunContract,
  rounds: RoundConfig,
  folded: (record: Extract<Record, { type: "closed" }>) => void = () => {},
): Replayed {
  let runId = saved?.runId ?? null;
  let bytes = saved?.bytes ?? null;
  let since: Uint8Array[] = [];
  let round: RoundState = { ...initialRound, ...saved?.round };
  for (const { place, bytes: encoded } of records) {
    const record = decodeRecord(encoded);
    round = afterRecord(round, record, rounds);
    switch (record.type) {
      case "started":
        checkContract(record, contract);
        runId = record.runId;
        break;
      case "opened":
        bytes = record.bytes;
        since = [];
        book.openRound(record.round, record.cohort, record.exponents, record.widths);
        break;
      case "accepted":
        since.push(record.frame);
        book.accept(checked(book, record, place), record.weight, digestOf(record.frame));
        break;
      case "refused":
        if (record.digest !== null) book.refuse(record.round, record.clientId, record.digest);
        break;
      case "closed":
        bytes = record.bytes;
        since = [];
        book.close(record.outcome);
        checkModel(book, record, place);
        folded(record);
    }
  }
  return { runId, bytes, since, round };
}

/** Throws a JournalError when a run is to go on under another config. */
export function checkContract(
  { runId, contract: before }: { readonly runId: string; readonly contract: RunContract },
  contract: RunContract,
): void {
  const changed = Object.keys(contract).filter((part) => contract[part] !== before[part]);
  if (changed.length > 0)
    throw new JournalError(
      "other-run",
      `run ${runId}`,
      `the journal is of a run that had another ${changed.join(", ")}`,
      "give that run's config, or another coordinator.stateDir",
    );
}

function checked(
  book: Book,
  { clientId, round, baseVersion, frame }: Extract<Record, { type: "accepted" }>,
  place: string,
): CheckedUpdate {
  try {
    return book.check(clientId, frame, { round, baseVersion });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new JournalError(
      "refolds-differently",
      place,
      `the report of ${clientId} in round ${round} is refused now: ${error.message}`,
      "go on with the limits and the build that accepted it",
    );
  }
}

function checkModel(book: Book, record: Extract<Record, { type: "closed" }>, place: string): void {
  const { version, digest } = book.held();
  if (version !== record.version || digest !== record.digest)
    throw new JournalError(
      "refolds-differently",
      place,
      `round ${record.round} refolds to version ${version} ${digest}, the journal has ${record.version} ${record.digest}`,
      "it was written by another build of fedpress: go on with that one",
    );
}
