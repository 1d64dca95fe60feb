import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { ClientId } from "../../../model/message.ts";
import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { SimulatedDisk } from "../disk.ts";
import type { Server, Wire } from "../network.ts";
import type { Process } from "../process.ts";
import type { TrueDelta } from "../training.ts";
import { type ClientAudit, clientAudit } from "./clients.ts";
import type { AuditContext } from "./context.ts";
import { controlAudit } from "./controls.ts";
import { deadlineAudit } from "./deadlines.ts";
import { downloadAudit } from "./downloads.ts";
import { evidenceAudit } from "./evidence.ts";
import { gateAudit } from "./gates.ts";
import { emptyHistory, follow, type History } from "./history.ts";
import { overdue } from "./hopes.ts";
import { GONE, type JournalRecord, journalReader, type Totals } from "./journal.ts";
import { ledgerAudit } from "./ledger.ts";
import { priorAudit } from "./priors.ts";
import { promiseAudit } from "./promises.ts";
import { refusalAudit } from "./refusals.ts";
import { digestAgain, type RoundAudit, roundAudit } from "./rounds.ts";

/**
 * Sits outside of the system: sees what the disk holds for sure, what the network carries and what clients keep, and
 * computes everything again.
 */
export interface Auditor {
  readonly wire: Wire;
  /** For a coordinator's ports. */
  readonly stepped: RoundAudit["stepped"];
  readonly heard: (life: Process, event: TelemetryEvent, coordinator: Coordinator | null) => void;
  /** A life of a coordinator begins, or ends. */
  readonly coordinatorOpened: (server: Server, coordinator: Coordinator) => void;
  readonly coordinatorDied: (life: Process) => void;
  /** An operator was told that it is done. */
  readonly operated: (how: "paused" | "running", abandoned: boolean) => void;
  /** The journal's newest segment, and how many of its bytes count. */
  readonly newestSegment: () => { readonly name: string; readonly bytes: number } | null;
  readonly diskChanged: () => void;
  readonly trained: (clientId: ClientId, round: number, delta: TrueDelta) => void;
  readonly clientSaving: (clientId: ClientId, bytes: Uint8Array) => void;
  readonly clientHolds: (clientId: ClientId, bytes: Uint8Array) => void;
  readonly clientSends: (clientId: ClientId, digest: string, durable: Uint8Array | null) => void;
  /** What a client's disk says of the history was changed. */
  readonly clientDamaged: (clientId: ClientId) => void;
  readonly clientStarts: (clientId: ClientId) => void;
  /** A client hears that its report of a round was refused. */
  readonly clientRefused: (clientId: ClientId, round: number, code: string) => void;
  /** After every event. */
  readonly check: () => void;
  readonly end: () => void;
}

