import { type ClientId, MAX_NUM_EXAMPLES } from "../../model/message.ts";
import type {
  CheckIn,
  CheckInReply,
  ClientSession,
  CoordinatorService,
  Refusal,
  ReportId,
  Standing,
  Verdict,
} from "../../model/protocol.ts";
import type { DeviceProfile } from "../../model/submodel.ts";
import { refusalOf } from "../round/state.ts";
import type { Desk } from "./desk.ts";
import { download } from "./downloads.ts";
import { type Lease, lease } from "./lease.ts";
import { diskFull, ending, isFinal } from "./refusals.ts";
import { offer, refuseReport, report, turnAway } from "./reports.ts";
import { taskOf } from "./task-of.ts";

export interface Sessions {
  readonly service: CoordinatorService;
  /** Hands the open round's task to a client that waits for it. */
  readonly configure: (clientId: ClientId) => void;
  /** To be called after every round that closes. */
  readonly roundClosed: () => void;
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

interface Live {
  waiting: Waiting | null;
  device: DeviceProfile;
  readonly lease: Lease;
}

export function openSessions(desk: Desk): Sessions {
  const live = new Map<ClientId, Live>();
  const onClosed: (() => void)[] = [];
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
    session.lease.watch();
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

  /** Why a report cannot count, now or for good; null when it would. */
  const objection = (clientId: ClientId, round: number): Refusal | null => {
    if (end !== null) return { code: "run-over", detail: "the run has ended", retry: true };
    if (desk.isOver()) return ending;
    return desk.isStalled() ? diskFull : refusalOf(desk.state(), clientId, round);
  };

  const open = (clientId: ClientId, onExpired: () => void): ClientSession | Refusal => {
    if (live.has(clientId))
      return { code: "duplicate-client", detail: `a session of client ${clientId} is live`, retry: true };
    const session: Live = {
      waiting: null,
      device: {},
      lease: lease(desk.clock, desk.options.leaseMs, () => {
        close();
        onExpired();
      }),
    };
    let joined = false;
    /** Heard of in the round that is open, though it has not checked in. */
    let returned = false;
    live.set(clientId, session);
    session.lease.watch();
    const isLive = () => live.get(clientId) === session;

    const comeBack = (): void => {
      if (joined || returned || !isLive()) return;
      returned = true;
      desk.dispatch({ type: "returned", clientId });
    };

    const heartbeat = (round: number): Refusal | null => {
      session.lease.heard();
      const refusal = objection(clientId, round);
      if (isFinal(refusal)) return refusal;
      comeBack();
      return null;
    };

    const inquire = async (id: ReportId): Promise<Standing> => {
      session.lease.heard();
      if (desk.book.wasAccepted(clientId, id)) {
        await desk.durable();
        return { kind: "accepted", report: id };
      }
      const why = objection(clientId, id.round);
      if (!isFinal(why)) comeBack();
      // the next round may wait for it
      const refusal = why?.code === "between-rounds" ? offer(desk, clientId, id.round) : why;
      return refusal === null ? { kind: "wanted", receivedBytes: 0 } : { kind: "refused", refusal };
    };

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
        session.lease.rest(); // the link's own pings watch over who waits
        if (end !== null) tellEnd(clientId, end);
        else desk.dispatch({ type: "checked-in", clientId, width: desk.widthFor(session.device) });
      });
    };

    const close = (): void => {
      if (!isLive()) return;
      live.delete(clientId);
      session.lease.rest();
      if (joined) desk.emit({ type: "client.left", clientId });
      if (joined || returned) desk.dispatch({ type: "left", clientId });
    };

    return {
      clientId,
      checkIn,
      heartbeat,
      heard: session.lease.heard,
      inquire,
      fetchModel: (request) => download(desk, clientId, request),
      report: (id, frame) => report(desk, clientId, id, frame),
      refuse: (round, refusal) => {
        refuseReport(desk, clientId, round, 0, refusal);
        if (!desk.isOver() && refusalOf(desk.state(), clientId, round) === null)
          turnAway(desk, clientId, { round, digest: null }, refusal.code);
      },
      lost: desk.ledger.refused,
      close,
    };
  };

  return {
    service: {
      open: (clientId, onExpired = () => {}) => {
        const session = open(clientId, onExpired);
        if ("code" in session)
          desk.emit({ type: "client.refused", clientId, code: session.code, detail: session.detail });
        return session;
      },
      counts: (clientId, { round }) => !isFinal(objection(clientId, round)),
      onRoundClosed: (listener) => void onClosed.push(listener),
    },
    roundClosed: () => {
      for (const listener of onClosed) listener();
    },
    configure: (clientId) => {
      const { round } = desk.state();
      const give = (): void => {
        if (desk.isOver()) return;
        if (desk.state().round !== round || desk.state().phase !== "reporting") {
          // the round closed before it was on disk: its client still waits, for another
          const session = live.get(clientId);
          if (session?.waiting)
            desk.dispatch({ type: "checked-in", clientId, width: desk.widthFor(session.device) });
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
