import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach } from "vitest";
import { type GrpcLinkOptions, grpcLink } from "../../../src/client/grpc-link.ts";
import type { CoordinatorLink } from "../../../src/client/link.ts";
import { type GrpcOptions, type GrpcServer, serveGrpc } from "../../../src/coordinator/grpc/grpc.ts";
import type { ClientSignal } from "../../../src/generated/fedpress/v1/ClientSignal.ts";
import type { CoordinatorClient } from "../../../src/generated/fedpress/v1/Coordinator.ts";
import type { CoordinatorSignal__Output } from "../../../src/generated/fedpress/v1/CoordinatorSignal.ts";
import { Coordinator } from "../../../src/generated/service.ts";
import type {
  CheckIn,
  CheckInReply,
  ClientSession,
  CoordinatorService,
  FetchModel,
  Receipt,
  Refusal,
  ReportId,
  Standing,
  Task,
} from "../../../src/model/protocol.ts";
import { transferDigest } from "../../../src/wire/transfer-digest.ts";

/** A coordinator that says what a test tells it to, and remembers what it heard. */
export interface Script {
  checkIn?: (clientId: string, request: CheckIn) => Promise<CheckInReply>;
  fetchModel?: (clientId: string, request: FetchModel) => Promise<readonly Uint8Array[]>;
  heartbeat?: (clientId: string, round: number) => Refusal | null;
  inquire?: (clientId: string, report: ReportId) => Promise<Standing>;
  report?: (clientId: string, report: ReportId, frame: Uint8Array) => Promise<Receipt>;
  counts?: (clientId: string, report: ReportId) => boolean;
}

export interface ScriptedService extends CoordinatorService {
  /** "open a", "close a", in order. */
  readonly log: string[];
  readonly reports: { clientId: string; report: ReportId; frame: Uint8Array }[];
  /** Bytes of downloads, as they went out. */
  readonly sent: number[];
  /** Signs of life beside heartbeats: chunks. */
  numHeard(): number;
  /** The client's lease is over. */
  expire(clientId: string): void;
  closeRound(): void;
}

export function scripted(script: Script = {}): ScriptedService {
  const live = new Set<string>();
  const log: string[] = [];
  const reports: ScriptedService["reports"] = [];
  const sent: number[] = [];
  const heard = { count: 0 };
  const expirable = new Map<string, () => void>();
  const onClosed: (() => void)[] = [];
  const open = (clientId: string): ClientSession => {
    live.add(clientId);
    log.push(`open ${clientId}`);
    return {
      clientId,
      checkIn: (request) => script.checkIn?.(clientId, request) ?? Promise.resolve(finished),
      heartbeat: (round) => script.heartbeat?.(clientId, round) ?? null,
      heard: () => {
        heard.count++;
      },
      inquire: (report) =>
        script.inquire?.(clientId, report) ?? Promise.resolve({ kind: "wanted", receivedBytes: 0 }),
      fetchModel: async (request) => {
        const frames = (await script.fetchModel?.(clientId, request)) ?? [];
        const transfer = transferDigest(frames);
        const offset = request.resume?.transfer === transfer ? request.resume.offset : 0;
        return { frames, transfer, offset, sent: (bytes) => sent.push(bytes) };
      },
      report: (report, frame) => {
        reports.push({ clientId, report, frame });
        return script.report?.(clientId, report, frame) ?? Promise.resolve({ kind: "accepted", report });
      },
      refuse: (round, { code }) => log.push(`refuse ${clientId} ${round} ${code}`),
      lost: (bytes) => log.push(`lost ${clientId} ${bytes}`),
      close: () => {
        if (live.delete(clientId)) log.push(`close ${clientId}`);
      },
    };
  };
  return {
    log,
    reports,
    sent,
    numHeard: () => heard.count,
    expire: (clientId) => expirable.get(clientId)!(),
    closeRound: () => {
      for (const listener of onClosed) listener();
    },
    open: (clientId, onExpired = () => {}) => {
      if (live.has(clientId)) return { code: "duplicate-client", detail: `${clientId} is live`, retry: true };
      const session = open(clientId);
      expirable.set(clientId, () => {
        session.close();
        onExpired();
      });
      return session;
    },
    counts: (clientId, report) => script.counts?.(clientId, report) ?? true,
    onRoundClosed: (listener) => onClosed.push(listener),
  };
}

export const finished: CheckInReply = { kind: "finished", verdict: null };

export const digest = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);

export const checkIn: CheckIn = { runId: null, numExamples: 7, held: null, pending: null };

export const task: Task = {
  runId: "mnist-1",
  round: 3,
  base: { version: 2, digest: digest(0xab) },
  model: { zoo: "small-cnn", seed: 1 },
  manifest: {
    tensors: [
      { name: "dense/kernel", shape: [4, 2] },
      { name: "dense/bias", shape: [2] },
    ],
  },
  train: { epochs: 1, batchSize: 32, optimizer: { sgd: { learningRate: 0.05, momentum: 0.9 } } },
  uplink: [{ tensors: "*", codec: { select: { topK: 0.01 }, values: "ternary" }, errorFeedback: true }],
  downlink: [{ tensors: "*", codec: { select: "all", values: { uniform: 4 } }, errorFeedback: false }],
  exponents: [-2, -2],
  reportDeadlineMs: 60_000,
  heartbeatMs: 30_000,
  sharedSeed: 5,
};

