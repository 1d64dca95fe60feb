import { WireError } from "../model/error.ts";
import { digestOf } from "../model/manifest.ts";
import { type ClientId, MAX_NUM_EXAMPLES } from "../model/message.ts";
import type {
  CheckIn,
  CheckInReply,
  ClientSession,
  CoordinatorService,
  FetchModel,
  Receipt,
  Refusal,
  ReportId,
  Task,
  Verdict,
} from "../model/protocol.ts";
import { deriveSeed } from "../model/rng.ts";
import type { DeviceProfile } from "../model/submodel.ts";
import type { TelemetryEvent } from "../telemetry/event.ts";
import type { Book } from "./book.ts";
import type { ByteLedger } from "./byte-ledger.ts";
import type { CoordinatorOptions } from "./options.ts";
import type { Record } from "./record.ts";
import type { CheckedUpdate } from "./report-check.ts";
import { baseOf, type RoundEvent, type RoundState, refusalOf } from "./round-state.ts";

/** What the sessions share with the coordinator that they belong to. */
export interface Desk {
  readonly options: CoordinatorOptions;
  readonly book: Book;
  readonly ledger: ByteLedger;
  readonly emit: (event: TelemetryEvent) => void;
  readonly dispatch: (event: RoundEvent) => void;
  readonly write: (record: Record) => Promise<void>;
  /** Resolves when all that was written so far is on disk. */
  readonly durable: () => Promise<void>;
  readonly isOver: () => boolean;
  /** Whether the journal waits for room on its disk. */
  readonly isStalled: () => boolean;
  readonly state: () => RoundState;
}

export interface Sessions {
  readonly service: CoordinatorService;
  /** Hands the open round's task to a client that waits for it. */
  readonly configure: (clientId: ClientId) => void;
  /** Tells everybody, now and later, that the run is over. */
  readonly finish: (end: RunEnd) => void;
  /** What a client said of its device when it last checked in. */
  readonly deviceOf: (clientId: ClientId) => DeviceProfile;
  /** Distinct clients that were given a task. */
  readonly numClients: () => number;
  /** Of those, how many have not been told of the end. */
  readonly numUntold: () => number;
}

/** How a run ended that will not go on. */
export interface RunEnd {
  readonly outcome: "done" | "failed";
  readonly detail: string;
}

interface Waiting {
  readonly request: CheckIn;
  readonly reply: (reply: CheckInReply) => void;
}

export function openSessions(desk: Desk): Sessions {
  const live = new Map<ClientId, { waiting: Waiting | null; device: DeviceProfile }>();
  const served = new Set<ClientId>();
  let configured: { readonly round: number; readonly clients: Set<ClientId> } = {
    round: 0,
    clients: new Set(),
  };
  let end: RunEnd | null = null;

  const verdictFor = (clientId: ClientId, { runId, pending }: CheckIn): Verdict | null => {
    if (pending === null) return null;
    // A report of another run can come to nothing in this one.
    if (runId !== desk.options.runId) return { report: pending, outcome: "dropped", version: null };
    return desk.book.verdictOf(clientId, pending);
  };

  const answer = (clientId: ClientId, make: (request: CheckIn) => CheckInReply): void => {
    const session = live.get(clientId);
    const waiting = session?.waiting;
    if (!session || !waiting) return;
    session.waiting = null;
    waiting.reply(make(waiting.request));
  };

  const untold = new Set<ClientId>();
  const tellEnd = (clientId: ClientId, { outcome, detail }: RunEnd): void =>
    answer(clientId, (request) => {
      untold.delete(clientId);
      return outcome === "done"
        ? { kind: "finished", verdict: verdictFor(clientId, request) }
        : { kind: "refused", refusal: { code: "run-failed", detail, retry: false } };
    });

  const open = (clientId: ClientId): ClientSession | Refusal => {
    if (live.has(clientId))
      return { code: "duplicate-client", detail: `a session of client ${clientId} is live`, retry: true };
    const session: { waiting: Waiting | null; device: DeviceProfile } = { waiting: null, device: {} };
    let joined = false;
    live.set(clientId, session);
    const isLive = () => live.get(clientId) === session;

    const checkIn = (request: CheckIn): Promise<CheckInReply> => {
      const { numExamples } = request;
      if (!Number.isInteger(numExamples) || numExamples < 1 || numExamples > MAX_NUM_EXAMPLES) {
        const detail = `numExamples is ${numExamples}, expected 1 to ${MAX_NUM_EXAMPLES}`;
        desk.emit({ type: "client.refused", clientId, code: "bad-field", detail });
        return Promise.resolve({ kind: "refused", refusal: { code: "bad-field", detail, retry: false } });
      }
      if (!joined) desk.emit({ type: "client.joined", clientId, numExamples });
      joined = true;
      return new Promise((reply) => {
        if (!isLive()) return;
        session.device = request.device ?? {};
        session.waiting?.reply(superseded);
        session.waiting = { request, reply };
        if (end !== null) tellEnd(clientId, end);
        else desk.dispatch({ type: "checked-in", clientId });
      });
    };

    const close = (): void => {
      if (!isLive()) return;
      live.delete(clientId);
      if (!joined) return;
      desk.emit({ type: "client.left", clientId });
      desk.dispatch({ type: "left", clientId });
    };

    return {
      clientId,
      checkIn,
      fetchModel: (request) => fetchModel(desk, clientId, request),
      report: (id, frame) => report(desk, clientId, id, frame),
      refuse: (round, refusal) => {
        refuseReport(desk, clientId, round, 0, refusal);
        if (refusalOf(desk.state(), clientId, round) === null) desk.dispatch({ type: "refused", clientId });
      },
      close,
    };
  };

  return {
    service: {
      open: (clientId) => {
        const session = open(clientId);
        if ("code" in session)
          desk.emit({ type: "client.refused", clientId, code: session.code, detail: session.detail });
        return session;
      },
    },
    configure: (clientId) => {
      const { round } = desk.state();
      const give = (): void => {
        if (desk.isOver()) return;
        if (desk.state().round !== round || desk.state().phase !== "reporting") {
          // the round closed before it was on disk: its client still waits, for another
          if (live.get(clientId)?.waiting) desk.dispatch({ type: "checked-in", clientId });
          return;
        }
        answer(clientId, (request) => {
          if (configured.round !== round) configured = { round, clients: new Set() };
          if (!configured.clients.has(clientId)) desk.ledger.configured();
          configured.clients.add(clientId);
          served.add(clientId);
          untold.add(clientId);
          return { kind: "task", task: taskOf(desk, clientId), verdict: verdictFor(clientId, request) };
        });
      };
      void desk.durable().then(give, () => {}); // the coordinator fails with its journal
    },
    finish: (how) => {
      end = how;
      for (const clientId of live.keys()) tellEnd(clientId, how);
    },
    deviceOf: (clientId) => live.get(clientId)?.device ?? {},
    numClients: () => served.size,
    numUntold: () => untold.size,
  };
}

