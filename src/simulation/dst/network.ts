import { type CoordinatorLink, LinkError } from "../../client/link.ts";
import { sleep } from "../../model/clock.ts";
import type { ClientId } from "../../model/message.ts";
import type {
  CheckIn,
  CheckInReply,
  ClientSession,
  CoordinatorService,
  FetchModel,
  Receipt,
  Refusal,
  ReportId,
} from "../../model/protocol.ts";
import type { Chance } from "./chance.ts";
import { never, type Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** What an auditor sees on the wire, at the coordinator's end. */
export interface Wire {
  readonly reportArrived: (clientId: ClientId, id: ReportId, frame: Uint8Array) => void;
  /** The coordinator's answer leaves it, whether or not anybody gets it. */
  readonly receiptLeft: (clientId: ClientId, id: ReportId, frame: Uint8Array, receipt: Receipt) => void;
  readonly framesLeft: (clientId: ClientId, frames: readonly Uint8Array[]) => void;
  readonly replyLeft: (clientId: ClientId, request: CheckIn, reply: CheckInReply) => void;
  /** The service threw, which it never should. */
  readonly failed: (error: unknown) => void;
}

/** One life of a coordinator, as the network reaches it. */
export interface Server {
  readonly process: Process;
  readonly service: CoordinatorService;
}

export interface Network {
  /** Null while no coordinator listens. */
  readonly serve: (server: Server | null) => void;
  readonly link: (process: Process, clientId: ClientId) => CoordinatorLink;
  /** Until then nothing passes that way between this client and the coordinator. */
  readonly part: (clientId: ClientId, way: "up" | "down" | "both", untilMs: number) => void;
  readonly heal: () => void;
}

type Way = "up" | "down";

/** One check-in stream and the calls of its session. Each end finds out by itself that it is gone. */
interface Connection {
  readonly server: Server;
  readonly session: ClientSession;
  /** As the two ends see it. */
  clientSees: boolean;
  serverSees: boolean;
  readonly pending: Set<(error: LinkError) => void>;
}

const CONNECT_MS = 10_000;
const BYTES_PER_MS = 40;

export function network(time: Scheduler, chance: Chance, wire: Wire): Network {
  let listening: Server | null = null;
  const parted = new Map<string, number>();
  const counts = new Map<string, number>();
  /** The name of the so-many-th of its kind: what becomes of one message does not rename all others. */
  const nth = (what: string): string => {
    const n = (counts.get(what) ?? 0) + 1;
    counts.set(what, n);
    return `${what} ${n}`;
  };

  const isParted = (clientId: ClientId, way: Way): boolean =>
    (parted.get(`${clientId} ${way}`) ?? 0) > time.now();

  const link = (client: Process, clientId: ClientId): CoordinatorLink => {
    let connection: Connection | null = null;

    const hangUpServer = (at: Connection): void => {
      if (!at.serverSees) return;
      at.serverSees = false;
      at.server.process.deliver(() => at.session.close());
    };
    const hangUpClient = (at: Connection, why: string): void => {
      if (!at.clientSees) return;
      at.clientSees = false;
      if (connection === at) connection = null;
      const pending = [...at.pending];
      at.pending.clear();
      client.deliver(() => {
        for (const reject of pending) reject(new LinkError(why));
      });
    };
    /** Half open: the ends notice at different times, so that one may be back before the other knows that it was away. */
    const breakOff = (at: Connection, key: string): void => {
      time.after(chance.between(1, 30_000, "client notices", key), () =>
        hangUpClient(at, "the connection broke"),
      );
      time.after(chance.between(1, 45_000, "server notices", key), () => hangUpServer(at));
    };
    const watch = (at: Connection): void => {
      const check = (): void => {
        if (!at.clientSees && !at.serverSees) return;
        if (!at.server.process.isAlive()) {
          at.serverSees = false;
          time.after(chance.between(1, 20_000, "server died", clientId, time.now()), () =>
            hangUpClient(at, "the coordinator is gone"),
          );
        } else if (!client.isAlive()) {
          at.clientSees = false;
          time.after(chance.between(1, 20_000, "client died", clientId, time.now()), () => hangUpServer(at));
        } else time.after(500, check);
      };
      check();
    };

    /** Carries a message over: `arrive` happens at the other end, once, later or never. */
    const carry = (at: Connection, way: Way, bytes: number, what: string, arrive: () => void): void => {
      const key = nth(`${clientId} ${what} ${way}`);
      const slow = chance.fault("delay", key) ? chance.between(500, 8000, "delayed", key) : 0;
      const ms = chance.between(1, 60, "latency", key) + bytes / BYTES_PER_MS + slow;
      const isLost = chance.fault("loss", key) || (way === "down" && chance.fault("deaf", key));
      const isCut = bytes > 0 && chance.fault("cut", key);
      if (isLost || isParted(clientId, way)) return breakOff(at, key);
      if (isCut) {
        // in the middle of a transfer
        time.after(ms * chance.uniform("at", key), () => {
          hangUpClient(at, "the connection was reset");
          time.after(chance.between(0.1, 300, "reset", key), () => hangUpServer(at));
        });
        return;
      }
      time.after(ms, () => {
        const sees = way === "up" ? at.serverSees : at.clientSees;
        if (!sees || isParted(clientId, way)) return breakOff(at, key);
        (way === "up" ? at.server.process : client).deliver(arrive);
      });
    };

    const connect = async (signal: AbortSignal): Promise<Connection | Refusal> => {
      if (connection !== null) return connection;
      const key = nth(`${clientId} connect`);
      await sleep(timer, chance.between(2, 120, "handshake", key), signal);
      const server = listening;
      if (isParted(clientId, "up") || isParted(clientId, "down")) {
        await sleep(timer, CONNECT_MS, signal);
        throw new LinkError("no connection in time");
      }
      if (server === null || !server.process.isAlive()) throw new LinkError("connection refused");
      let isWaiting = true;
      const opened = await new Promise<ClientSession | Refusal>((resolve) => {
        server.process.deliver(() => {
          const session = server.service.open(clientId);
          if (isWaiting) resolve(session);
          else if (!("code" in session)) session.close();
        });
        time.after(CONNECT_MS, () => {
          isWaiting = false;
          client.deliver(() => resolve(busy));
        });
      });
      if (opened === busy) throw new LinkError("no welcome in time");
      if ("code" in opened) return opened;
      const made: Connection = {
        server,
        session: opened,
        clientSees: true,
        serverSees: true,
        pending: new Set(),
      };
      if (!client.isAlive()) {
        hangUpServer(made);
        return never();
      }
      connection = made;
      watch(made);
      return made;
    };

    const timer = {
      now: time.now,
      after: (ms: number, action: () => void) => time.after(ms, () => client.deliver(action)),
    };

    /** A request and its answer, both of which may get lost. */
    const call = <T>(
      at: Connection,
      what: string,
      upBytes: number,
      signal: AbortSignal,
      handle: (session: ClientSession) => Promise<T>,
      downBytes: (answer: T) => number,
      onAbort: () => void = () => {},
    ): Promise<T> =>
      new Promise((resolve, reject) => {
        const settle = (action: () => void): void => {
          at.pending.delete(fail);
          signal.removeEventListener("abort", abort);
          action();
        };
        const fail = (error: LinkError): void => settle(() => reject(error));
        const abort = (): void => {
          settle(() => reject(signal.reason));
          onAbort();
        };
        if (signal.aborted) return abort();
        at.pending.add(fail);
        signal.addEventListener("abort", abort, { once: true });
        carry(at, "up", upBytes, what, () => {
          handle(at.session).then(
            (answer) => {
              if (!at.server.process.call()) return;
              carry(at, "down", downBytes(answer), what, () => {
                if (at.pending.has(fail)) settle(() => resolve(answer));
              });
            },
            (error) =>
              isOfDisk(error) ? breakOff(at, nth(`${clientId} ${what} failed`)) : wire.failed(error),
          );
        });
      });

    const leave = (at: Connection): void => {
      hangUpClient(at, "left");
      time.after(chance.between(1, 100, nth(`${clientId} leaves`)), () => hangUpServer(at));
    };

    const transfer = async (signal: AbortSignal): Promise<Connection> => {
      const at = await connect(signal);
      if ("code" in at) throw new LinkError(`no session: ${at.code}`);
      return at;
    };

    return {
      checkIn: async (request, signal) => {
        if (!client.call()) return never();
        const said: CheckIn = asBytes(request);
        const at = await connect(signal);
        if ("code" in at) return { kind: "refused", refusal: at };
        const reply = await call(
          at,
          "check-in",
          0,
          signal,
          async (session) => {
            const answer: CheckInReply = asBytes(await session.checkIn(said));
            if (at.server.process.isAlive()) wire.replyLeft(clientId, said, answer);
            if (answer.kind === "refused") hangUpServer(at);
            return answer;
          },
          () => 0,
          () => leave(at),
        );
        if (reply.kind === "refused") hangUpClient(at, "refused");
        return reply;
      },
      fetchModel: async (request, signal) => {
        if (!client.call()) return never();
        const said: FetchModel = asBytes(request);
        const at = await transfer(signal);
        const key = nth(`${clientId} fetched`);
        const frames = await call(
          at,
          "fetch",
          0,
          signal,
          async (session) => {
            const sent = (await session.fetchModel(said)).map((frame) => frame.slice());
            wire.framesLeft(clientId, sent);
            return sent;
          },
          (sent) => sizeOf(sent),
        );
        return frames.map((frame, i) =>
          chance.fault("flip", `${key} ${i}`) ? flipped(frame, chance, key) : frame,
        );
      },
      report: async (id, frame, signal) => {
        if (!client.call()) return never();
        const said: ReportId = asBytes(id);
        const sent = frame.slice();
        const at = await transfer(signal);
        const key = nth(`${clientId} reported`);
        const arrived = chance.fault("flip", key) ? flipped(sent, chance, key) : sent;
        const deliver = async (session: ClientSession): Promise<Receipt> => {
          wire.reportArrived(clientId, said, arrived);
          const receipt: Receipt = asBytes(await session.report(said, arrived.slice()));
          if (at.server.process.isAlive()) wire.receiptLeft(clientId, said, arrived, receipt);
          return receipt;
        };
        if (chance.fault("repeat", key))
          time.after(repeatMs(chance, key), () => {
            // whoever has a session then: the same client, in this session or another
            const now = connection;
            if (now === null || !now.serverSees) return;
            const again = async (): Promise<void> => {
              wire.reportArrived(clientId, said, sent);
              const receipt = await now.session.report(said, sent.slice());
              if (now.server.process.isAlive()) wire.receiptLeft(clientId, said, sent, receipt);
            };
            now.server.process.deliver(
              () => void again().catch((error) => isOfDisk(error) || wire.failed(error)),
            );
          });
        return call(at, "report", frame.length, signal, deliver, () => 0);
      },
      close: async () => {
        if (connection !== null) leave(connection);
      },
    };
  };

  return {
    serve: (server) => {
      listening = server;
    },
    link,
    part: (clientId, way, untilMs) => {
      for (const one of way === "both" ? (["up", "down"] as const) : [way])
        parted.set(`${clientId} ${one}`, untilMs);
    },
    heal: () => parted.clear(),
  };
}

const busy: Refusal = { code: "busy", detail: "no welcome", retry: true };

/** Crosses the wire: nothing is shared between the two ends. */
const asBytes = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** At once, or much later. */
const repeatMs = (chance: Chance, key: string): number =>
  chance.below(2, "soon", key) === 0
    ? chance.between(1, 400, "repeated", key)
    : chance.between(10, 90_000, "repeated", key);

/** A coordinator that fails with its disk ends its calls as well. */
const isOfDisk = (error: unknown): boolean => ["EIO", "ENOSPC"].includes((error as { code: string }).code);

const sizeOf = (frames: readonly Uint8Array[]): number => frames.reduce((n, frame) => n + frame.length, 0);

function flipped(frame: Uint8Array, chance: Chance, key: string): Uint8Array {
  const bytes = frame.slice();
  const bit = chance.below(8 * bytes.length, "bit", key);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes;
}