/** Bytes that no run of zeros or repetition could be taken for. */
export const noise = (length: number, seed = 1): Uint8Array => {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
};

export const never = <T>(): Promise<T> => new Promise(() => {});

const cleanup: (() => unknown)[] = [];

/** Closes what a test opened, the newest first. */
afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

export async function serve(
  service: CoordinatorService,
  options: Partial<GrpcOptions> = {},
): Promise<GrpcServer> {
  const server = await serveGrpc(service, { listen: "127.0.0.1:0", ...options });
  cleanup.push(() => server.close(0));
  return server;
}

export function linkTo(
  { address }: { readonly address: string },
  clientId: string,
  options: Partial<GrpcLinkOptions> = {},
): CoordinatorLink {
  const link = grpcLink({ coordinator: address, clientId, connectTimeoutMs: 5000, ...options });
  cleanup.push(() => link.close());
  return link;
}

/** A client that may say anything. */
export function rawClient({ address }: { readonly address: string }): CoordinatorClient {
  const client = new Coordinator(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  cleanup.push(() => client.close());
  return client;
}

/** Says all that on a check-in stream; resolves at the stream's end with what was answered and the status. */
export function converse(
  client: CoordinatorClient,
  signals: readonly ClientSignal[],
): Promise<{ readonly answers: CoordinatorSignal__Output[]; readonly status: number }> {
  const call = client.CheckIn();
  const answers: CoordinatorSignal__Output[] = [];
  call.on("data", (answer: CoordinatorSignal__Output) => answers.push(answer));
  call.on("error", () => {}); // the status tells
  for (const signal of signals) call.write(signal);
  return new Promise((resolve) => call.on("status", ({ code }) => resolve({ answers, status: code })));
}

export interface OpenStream {
  readonly metadata: Metadata;
  /** Leaves, and waits until the coordinator knows. */
  leave(): Promise<void>;
}

/** Opens a session and keeps it. */
export async function hello(client: CoordinatorClient, clientId: string): Promise<OpenStream> {
  const call = client.CheckIn();
  call.write({ hello: { protocol: 1, clientId } });
  const [answer] = (await once(call, "data")) as [CoordinatorSignal__Output];
  call.on("error", () => {});
  const ended = new Promise<void>((resolve) => call.on("status", () => resolve()));
  call.resume();
  return {
    metadata: sessionMetadata(clientId, answer.welcome!.session.toString("hex")),
    leave: () => {
      call.end();
      return ended;
    },
  };
}

export function sessionMetadata(clientId: string, session: string): Metadata {
  const metadata = new Metadata();
  metadata.set("fedpress-client", clientId);
  metadata.set("fedpress-session", session);
  return metadata;
}

export const codeOf = (error: unknown): number | undefined =>
  (error as { cause?: ServiceError }).cause?.code ?? (error as ServiceError).code;

export interface Proxy {
  readonly address: string;
  bytes(): { received: number; sent: number };
  /** Breaks every connection, as a network does. */
  cut(): void;
  /**
   * Nothing passes any more on the connections that there are once so many more bytes have passed that way (received is
   * up, sent is down); resolves then.
   */
  stopAfter(way: "received" | "sent", bytes: number): Promise<void>;
  /** From now on nothing passes on the connections that there are, and neither end is told. */
  freeze(): void;
}

/** Passes bytes on to a server and counts them, as a check on those who count themselves. */
export async function countingProxy(port: number): Promise<Proxy> {
  const total = { received: 0, sent: 0 };
  const left = { received: Number.POSITIVE_INFINITY, sent: Number.POSITIVE_INFINITY };
  const frozen = new Set<Socket>();
  const freeze = (): void => {
    for (const socket of sockets) frozen.add(socket);
  };
  let onStopped = (): void => {};
  const sockets = new Set<Socket>();
  const proxy = createServer((down) => {
    const up = connect(port, "127.0.0.1");
    for (const socket of [up, down]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        up.destroy();
        down.destroy();
      });
    }
    const pass = (way: "received" | "sent", from: Socket, to: Socket): void => {
      from.on("data", (data: Buffer) => {
        if (frozen.has(from)) return;
        const part = data.subarray(0, left[way]);
        total[way] += part.length;
        left[way] -= part.length;
        to.write(part);
        if (left[way] > 0) return;
        left[way] = Number.POSITIVE_INFINITY;
        freeze();
        onStopped();
      });
    };
    pass("received", down, up);
    pass("sent", up, down);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  cleanup.push(() => {
    proxy.close();
    cut();
  });
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    bytes: () => ({ ...total }),
    cut,
    stopAfter: (way, bytes) => {
      left[way] = bytes;
      return new Promise((resolve) => {
        onStopped = resolve;
      });
    },
    freeze,
  };
}

/** Waits for a condition that comes about elsewhere. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((wake) => setTimeout(wake, 5));
}