export function openAuditor(
  context: AuditContext,
  disk: SimulatedDisk,
  now: () => number,
  onReport: (round: number, frame: Uint8Array) => void,
): Auditor {
  const { shape, options, fail } = context;
  const { cohort } = shape.config;
  const history = emptyHistory(digestAgain(shape.initial));
  const priors = priorAudit(context);
  const controls = controlAudit(context);
  const rounds = roundAudit(
    context,
    (version) => priors.uplink(version, history.digests[version]),
    controls.folded,
  );
  const clients: ClientAudit = clientAudit(context, rounds, priors, controls);
  const promises = promiseAudit(context, priors);
  const downloads = downloadAudit(context, priors, controls);
  const refusals = refusalAudit(context);
  const ledger = ledgerAudit(context);
  const deadlines = deadlineAudit(context, now);
  const evidence = evidenceAudit(context);
  const gates = gateAudit(context, rounds);
  const rules = {
    minimum: options.rounds.minimum,
    goal: cohort.goal,
    maxStaleness: cohort.maxStaleness,
    mostAsked:
      cohort.concurrency ??
      (cohort.overSelection === "auto" ? Infinity : Math.ceil(cohort.goal * cohort.overSelection)),
    isBuffered: cohort.concurrency !== null,
  };
  const files = {
    names: disk.names,
    read: disk.durable,
    isSeen: (name: string) => disk.visible(name) !== null,
  };
  const reader = journalReader(files);
  const known: JournalRecord[] = [];
  let isStale = true;
  let newest: Process | null = null;

  /** Follows what became durable since. */
  const upToDate = (): History => {
    if (!isStale) return history;
    isStale = false;
    const { records, wrong: broken } = reader.readOn();
    if (broken !== null) fail("journal", broken);
    for (const record of records) {
      known.push(record);
      const { type, clientId, code } = record.head;
      if (type === "refused" && code === "prior-mismatch" && !clientId.startsWith("hostile"))
        fail("journal", `${clientId} is out of a round for a history that was another`);
      if (type === "opened") {
        const many = evidence.opens(record.head);
        if (many !== null) fail("journal", many);
      }
      const wrong = follow(history, record, rules, (open, head) => {
        if (head.outcome === "commit") deadlines.commits(open, head.digest, history);
        return (
          rounds.closes(open, head, history.version) ??
          gates.closes(open, head.outcome, history) ??
          evidence.closes(open, head, history)
        );
      });
      if (wrong !== null) fail("journal", wrong);
    }
    if (records.length > 0 && isInOpenRound(newest)) {
      const why = overdue(history, rules);
      if (why !== null) fail("deadline", `round ${history.open?.round} goes on: ${why}`);
    }
    return history;
  };

  /** Whether that life has the round open that is open as far as it is durable. */
  const isInOpenRound = (life: Process | null): life is Process =>
    life !== null && history.open !== null && deadlines.openIn(life) === history.open.round;

  /** From its beginning, or from where older files are gone: what counted once is there for good. */
  const readAgain = (): void => {
    const { records, wrong } = journalReader(files).readOn();
    if (wrong !== null) fail("journal", wrong);
    const before = known.slice(Math.max(0, known.length - records.length));
    before.forEach((record, i) => {
      const now = records[i]!.head;
      // what a snapshot stands for may be on its way out, blobs first
      if (now.type !== GONE && JSON.stringify(now) !== JSON.stringify(record.head))
        fail("journal", `record ${i} of the last ${records.length}, ${record.head.type}, was another before`);
    });
  };

  return {
    wire: {
      reportArrived: ({ process }, { round }, frame) => {
        onReport(round, frame);
        ledger.up(process, frame.length);
      },
      refusalLeft: ({ process }, clientId, round, refusal) => {
        if (process === newest) refusals.refused(process, clientId, round, refusal, upToDate());
      },
      checkInArrived: ({ process }, clientId) => {
        if (refusals.checksIn(process, clientId, upToDate())) deadlines.givenUp(process);
      },
      receiptLeft: ({ process }, clientId, id, frame, receipt) => {
        if (receipt.kind === "refused" && receipt.refusal.code === "prior-mismatch")
          clients.mismatched(clientId, id.digest);
        const asked = upToDate().rounds.get(id.round);
        const isLong = receipt.kind === "refused" && receipt.refusal.code === "norm-gate";
        if (isLong && asked !== undefined && process === newest && isInOpenRound(process))
          gates.refused(clientId, frame!, asked.version, history);
        // who was taken over without having noticed knows nothing of what came since, and may not promise anything
        if (receipt.kind === "accepted" || process === newest)
          promises.receipt(clientId, id, frame, receipt, upToDate());
      },
      bytesLeft: ({ process }, bytes) => ledger.down(process, bytes),
      framesLeft: ({ process }, request, frames) => {
        // who was taken over without having noticed leads as far as it knows
        const version = process === newest ? request.version : 0;
        downloads({ ...request, version }, frames, upToDate());
      },
      replyLeft: (clientId, request, reply) => {
        promises.reply(clientId, request, reply, upToDate());
        if (reply.kind === "task") refusals.asked(clientId, reply.task.round);
      },
      failed: (error) => fail("engine", `the service threw ${(error as Error).stack ?? error}`),
    },
    stepped: rounds.stepped,
    newestSegment: reader.newest,
    heard: (life, event, coordinator) => {
      if (event.type === "round.committed" && coordinator !== null) {
        rounds.published(coordinator.book.model().params);
        priors.published(coordinator);
      }
      deadlines.heard(life, event);
      refusals.heard(life, event);
    },
    coordinatorOpened: ({ process }, coordinator) => {
      newest = process;
      isStale = true;
      priors.published(coordinator);
      upToDate();
      evidence.begins();
      readAgain();
      const model = coordinator.book.model();
      // a round that was complete closes at once, before that is durable
      const isAhead = model.version === history.version + 1 && history.open !== null;
      if (!isAhead && digestAgain(model.params) !== history.digests[model.version])
        fail(
          "replay",
          `a coordinator opens at version ${model.version}; the journal says ${history.version}`,
        );
      rounds.published(model.params);
      for (const { inherits } of [deadlines, refusals]) inherits(process, history.open?.round ?? null);
      ledger.begins(process, () => coordinator.bytes.totals(), totalsIn(known));
    },
    operated: (how, abandoned) => {
      const { isPaused, open } = upToDate();
      if (isPaused !== (how === "paused"))
        fail("operator", `told that the run is ${how}, which is not durable`);
      else if (isPaused && abandoned && open !== null)
        fail("operator", `told that round ${open.round} is abandoned, which is not durable`);
    },
    coordinatorDied: (life) => {
      ledger.ends(life);
      deadlines.died(life);
      refusals.died(life);
    },
    diskChanged: () => {
      isStale = true;
      upToDate(); // at once: who counts may be another in a moment
    },
    trained: clients.trained,
    clientSaving: clients.saving,
    clientHolds: (clientId, bytes) => clients.holds(clientId, bytes, upToDate()),
    clientSends: clients.sends,
    clientDamaged: clients.damaged,
    clientStarts: clients.starts,
    clientRefused: clients.refused,
    check: () => {
      upToDate(); // before what it read is removed
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
