import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { CoordinatorHandlers } from "../../generated/fedpress/v1/Coordinator.ts";
import { Coordinator } from "../../generated/service.ts";
import type { CoordinatorService } from "../../model/protocol.ts";
import { pace } from "../sessions/pace.ts";
import { openUploads } from "../sessions/uploads.ts";
import { timePing, tuneHttp2 } from "./http2.ts";
import { type GrpcLimits, withDefaults } from "./limits.ts";
import { listenTcp } from "./sockets.ts";
import { frameTransfers } from "./transfers.ts";
import { clientVisits } from "./visits.ts";

export interface GrpcOptions {
  /** HOST:PORT; port 0 takes a free one. */
  readonly listen: string;
  readonly limits?: Partial<GrpcLimits>;
  /** The service broke on a call, which ended with INTERNAL. Without it: a warning of the process. */
  readonly onError?: (error: unknown) => void;
}

export interface GrpcServer {
  /** HOST:PORT. */
  readonly address: string;
  readonly port: number;
  /** Bytes on the coordinator's sockets so far, everything above TCP included. */
  socketBytes(): { readonly received: number; readonly sent: number };
  /** Live sessions. */
  numClients(): number;
  /** Takes no new calls, lets transfers finish, ends the check-in streams, and breaks what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Puts a coordinator on the network. Throws ConfigError when it cannot listen there. */
export async function serveGrpc(service: CoordinatorService, options: GrpcOptions): Promise<GrpcServer> {
  const limits = withDefaults(options.limits ?? {});
  const onError = options.onError ?? ((error) => process.emitWarning(error as Error));
  const server = new Server({
    "grpc.max_receive_message_length": limits.messageBytes,
    "grpc.max_send_message_length": limits.messageBytes,
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.max_connection_idle_ms": limits.idleMs,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": Math.min(limits.idleMs, limits.keepaliveMs),
    "grpc-node.max_session_memory": 32, // MiB of HTTP/2 state a connection
    "grpc.enable_channelz": 0,
  });
  tuneHttp2(server, limits);
  const visits = clientVisits(service, {
    idleMs: limits.idleMs,
    pace: pace(limits.sessionsPerSecond, () => performance.now()),
    onWelcome: (call) => timePing(call, limits),
    onError,
  });
  const uploads = openUploads(limits, { after: later }, service.counts);
  service.onRoundClosed(uploads.sweep);
  const transfers = frameTransfers(visits.sessionOf, limits, uploads, onError);
  const handlers: CoordinatorHandlers = {
    CheckIn: visits.begin,
    FetchModel: transfers.fetchModel,
    Inquire: transfers.inquire,
    Report: transfers.report,
  };
  server.addService(Coordinator.service, handlers);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = await listenTcp(options.listen, limits.maxConnections, injector.injectConnection);

  const drain = async (): Promise<void> => {
    injector.destroy(); // no new calls; each connection ends with its last
    await transfers.idle();
    visits.endAll();
    await sockets.gone();
  };
  let closed: Promise<void> | null = null;
  const close = async (graceMs: number): Promise<void> => {
    sockets.stop();
    await within(graceMs, drain());
    uploads.close();
    visits.endAll();
    server.forceShutdown();
    sockets.destroy();
    await sockets.gone();
  };
  return {
    address: sockets.address,
    port: sockets.port,
    socketBytes: sockets.bytes,
    numClients: visits.count,
    close: (graceMs) => {
      closed ??= close(graceMs);
      return closed;
    },
  };
}

/** What is left of broken uploads keeps no process alive. */
function later(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms).unref();
  return () => clearTimeout(timer);
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, expired]);
  clearTimeout(timer);
}
