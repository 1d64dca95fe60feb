import {
  constants,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { Server, ServerCredentials } from "@grpc/grpc-js";
import type { GrpcLimits } from "./grpc-limits.ts";

/** All headers of one call; ours need about 300 bytes. */
const MAX_HEADER_BYTES = 8192;

interface Internals {
  readonly commonServerOptions?: ServerOptions;
  createHttp2Server?: (credentials: ServerCredentials) => Http2Server;
}

/**
 * Wider receive windows and a cap on headers. grpc-js has no options for them on the server (1.14; its pull request
 * 3058 is open), so this reaches for two of its private members, and does nothing where they are gone.
 */
export function tuneHttp2(server: Server, { windowBytes }: Pick<GrpcLimits, "windowBytes">): void {
  const internals = server as unknown as Internals;
  const { commonServerOptions: options, createHttp2Server } = internals;
  if (typeof options !== "object" || typeof createHttp2Server !== "function") return;
  options.settings = {
    ...options.settings,
    initialWindowSize: windowBytes,
    maxHeaderListSize: MAX_HEADER_BYTES,
  };
  internals.createHttp2Server = (credentials) => {
    const http2 = createHttp2Server.call(server, credentials);
    http2.on("session", (session: ServerHttp2Session) => {
      if (!session.destroyed) session.setLocalWindowSize(2 * windowBytes);
    });
    return http2;
  };
}

/**
 * Resets a call's stream, so that what waits to be sent is let go: a status would queue behind it for a client that
 * does not read. A private member again; without it the memory of one chunk is held until the connection ends.
 */
export function resetStream(call: unknown): void {
  const { stream } = (call as { readonly call?: { readonly stream?: ServerHttp2Stream } }).call ?? {};
  if (typeof stream?.close === "function") stream.close(constants.NGHTTP2_CANCEL);
}
