import { randomBytes } from "node:crypto";
import { type Metadata, type ServerDuplexStream, type StatusObject, status } from "@grpc/grpc-js";
import type { ClientSignal__Output } from "../../generated/fedpress/v1/ClientSignal.ts";
import type { CoordinatorSignal } from "../../generated/fedpress/v1/CoordinatorSignal.ts";
import { WireError } from "../../model/error.ts";
import type { CheckIn, ClientSession, CoordinatorService, Refusal } from "../../model/protocol.ts";
import { bad, CLIENT_KEY, PROTOCOL, SESSION_KEY } from "../../wire/link-fields.ts";
import type { Pace } from "../sessions/pace.ts";
import { decodeSignal, encodeHeard, encodeRefusal, encodeReply } from "./messages.ts";

type Stream = ServerDuplexStream<ClientSignal__Output, CoordinatorSignal>;

/** The live sessions, each for as long as its check-in stream. */
export interface Visits {
  /** Serves one check-in stream. */
  begin(call: Stream): void;
  /** The session that a call acts for; null without a live one that the client's id and token name. */
  sessionOf(metadata: Metadata): ClientSession | null;
  count(): number;
  /** Ends every stream as unavailable; later ones too. */
  endAll(): void;
}

export interface VisitOptions {
  /** A stream that has not said hello by then is ended. */
  readonly idleMs: number;
  /** Of new sessions. */
  readonly pace: Pace;
  /** A session begins with this call. */
  readonly onWelcome: (call: unknown) => void;
  readonly onError: (error: unknown) => void;
}

export function clientVisits(service: CoordinatorService, options: VisitOptions): Visits {
  const sessions = new Map<string, ClientSession>();
  const streams = new Set<Visit>();
  let closing = false;
  const begin = (call: Stream): void => {
    const visit = openVisit(call, service, sessions, options, () => streams.delete(visit));
    streams.add(visit);
    if (closing) visit.end();
  };
  return {
    begin,
    sessionOf: (metadata) => {
      const session = sessions.get(String(metadata.get(SESSION_KEY)[0]));
      return session?.clientId === metadata.get(CLIENT_KEY)[0] ? session! : null;
    },
    count: () => sessions.size,
    endAll: () => {
      closing = true;
      for (const visit of streams) visit.end();
    },
  };
}

interface Visit {
  /** Ends the stream as unavailable. */
  end(): void;
}

function openVisit(
  call: Stream,
  service: CoordinatorService,
  sessions: Map<string, ClientSession>,
  { idleMs, pace, onWelcome, onError }: VisitOptions,
  onGone: () => void,
): Visit {
  const token = randomBytes(16);
  const key = token.toString("hex");
  let session: ClientSession | null = null;
  let isAnswering = false;
  let isBeating = false;
  let isOver = false;
  let flushed: Promise<void> = Promise.resolve();

  /** The session is closed before the client can learn that its stream has ended: it may return at once. */
  const leave = (): boolean => {
    if (isOver) return false;
    isOver = true;
    clearTimeout(helloTimer);
    sessions.delete(key);
    session?.close();
    onGone();
    return true;
  };
  const endWith = (how: Pick<StatusObject, "code" | "details">): void => {
    if (leave()) call.emit("error", how);
  };
  const send = (signal: CoordinatorSignal): void => {
    flushed = new Promise((resolve) => call.write(signal, () => resolve()));
  };
  const refuse = (refusal: Refusal): void => {
    if (isOver) return;
    send({ refused: encodeRefusal(refusal) });
    leave();
    call.end();
  };
  const helloTimer = setTimeout(
    () => endWith({ code: status.DEADLINE_EXCEEDED, details: "no hello" }),
    idleMs,
  );

  const hello = (protocol: number, clientId: string): void => {
    if (protocol !== PROTOCOL)
      return refuse({
        code: "bad-version",
        detail: `protocol ${protocol}, this is ${PROTOCOL}`,
        retry: false,
      });
    const retryAfterMs = pace.waitMs();
    if (retryAfterMs > 0)
      return refuse({ code: "busy", detail: "too many clients at one time", retry: true, retryAfterMs });
    const opened = service.open(clientId, () =>
      endWith({ code: status.UNAVAILABLE, details: "not heard of for the lease" }),
    );
    if ("code" in opened) return refuse(opened);
    clearTimeout(helloTimer);
    session = opened;
    sessions.set(key, opened);
    send({ welcome: { session: token } });
    onWelcome(call);
  };

  const answer = async (open: ClientSession, request: CheckIn): Promise<void> => {
    await flushed; // a client that does not read its answers gets no more of them
    if (isOver) return;
    const reply = await open.checkIn(request);
    isAnswering = false;
    if (isOver) return;
    if (reply.kind === "refused") refuse(reply.refusal);
    else send(encodeReply(reply));
  };

  const beat = async (open: ClientSession, round: number): Promise<void> => {
    await flushed;
    isBeating = false;
    if (!isOver) send({ heard: encodeHeard(round, open.heartbeat(round)) });
  };

  const fail = (error: unknown): void => {
    if (error instanceof WireError) return refuse({ code: error.code, detail: error.message, retry: false });
    endWith({ code: status.INTERNAL, details: "the coordinator failed" });
    onError(error);
  };

  const receive = (signal: ClientSignal__Output): void => {
    const said = decodeSignal(signal);
    if ((said.kind === "hello") !== (session === null)) throw bad("signal", "one hello, before all else");
    if (said.kind === "hello") return hello(said.protocol, said.clientId);
    if (said.kind === "heartbeat") {
      if (isBeating) throw bad("signal", "a heartbeat while another waits");
      isBeating = true;
      beat(session!, said.round).catch(fail);
      return;
    }
    if (isAnswering) throw bad("signal", "a check-in while another waits");
    isAnswering = true;
    answer(session!, said.request).catch(fail);
  };

  call.on("data", (signal: ClientSignal__Output) => {
    if (isOver) return;
    try {
      receive(signal);
    } catch (error) {
      fail(error);
    }
  });
  call.on("end", () => {
    if (leave()) call.end();
  });
  call.on("cancelled", leave);

  return { end: () => endWith({ code: status.UNAVAILABLE, details: "the coordinator is closing" }) };
}
