import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { CoordinatorClient } from "../generated/fedpress/v1/Coordinator.ts";
import { Coordinator } from "../generated/service.ts";
import { assert } from "../model/assert.ts";
import { ConfigError, WireError } from "../model/error.ts";
import type { ClientId } from "../model/message.ts";
import type { Receipt } from "../model/protocol.ts";
import { CHUNK_BYTES, CLIENT_KEY, isIdentifier, SESSION_KEY } from "../wire/link-fields.ts";
import { type CheckInStream, openStream } from "./grpc-link-stream.ts";
import { askStanding, type BrokenDownload, fetchFrames, sendFrame } from "./grpc-link-transfers.ts";
import { unlessAborted } from "./grpc-link-wait.ts";
import { type CoordinatorLink, LinkError, noSession } from "./link.ts";
import { FIRST_PIECE_BYTES } from "./piece-bytes.ts";

/** What the client's end of the link puts up with. */
interface GrpcLinkLimits {
  /** Bytes of the largest frame, either way. */
  readonly frameBytes: number;
  /** Bytes of all frames of one download. */
  readonly transferBytes: number;
  /** Frames of one download. */
  readonly maxFrames: number;
  /** Bytes of the largest single message; at least 512 KiB. */
  readonly messageBytes: number;
  /** A transfer without progress for this long has failed. */
  readonly idleMs: number;
}

const defaults: GrpcLinkLimits = {
  frameBytes: 64 * 2 ** 20,
  transferBytes: 2 ** 28,
  maxFrames: 2 ** 14,
  messageBytes: 2 ** 20,
  idleMs: 30_000,
};

export interface GrpcLinkOptions {
  /** HOST:PORT, IPv6 in brackets. */
  readonly coordinator: string;
  readonly clientId: ClientId;
  readonly limits?: Partial<GrpcLinkLimits>;
  /** For connecting, and again for each answer on the stream; 60 s when left out, for links with seconds of delay. */
  readonly connectTimeoutMs?: number;
  /** A dead coordinator is found by pings this far apart; 60 s when left out. */
  readonly keepaliveMs?: number;
}

const WAIT_STEP_MS = 200;

/** A client's way to its coordinator over gRPC. Connects at the first call, and again after a break. */
export function grpcLink(options: GrpcLinkOptions): CoordinatorLink {
  const { clientId, connectTimeoutMs = 60_000 } = options;
  const limits = { ...defaults, ...options.limits };
  const client = connectLater(options, limits);
  let stream: CheckInStream | null = null;
  let departing: Promise<void> = Promise.resolve();
  let isClosed = false;
  const running = new Set<() => void>();
  let broken: BrokenDownload | null = null;
  let lastBeat: Promise<unknown> = Promise.resolve();

  const live = async (signal: AbortSignal): Promise<CheckInStream> => {
    signal.throwIfAborted();
    if (stream?.isLive()) return stream;
    await unlessAborted(departing, signal);
    await connected(client, connectTimeoutMs, signal, () => isClosed);
    if (!stream?.isLive()) stream = openStream(client, clientId, connectTimeoutMs);
    return stream;
  };

  /** The session is gone when this resolves or is awaited by the next opening, so that the id is free again. */
  const leave = (open: CheckInStream): void => {
    departing = Promise.all([departing, open.close()]).then(() => {});
  };

  const session = async (signal: AbortSignal): Promise<Metadata> => {
    const open = await live(signal);
    const welcomed = await unlessAborted(open.welcomed, signal);
    if (typeof welcomed !== "string") throw noSession(welcomed);
    const metadata = new Metadata();
    metadata.set(CLIENT_KEY, clientId);
    metadata.set(SESSION_KEY, welcomed);
    return metadata;
  };

  /** One transfer of this session; cancelled when the link closes. */
  const transfer = async <T>(move: (onStart: (cancel: () => void) => void) => Promise<T>): Promise<T> => {
    let cancel: (() => void) | null = null;
    try {
      return await move((started) => {
        cancel = started;
        running.add(started);
      });
    } catch (error) {
      const isGone = (error as { cause?: ServiceError }).cause?.code === status.UNAUTHENTICATED;
      if (isGone && stream !== null) leave(stream);
      throw error;
    } finally {
      if (cancel !== null) running.delete(cancel);
    }
  };

  return {
    checkIn: async (request, signal) => {
      const open = await live(signal);
      return await unlessAborted(open.checkIn(request), signal, () => leave(open));
    },
    heartbeat: async (round, signal) => {
      await unlessAborted(lastBeat, signal); // one at a time, also after one that was given up
      const open = await live(signal);
      const beat = open.heartbeat(round);
      lastBeat = beat.catch(() => {});
      return await unlessAborted(beat, signal);
    },
    inquire: async (report, signal) => {
      const metadata = await session(signal);
      return await transfer((onStart) => askStanding({ client, metadata, limits, signal, onStart }, report));
    },
    fetchModel: async (request, signal) => {
      const metadata = await session(signal);
      const fetch = (): Promise<Uint8Array[]> => {
        const from = broken;
        broken = null;
        return transfer((onStart) =>
          fetchFrames({ client, metadata, limits, signal, onStart }, request, from, (left) => {
            broken = left;
          }),
        );
      };
      if (broken === null) return await fetch();
      try {
        return await fetch();
      } catch (error) {
        if (error instanceof WireError) return await fetch(); // now from its first byte
        throw error;
      }
    },
    report: async (report, frame, offset, signal): Promise<Receipt> => {
      if (frame.length > limits.frameBytes) return tooLarge(frame.length, limits.frameBytes);
      const metadata = await session(signal);
      return await transfer((onStart) =>
        sendFrame({ client, metadata, limits, signal, onStart }, report, frame, offset),
      );
    },
    close: async () => {
      isClosed = true;
      for (const cancel of running) cancel();
      if (stream !== null) leave(stream);
      await departing;
      client.close();
    },
  };
}