const superseded: CheckInReply = {
  kind: "refused",
  refusal: { code: "superseded", detail: "this client checked in again", retry: true },
};

function taskOf({ book, options, state }: Desk, clientId: ClientId): Task {
  const { contract, rounds, runId } = options;
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
    reportDeadlineMs: Math.min(2 ** 31 - 1, rounds.reportDeadlineMs * (1 + rounds.maxStaleness)),
    sharedSeed: deriveSeed(rounds.seed, "round", round),
  };
}

/**
 * Leads to the current version, so that a client whose task is out of date learns so when it checks in again; but to its
 * task's where its report would still count: a model that moves faster than it is fetched would never be trained.
 */
async function fetchModel(
  desk: Desk,
  clientId: ClientId,
  { held, version: asked, masks }: FetchModel,
): Promise<readonly Uint8Array[]> {
  const isLate = desk.state().late.some((one) => one.clientId === clientId && one.version === asked);
  const version = isLate ? asked : desk.book.held().version;
  const { kind, frames: ofModel } = desk.book.catchUp(held, version);
  const own = masks === undefined ? null : desk.book.masksFrame(masks);
  // the model's own masks may be among them already
  const frames =
    own === null || ofModel.some((frame) => isSameBytes(frame, own)) ? ofModel : [...ofModel, own];
  const bytes = frames.reduce((n, frame) => n + frame.length, 0);
  desk.ledger.sent(bytes);
  desk.emit({ type: "model.fetched", clientId, version, kind, frames: frames.length, bytes });
  return frames;
}

const isSameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Peek, check, journal, fold; the receipt follows when the journal is on disk. */
async function report(desk: Desk, clientId: ClientId, id: ReportId, frame: Uint8Array): Promise<Receipt> {
  const { book, ledger, emit } = desk;
  const refuse = (refusal: Refusal): Receipt => refuseReport(desk, clientId, id.round, frame.length, refusal);
  if (digestOf(frame) !== id.digest)
    return refuse({ code: "bad-digest", detail: "the frame is not the one announced", retry: true });
  // The same report again gets the same receipt, whatever has become of its round.
  if (book.wasAccepted(clientId, id)) {
    ledger.refused(frame.length);
    await desk.durable();
    return { kind: "accepted", report: id };
  }
  if (desk.isOver()) return refuse({ code: "run-over", detail: "the coordinator is ending", retry: true });
  if (desk.isStalled()) return refuse(diskFull);
  const early = refusalOf(desk.state(), clientId, id.round);
  if (early !== null) return refuse(early);
  let checked: CheckedUpdate;
  try {
    const baseVersion = baseOf(desk.state(), clientId, id.round)!; // not null, or it was refused
    checked = book.check(clientId, frame, { round: id.round, baseVersion });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    desk.dispatch({ type: "refused", clientId });
    return refuse({ code: error.code, detail: error.message, retry: true });
  }
  const poisoned = book.gate(checked);
  if (poisoned !== null) {
    desk.dispatch({ type: "refused", clientId });
    return refuse({ code: "norm-gate", detail: poisoned, retry: true });
  }
  ledger.accepted(frame.length);
  const weight = book.weigh(checked.update);
  book.accept(checked, weight, id.digest);
  const { baseVersion, numExamples, trainLoss } = checked.update;
  const durable = desk.write({ type: "accepted", round: id.round, baseVersion, clientId, weight, frame });
  emit({ type: "report.accepted", clientId, round: id.round, bytes: frame.length, numExamples, trainLoss });
  desk.dispatch({ type: "reported", clientId });
  await durable;
  return { kind: "accepted", report: id };
}

const diskFull: Refusal = {
  code: "disk-full",
  detail: "the coordinator waits for room on its disk",
  retry: true,
  retryAfterMs: 5_000,
};

function refuseReport(
  { ledger, emit }: Desk,
  clientId: ClientId,
  round: number,
  bytes: number,
  refusal: Refusal,
): Receipt {
  ledger.refused(bytes);
  emit({ type: "report.refused", clientId, round, bytes, code: refusal.code, detail: refusal.detail });
  return { kind: "refused", refusal };
}
