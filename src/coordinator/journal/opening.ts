import type { Clock } from "../../model/clock.ts";
import type { Disk } from "../../model/disk.ts";
import { modelDigest, numParams } from "../../model/manifest.ts";
import type { TelemetryEvent } from "../../telemetry/event.ts";
import { type Book, type DownlinkObserver, openBook } from "../book/book.ts";
import { type CoordinatorOptions, runContract } from "../options.ts";
import { afterRecord } from "../round/replay.ts";
import type { RoundState } from "../round/state.ts";
import { type ByteLedger, byteLedger } from "../sessions/byte-ledger.ts";
import { openJournal } from "./journal.ts";
import { type Patience, patience } from "./patience.ts";
import type { Repair } from "./read.ts";
import { encodeRecord, type Record } from "./record.ts";
import { checkContract, replay } from "./replay.ts";
import { decodeSavedRun, encodeSavedRun } from "./saved-run.ts";

/** A run as its disk has it, and the journal that it goes on in. */
export interface OpenedRun {
  readonly runId: string;
  /** Where the round machine goes on. */
  readonly round: RoundState;
  /** Whether the journal held a run. */
  readonly isResumed: boolean;
  readonly book: Book;
  readonly ledger: ByteLedger;
  readonly repairs: readonly Repair[];
  readonly write: (record: Record) => Promise<void>;
  /** Saves the state, if it is time to; no round may be open. */
  readonly saveIfDue: () => Promise<void>;
  /** Throws a JournalError once another coordinator has taken the run over. */
  readonly confirm: () => Promise<void>;
  readonly patience: Patience;
}

interface OpeningPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly emit: (event: TelemetryEvent) => void;
  readonly observe?: DownlinkObserver;
  /** Ends the waiting for room on the disk, as long as the run is not open. */
  readonly opening?: AbortSignal;
}

/** Takes the folder over and folds what is there. Throws JournalError, or the reason of `opening`. */
export async function openRun(options: CoordinatorOptions, ports: OpeningPorts): Promise<OpenedRun> {
  const { clock, emit, opening } = ports;
  const { folder } = options.journal;
  const waiting = patience(clock, {
    stalled: (detail) => emit({ type: "coordinator.stalled", folder, detail }),
    resumed: (waitedMs) => emit({ type: "coordinator.resumed", folder, waitedMs }),
  });
  const giveUp = () => waiting.stop(opening!.reason);
  if (opening?.aborted) giveUp();
  opening?.addEventListener("abort", giveUp);
  try {
    return await openWith(waiting, options, ports);
  } finally {
    opening?.removeEventListener("abort", giveUp);
  }
}

async function openWith(
  waiting: Patience,
  options: CoordinatorOptions,
  { disk, observe }: OpeningPorts,
): Promise<OpenedRun> {
  const { contract } = options;
  const { snapshotEvery } = options.journal;
  const { journal, snapshot, records, repairs } = await openJournal(disk, options.journal, waiting);
  const saved = snapshot && decodeSavedRun(snapshot);
  const contractDigests = runContract(options, modelDigest(contract.initial));
  if (saved !== null) checkContract(saved, contractDigests);
  const book = openBook(contract, observe, saved?.book ?? null);
  let savedVersion = book.held().version;
  const { rounds } = options;
  const {
    runId: foundId,
    bytes,
    since,
    ...found
  } = replay(book, { saved, records }, contractDigests, rounds);
  /** What a restart would go on from. */
  let round = found.round;
  const ledger = byteLedger(4 * numParams(contract.manifest), bytes);
  for (const frame of since) ledger.accepted(frame.length);
  const runId = foundId ?? options.runId;
  const write = (record: Record): Promise<void> => {
    round = afterRecord(round, record, rounds);
    return journal.append(encodeRecord(record));
  };
  if (foundId === null) await write({ type: "started", runId, contract: contractDigests });

  return {
    runId,
    round: found.round,
    isResumed: foundId !== null,
    book,
    ledger,
    repairs,
    write,
    saveIfDue: async () => {
      const { version } = book.held();
      if (snapshotEvery === null || version - savedVersion < snapshotEvery) return;
      savedVersion = version;
      const [bytes, saved] = [ledger.totals(), book.snapshot()];
      await journal.snapshot(encodeSavedRun({ runId, contract: contractDigests, bytes, round, book: saved }));
    },
    confirm: journal.confirm,
    patience: waiting,
  };
}