const tooLarge = (bytes: number, most: number): Receipt => ({
  kind: "refused",
  refusal: { code: "too-large", detail: `the frame has ${bytes} bytes, at most ${most}`, retry: false },
});

function connectLater(options: GrpcLinkOptions, limits: GrpcLinkLimits): CoordinatorClient {
  const { coordinator, clientId, keepaliveMs = 60_000 } = options;
  assert(limits.messageBytes >= 2 * CHUNK_BYTES, "a message has room for a chunk and its header");
  if (!/^.+:\d{1,5}$/.test(coordinator))
    throw new ConfigError([{ path: "coordinator", value: coordinator, expected: "HOST:PORT" }]);
  if (!isIdentifier(clientId))
    throw new ConfigError([
      { path: "clientId", value: clientId, expected: "1 to 128 of A-Z, a-z, 0-9, dot, dash and underscore" },
    ]);
  return new Coordinator(coordinator, credentials.createInsecure(), {
    "grpc.max_receive_message_length": limits.messageBytes,
    "grpc.max_send_message_length": limits.messageBytes,
    "grpc-node.flow_control_window": 2 ** 20, // 64 KiB, the default, is 0.7 MB/s at 50 ms
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.idleMs,
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 5000,
    "grpc.use_local_subchannel_pool": 1, // one connection a client
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_retries": 0, // the client's loop decides
    // what is kept for retries counts as written, and would be taken for progress: the first message alone, which must be
    "grpc.per_rpc_retry_buffer_size": FIRST_PIECE_BYTES + 1024,
    "grpc.enable_channelz": 0,
  });
}

/** In short steps: grpc-js cannot be told to stop waiting, and its timers would keep an ended process alive. */
async function connected(
  client: CoordinatorClient,
  timeoutMs: number,
  signal: AbortSignal,
  isClosed: () => boolean,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const deadline = Math.min(end, Date.now() + WAIT_STEP_MS);
    const ready = new Promise<Error | undefined>((resolve) => client.waitForReady(deadline, resolve));
    const error = await unlessAborted(ready, signal);
    if (isClosed()) throw new LinkError("the link is closed");
    if (error === undefined) return;
    if (Date.now() >= end) throw new LinkError(`no connection within ${timeoutMs} ms`);
  }
}
