import type { ServiceError } from "@grpc/grpc-js";
import type { CoordinatorClient } from "../generated/fedpress/v1/Coordinator.ts";
import type { CoordinatorSignal__Output } from "../generated/fedpress/v1/CoordinatorSignal.ts";
import { assert } from "../model/assert.ts";
import type { ClientId } from "../model/message.ts";
import type { CheckIn, CheckInReply, Refusal } from "../model/protocol.ts";
import { bad, PROTOCOL } from "../wire/link-fields.ts";
import { decodeSignal, encodeCheckIn } from "./grpc-link-messages.ts";
import { type Deferred, deferred } from "./grpc-link-wait.ts";
import { LinkError, noSession } from "./link.ts";

/** One check-in stream, from hello to its end. */
export interface CheckInStream {
  /** The session's token in hexadecimal, or the refusal that came in its place. Rejects with LinkError. */
  readonly welcomed: Promise<string | Refusal>;
  isLive(): boolean;
  /** One at a time. Rejects with LinkError when the stream breaks. */
  checkIn(request: CheckIn): Promise<CheckInReply>;
  /** One at a time. Rejects with LinkError when the stream breaks, or no answer comes, and when it is refused. */
  heartbeat(round: number): Promise<Refusal | null>;
  /** Says goodbye; resolves when the coordinator has let go of the session, or has not answered for a second. */
  close(): Promise<void>;
}

const GOODBYE_MS = 1000;

/** Says hello. Its answer is awaited for `timeoutMs`, as are a heartbeat's; a first check-in need not wait for it. */
export function openStream(client: CoordinatorClient, clientId: ClientId, timeoutMs: number): CheckInStream {
  const call = client.CheckIn();
  const welcome = deferred<string | Refusal>();
  const ended = deferred<void>();
  welcome.promise.catch(() => {}); // whoever checks in hears of it as well
  let waiting: Deferred<CheckInReply> | null = null;
  let beating: { readonly round: number; readonly heard: Deferred<Refusal | null> } | null = null;
  let isLive = true;

  const stop = (): void => {
    isLive = false;
    clearTimeout(answerTimer);
  };
  const fail = (error: Error): void => {
    stop();
    welcome.reject(error);
    waiting?.reject(error);
    waiting = null;
    beating?.heard.reject(error);
    beating = null;
  };
  const answer = (reply: CheckInReply): void => {
    if (waiting === null) throw bad("signal", "an answer to no check-in");
    waiting.resolve(reply);
    waiting = null;
  };
  const answerWithin = (what: string): NodeJS.Timeout =>
    setTimeout(() => {
      fail(new LinkError(`the coordinator did not answer the ${what}`));
      call.cancel();
    }, timeoutMs);
  let answerTimer = answerWithin("hello");

  const receive = (fields: CoordinatorSignal__Output): void => {
    const signal = decodeSignal(fields);
    if (signal.kind === "welcome") {
      if (beating === null) clearTimeout(answerTimer);
      welcome.resolve(signal.session);
    } else if (signal.kind === "heard") {
      if (beating?.round !== signal.round) throw bad("signal", "an answer to no heartbeat");
      clearTimeout(answerTimer);
      beating.heard.resolve(signal.refusal);
      beating = null;
    } else if (signal.kind === "refused") {
      stop(); // the coordinator ends the stream after it
      welcome.resolve(signal.refusal);
      if (waiting !== null) answer(signal);
      beating?.heard.reject(noSession(signal.refusal));
      beating = null;
    } else {
      answer(signal);
    }
  };

  call.on("data", (fields: CoordinatorSignal__Output) => {
    if (!isLive) return;
    try {
      receive(fields);
    } catch (error) {
      fail(error as Error);
      call.cancel();
    }
  });
  call.on("error", (error: ServiceError) => fail(new LinkError(error.message, { cause: error })));
  call.on("status", () => {
    fail(new LinkError("the coordinator ended the stream"));
    ended.resolve();
  });
  call.write({ hello: { protocol: PROTOCOL, clientId } });

  return {
    welcomed: welcome.promise,
    isLive: () => isLive,
    checkIn: (request) => {
      assert(isLive && waiting === null, "one check-in at a time, on a live stream");
      waiting = deferred();
      call.write({ checkIn: encodeCheckIn(request) });
      return waiting.promise;
    },
    heartbeat: (round) => {
      assert(isLive && beating === null, "one heartbeat at a time, on a live stream");
      beating = { round, heard: deferred() };
      clearTimeout(answerTimer);
      answerTimer = answerWithin("heartbeat");
      call.write({ heartbeat: { round } });
      return beating.heard.promise;
    },
    close: async () => {
      fail(new LinkError("the link is closed"));
      call.end();
      const timer = setTimeout(() => call.cancel(), GOODBYE_MS);
      await ended.promise;
      clearTimeout(timer);
    },
  };
}
