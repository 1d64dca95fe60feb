import { constants, type ServerHttp2Session, type ServerHttp2Stream, type ServerOptions } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import type { GrpcLimits } from "./limits.ts";
import { type ReceiveWindow, receiveWindow } from "./receive-window.ts";

/** All headers of one call; ours need about 300 bytes. */
const MAX_HEADER_BYTES = 8192;

interface Internals {
  readonly commonServerOptions?: ServerOptions;
}

/** Of connections with a session. */
const windows = new WeakMap<ServerHttp2Session, ReceiveWindow>();

/**
 * A narrow receive window for streams, once the client has acknowledged it, which `widenAs` widens, and a cap on headers.
 * grpc-js has no options for them on the server (1.14; its pull request 3058 is open), so this reaches for two of its
 * private members, and does nothing where they are gone.
 */
export function tuneHttp2(server: Server, { windowBytes }: Pick<GrpcLimits, "windowBytes">): void {
  const internals = server as unknown as Internals;
  const { commonServerOptions: options } = internals;
  if (typeof options !== "object") return;
  options.settings = {
    ...options.settings,
    initialWindowSize: receiveWindow(windowBytes).bytes(),
    maxHeaderListSize: MAX_HEADER_BYTES,
  };
}

/** Finds how long a ping takes on a call's connection while no report is on its way. */
export function timePing(call: unknown, { windowBytes }: Pick<GrpcLimits, "windowBytes">): void {
  const session = sessionOf(call);
  if (session !== null) ping(session, (ms) => windowOf(session, windowBytes).measured(ms, null));
}

/** What a call's connection may have on its way follows what comes of the call. */
export function widenAs(call: unknown, { windowBytes }: Pick<GrpcLimits, "windowBytes">): void {
  const session = sessionOf(call);
  if (session === null) return;
  const window = windowOf(session, windowBytes);
  let asked: { readonly atMs: number; pingMs: number | null } | null = null;
  let bytes = 0;
  const widen = (size: number): void => {
    session.settings({ initialWindowSize: size }); // of streams that are open as well
    session.setLocalWindowSize(CONNECTION_BYTES + size); // a report takes no room from heartbeats
  };
  const ask = (atMs: number): void => {
    const asking = { atMs, pingMs: null as number | null };
    const isSent = ping(session, (ms) => {
      asking.pingMs = ms;
    });
    asked = isSent ? asking : null;
    bytes = 0;
  };
  streamOf(call)!.on("data", ({ length }: Uint8Array) => {
    bytes += length;
    // a report of less is over before anything could be learned from it
    if (asked?.pingMs === null || bytes < 0.75 * window.bytes()) return;
    // a peer that leaves ten settings unanswered has Node destroy the session in the midst of the next
    if (session.destroyed || session.pendingSettingsAck) return;
    const nowMs = performance.now();
    const before = window.bytes();
    if (asked !== null) window.measured(asked.pingMs, { bytes, ms: nowMs - asked.atMs });
    if (window.bytes() !== before) widen(window.bytes());
    ask(nowMs);
  });
}

/** HTTP/2's own window of a connection. */
const CONNECTION_BYTES = 65_535;

/** False where too many pings wait for their answers. */
const ping = (session: ServerHttp2Session, answered: (ms: number) => void): boolean =>
  session.ping((error, ms) => {
    if (error === null && !session.destroyed) answered(ms);
  });

function windowOf(session: ServerHttp2Session, mostBytes: number): ReceiveWindow {
  const window = windows.get(session) ?? receiveWindow(mostBytes);
  windows.set(session, window);
  return window;
}

function sessionOf(call: unknown): ServerHttp2Session | null {
  const session = streamOf(call)?.session as ServerHttp2Session | undefined;
  return session?.destroyed === false ? session : null;
}

/**
 * Resets a call's stream, so that what waits to be sent is let go: a status would queue behind it for a client that
 * does not read. A private member again; without it the memory of one chunk is held until the connection ends.
 */
export function resetStream(call: unknown): void {
  const stream = streamOf(call);
  if (typeof stream?.close === "function") stream.close(constants.NGHTTP2_CANCEL);
}

/** What carries a call; a private member, and undefined where it is gone. */
export const streamOf = (call: unknown): ServerHttp2Stream | undefined =>
  (call as { readonly call?: { readonly stream?: ServerHttp2Stream } }).call?.stream;
