import type { Coordinator, CoordinatorPorts } from "../../../coordinator/coordinator.ts";
import type { ClientId } from "../../../model/message.ts";
import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { SimulatedDisk } from "../disk.ts";
import type { Wire } from "../network.ts";
import type { TrueDelta } from "../training.ts";
import { type ClientAudit, clientAudit } from "./clients.ts";
import type { AuditContext } from "./context.ts";
import { deadlineAudit } from "./deadlines.ts";
import { emptyHistory, follow, type History } from "./history.ts";
import { type JournalRecord, readJournal, START, type Totals } from "./journal.ts";
import { ledgerAudit } from "./ledger.ts";
import { promiseAudit } from "./promises.ts";
import { digestAgain, roundAudit } from "./rounds.ts";

/**
 * Sits outside of the system: sees what the disk holds for sure, what the network carries and what clients keep, and
 * computes everything again.
 */
export interface Auditor {
  readonly wire: Wire;
  /** For a coordinator's ports. */
  readonly stepped: NonNullable<CoordinatorPorts["observe"]>;
  readonly heard: (event: TelemetryEvent, coordinator: Coordinator | null) => void;
  /** A life of a coordinator begins, or ends. */
  readonly coordinatorOpened: (coordinator: Coordinator) => void;
  readonly coordinatorDied: () => void;
  readonly diskChanged: () => void;
  readonly trained: (clientId: ClientId, round: number, delta: TrueDelta) => void;
  readonly clientSaving: (clientId: ClientId, bytes: Uint8Array) => void;
  readonly clientHolds: (clientId: ClientId, bytes: Uint8Array) => void;
  readonly clientSends: (clientId: ClientId, digest: string, durable: Uint8Array | null) => void;
  /** After every event. */
  readonly check: () => void;
  readonly end: () => void;
}

const JOURNAL = "journal.log";

export function openAuditor(
  context: AuditContext,
  disk: SimulatedDisk,
  now: () => number,
  onReport: (round: number, frame: Uint8Array) => void,
): Auditor {
  const { shape, options, fail } = context;
  const { cohort } = shape.config;
  const history = emptyHistory(digestAgain(shape.initial));
  const rounds = roundAudit(context);
  const clients: ClientAudit = clientAudit(context, rounds);
  const promises = promiseAudit(context);
  const ledger = ledgerAudit(context);
  const deadlines = deadlineAudit(context, now);
  const rules = {
    minimum: options.rounds.minimum,
    goal: cohort.goal,
    maxStaleness: cohort.maxStaleness,
    isBuffered: cohort.concurrency !== null,
  };
  let isStale = false;
  let place = START;
  const known: JournalRecord[] = [];

  /** Follows what became durable since. */
  const upToDate = (): History => {
    if (!isStale) return history;
    isStale = false;
    const { records, place: next } = readJournal(disk.durable(JOURNAL) ?? new Uint8Array(), place);
    place = next;
    for (const record of records) {
      known.push(record);
      const wrong = follow(history, record, rules, (open, head) =>
        rounds.closes(open, head, history.version),
      );
      if (wrong !== null) fail("journal", wrong);
    }
    return history;
  };

  /** From its beginning: what was durable once is there for good. */
  const readAgain = (): readonly JournalRecord[] => {
    const { records } = readJournal(disk.durable(JOURNAL) ?? new Uint8Array(), START);
    known.forEach((record, i) => {
      const now = records[i];
      if (now === undefined || JSON.stringify(now.head) !== JSON.stringify(record.head))
        fail("journal", `record ${i}, ${record.head.type}, was durable and is gone`);
    });
    return records;
  };

  return {
    wire: {
      reportArrived: (_, { round }, frame) => {
        onReport(round, frame);
        ledger.up(frame.length);
      },
      receiptLeft: (clientId, id, frame, receipt) =>
        promises.receipt(clientId, id, frame, receipt, upToDate()),
      framesLeft: (_, frames) => ledger.down(frames.reduce((n, frame) => n + frame.length, 0)),
      replyLeft: (clientId, request, reply) => promises.reply(clientId, request, reply, upToDate()),
      failed: (error) => fail("engine", `the service threw ${(error as Error).stack ?? error}`),
    },
    stepped: rounds.stepped,
    heard: (event, coordinator) => {
      if (event.type === "round.committed" && coordinator !== null)
        rounds.published(event.version, coordinator.book.model().params);
      deadlines.heard(event);
    },
    coordinatorOpened: (coordinator) => {
      isStale = true;
      const records = readAgain();
      upToDate();
      const model = coordinator.book.model();
      // a round that was complete closes at once, before that is durable
      const isAhead = model.version === history.version + 1 && history.open !== null;
      if (!isAhead && digestAgain(model.params) !== history.digests[model.version])
        fail(
          "replay",
          `a coordinator opens at version ${model.version}; the journal says ${history.version}`,
        );
      rounds.published(model.version, model.params);
      ledger.begins(() => coordinator.bytes.totals(), totalsIn(records));
    },
    coordinatorDied: () => {
      ledger.ends();
      deadlines.died();
    },
    diskChanged: () => {
      isStale = true;
    },
    trained: clients.trained,
    clientSaving: clients.saving,
    clientHolds: (clientId, bytes) => clients.holds(clientId, bytes, upToDate()),
    clientSends: clients.sends,
    check: () => {
      ledger.check();
      deadlines.check();
    },
    end: () => {
      isStale = true;
      promises.end(upToDate());
      if (history.version !== options.rounds.rounds)
        fail("liveness", `the run is done at version ${history.version}`);
    },
  };
}

/** What a coordinator that opens on these records starts counting from. */
function totalsIn(records: readonly JournalRecord[]): Pick<Totals, "uplink" | "downlink"> {
  let totals = { uplink: 0, downlink: 0 };
  for (const { head, frame } of records)
    if (head.type === "opened" || head.type === "closed") totals = head.bytes;
    else if (head.type === "accepted") totals = { ...totals, uplink: totals.uplink + frame.length };
  return { uplink: totals.uplink, downlink: totals.downlink };
}
