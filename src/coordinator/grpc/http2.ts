import { constants, type ServerHttp2Session, type ServerHttp2Stream, type ServerOptions } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import type { GrpcLimits } from "./limits.ts";
import { type ReceiveWindow, receiveWindow } from "./receive-window.ts";

/** All headers of one call; ours need about 300 bytes. */
const MAX_HEADER_BYTES = 8192;

interface Internals {
  readonly commonServerOptions?: ServerOptions;
}

/** Of connections that have brought a report. */
const windows = new WeakMap<ServerHttp2Session, ReceiveWindow>();

/**
 * Wider receive windows for streams and a cap on headers. grpc-js has no options for them on the server (1.14; its pull
 * request 3058 is open), so this reaches for two of its private members, and does nothing where they are gone. What a
 * connection may have on its way is HTTP/2's own 64 KiB, until `widenAs` finds that it carries more.
 */
export function tuneHttp2(server: Server, { windowBytes }: Pick<GrpcLimits, "windowBytes">): void {
  const internals = server as unknown as Internals;
  const { commonServerOptions: options } = internals;
  if (typeof options !== "object") return;
  options.settings = {
    ...options.settings,
    initialWindowSize: windowBytes,
    maxHeaderListSize: MAX_HEADER_BYTES,
  };
}

/** The window of a call's connection follows what the call brings; `bytes` 0 at its beginning. */
export function widenAs(call: unknown, bytes: number, { windowBytes, idleMs }: GrpcLimits): void {
  const session = streamOf(call)?.session as ServerHttp2Session | undefined;
  if (!session || session.destroyed || typeof session.setLocalWindowSize !== "function") return;
  const window = windows.get(session) ?? receiveWindow(2 * windowBytes, QUEUE_SHARE * idleMs);
  windows.set(session, window);
  if (bytes === 0) return window.begin();
  const size = window.received(bytes, performance.now());
  if (size !== null) session.setLocalWindowSize(size);
}

/** What is on its way holds a ping up for no longer than this share of the time after which there is no progress. */
const QUEUE_SHARE = 0.8;

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
