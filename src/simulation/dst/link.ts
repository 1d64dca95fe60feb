import { type CoordinatorLink, LinkError } from "../../client/link.ts";
import { sleep } from "../../model/clock.ts";
import type { ClientId } from "../../model/message.ts";
import type {
  CheckIn,
  CheckInReply,
  ClientSession,
  Download,
  Receipt,
  Refusal,
  ReportId,
} from "../../model/protocol.ts";
import { asBytes, flipped, joined, resumed, sizeOf } from "./bytes.ts";
import type { Chance } from "./chance.ts";
import { type Connection, connection, type Way } from "./connection.ts";
import type { Server, Wire } from "./network.ts";
import { never, type Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** What all links of a network share. */
export interface Paths {
  readonly time: Scheduler;
  readonly chance: Chance;
  readonly wire: Wire;
  readonly listening: () => Server | null;
  /** The name of the so-many-th of its kind: what becomes of one message does not rename all others. */
  readonly nth: (what: string) => string;
  readonly isParted: (clientId: ClientId, way: Way) => boolean;
}

/** What a call moves, and what becomes of it. */
interface Call<T> {
  readonly what: string;
  readonly upBytes: number;
  readonly handle: (session: ClientSession) => Promise<T>;
  readonly downBytes: (answer: T) => number;
  /** The transfer breaks off after this share of its bytes. */
  readonly onCut?: (way: Way, share: number, answer: T | null) => void;
  readonly onAbort?: () => void;
}

const CONNECT_MS = 10_000;
const BYTES_PER_MS = 40;

/** A client's way to whichever coordinator listens: all that is said crosses as bytes, takes its time, and may get lost. */
export function simulatedLink(paths: Paths, client: Process, clientId: ClientId): CoordinatorLink {
  const { time, chance, wire, nth, isParted } = paths;
  let current: Connection | null = null;
  /** What is here of a download that broke. */
  let partial: { readonly transfer: string; readonly bytes: Uint8Array } | null = null;
  const timer = {
    now: time.now,
    after: (ms: number, action: () => void) => time.after(ms, () => client.deliver(action)),
  };

  const connect = async (signal: AbortSignal): Promise<Connection | Refusal> => {
    if (current !== null) return current;
    await sleep(timer, chance.between(2, 120, nth(`${clientId} handshake`)), signal);
    const server = paths.listening();
    if (isParted(clientId, "up") || isParted(clientId, "down")) {
      await sleep(timer, CONNECT_MS, signal);
      throw new LinkError("no connection in time");
    }
    if (server === null || !server.process.isAlive()) throw new LinkError("connection refused");
    let isWaiting = true;
    let made: Connection | null = null;
    const opened = await new Promise<ClientSession | Refusal>((resolve) => {
      server.process.deliver(() => {
        const session = server.service.open(clientId, () => made?.breakOff(nth(`${clientId} expired`)));
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
    const onClientGone = (): void => {
      if (current === made) current = null;
    };
    made = connection(time, chance, { client, clientId, server, session: opened, onClientGone });
    current = made;
    return made;
  };

  /** Carries a message over: `arrive` happens at the other end, once, later or never. */
  const carry = (
    at: Connection,
    way: Way,
    bytes: number,
    what: string,
    onCut: (share: number) => void,
    arrive: () => void,
  ): void => {
    const name = nth(`${clientId} ${what} ${way}`);
    const slow = chance.fault("delay", name) ? chance.between(500, 8000, "delayed", name) : 0;
    const ms = chance.between(1, 60, "latency", name) + bytes / BYTES_PER_MS + slow;
    const isLost = chance.fault("loss", name) || (way === "down" && chance.fault("deaf", name));
    const isCut = bytes > 0 && chance.fault("cut", name);
    if (isLost || isParted(clientId, way)) return at.breakOff(name);
    if (isCut) {
      const share = chance.uniform("at", name);
      time.after(ms * share, () => {
        if (at.isUp("client") && at.isUp("server")) onCut(share);
        at.hangUp("client", "the connection was reset");
        time.after(chance.between(0.1, 300, "reset", name), () => at.hangUp("server", ""));
      });
      return;
    }
    time.after(ms, () => {
      if (!at.isUp(way === "up" ? "server" : "client") || isParted(clientId, way)) return at.breakOff(name);
      (way === "up" ? at.server.process : client).deliver(arrive);
    });
  };

  /** A request and its answer, both of which may get lost. */
  const call = <T>(at: Connection, signal: AbortSignal, one: Call<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const { what, handle, onCut = () => {}, onAbort = () => {} } = one;
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
      const answered = (answer: T): void => {
        if (!at.server.process.call()) return;
        carry(
          at,
          "down",
          one.downBytes(answer),
          what,
          (share) => onCut("down", share, answer),
          () => {
            if (at.pending.has(fail)) settle(() => resolve(answer));
          },
        );
      };
      carry(
        at,
        "up",
        one.upBytes,
        what,
        (share) => onCut("up", share, null),
        () => {
          at.session.heard();
          handle(at.session).then(answered, (error) => {
            if (isOfDisk(error)) at.breakOff(nth(`${clientId} ${what} failed`));
            else wire.failed(error);
          });
        },
      );
    });

  const leave = (at: Connection): void => {
    at.hangUp("client", "left");
    time.after(chance.between(1, 100, nth(`${clientId} leaves`)), () => at.hangUp("server", ""));
  };

  const session = async (signal: AbortSignal): Promise<Connection> => {
    const at = await connect(signal);
    if ("code" in at) throw new LinkError(`no session: ${at.code}`, { retryAfterMs: at.retryAfterMs });
    return at;
  };

  /** A call of a few bytes. */
  const ask = async <T>(what: string, signal: AbortSignal, handle: Call<T>["handle"]): Promise<T> =>
    call(await session(signal), signal, { what, upBytes: 0, handle, downBytes: () => 0 });

  const report = async (
    at: Connection,
    to: ClientSession,
    id: ReportId,
    frame: Uint8Array,
  ): Promise<Receipt> => {
    wire.reportArrived(at.server, id, frame);
    const receipt: Receipt = asBytes(await to.report(id, frame.slice()));
    // what is not decided is not counted either, and comes again
    if (receipt.kind === "refused" && receipt.refusal.retryAfterMs !== undefined) to.lost(frame.length);
    if (at.server.process.isAlive()) wire.receiptLeft(clientId, id, frame, receipt);
    return receipt;
  };

  return {
    checkIn: async (request, signal) => {
      if (!client.call()) return never();
      const said: CheckIn = asBytes(request);
      const at = await connect(signal);
      if ("code" in at) return { kind: "refused", refusal: at };
      const reply = await call<CheckInReply>(at, signal, {
        what: "check-in",
        upBytes: 0,
        downBytes: () => 0,
        onAbort: () => leave(at),
        handle: async (to) => {
          const answer: CheckInReply = asBytes(await to.checkIn(said));
          if (at.server.process.isAlive()) wire.replyLeft(clientId, said, answer);
          if (answer.kind === "refused") at.hangUp("server", "");
          return answer;
        },
      });
      if (reply.kind === "refused") at.hangUp("client", "refused");
      return reply;
    },
    heartbeat: async (round, signal) => {
      if (!client.call()) return never();
      return ask("heartbeat", signal, async (to) => to.heartbeat(round));
    },
    inquire: async (id, signal) => {
      if (!client.call()) return never();
      const said: ReportId = asBytes(id);
      const at = await session(signal);
      return call(at, signal, {
        what: "inquiry",
        upBytes: 0,
        downBytes: () => 0,
        handle: async (to) => {
          const standing = asBytes(await to.inquire(said));
          if (at.server.process.isAlive() && standing.kind === "accepted")
            wire.receiptLeft(clientId, said, null, { kind: "accepted", report: standing.report });
          const staged = at.server.staged.get(`${clientId} ${said.digest}`);
          return standing.kind === "wanted" ? { ...standing, receivedBytes: staged?.length ?? 0 } : standing;
        },
      });
    },
    fetchModel: async (request, signal) => {
      if (!client.call()) return never();
      const resume = partial && { resume: { transfer: partial.transfer, offset: partial.bytes.length } };
      const said = asBytes({ ...request, ...resume });
      const at = await session(signal);
      const name = nth(`${clientId} fetched`);
      const { frames, transfer, offset } = await call<Download>(at, signal, {
        what: "fetch",
        upBytes: 0,
        downBytes: (download) => sizeOf(download.frames) - download.offset,
        onCut: (way, share, download) => {
          if (way === "up" || download === null) return;
          const whole = joined(download.frames);
          const known = download.offset + Math.floor(share * (whole.length - download.offset));
          partial = { transfer: download.transfer, bytes: whole.slice(0, known) };
        },
        handle: async (to) => {
          const download = await to.fetchModel(said);
          const bytes = sizeOf(download.frames) - download.offset;
          download.sent(bytes);
          wire.bytesLeft(at.server, bytes);
          return { ...download, frames: download.frames.map((frame) => frame.slice()) };
        },
      });
      const known = partial?.transfer === transfer ? partial.bytes.subarray(0, offset) : null;
      partial = null;
      return resumed(frames, known).map((frame, i) => flipped(frame, chance, `${name} ${i}`));
    },
    report: async (id, frame, offset, signal) => {
      if (!client.call()) return never();
      const said: ReportId = asBytes(id);
      const at = await session(signal);
      const name = nth(`${clientId} reported`);
      const key = `${clientId} ${said.digest}`;
      const sent = frame.slice();
      if (chance.fault("repeat", name))
        time.after(repeatMs(chance, name), () => {
          // whoever has a session then: the same client, in this session or in another
          const now = current;
          if (now === null || !now.isUp("server")) return;
          now.server.process.deliver(() => {
            report(now, now.session, said, sent).catch((error) => isOfDisk(error) || wire.failed(error));
          });
        });
      return call<Receipt>(at, signal, {
        what: "report",
        upBytes: frame.length - offset,
        downBytes: () => 0,
        onCut: (way, share) => {
          if (way === "up")
            at.server.staged.set(key, sent.slice(0, offset + Math.floor(share * (sent.length - offset))));
        },
        handle: (to) => {
          const staged = at.server.staged.get(key) ?? new Uint8Array();
          at.server.staged.delete(key);
          const whole = joined([staged.subarray(0, offset), sent.subarray(offset)]);
          return report(at, to, said, flipped(whole, chance, name));
        },
      });
    },
    close: async () => {
      if (current !== null) leave(current);
    },
  };
}

const busy: Refusal = { code: "busy", detail: "no welcome", retry: true };

/** At once, or much later. */
const repeatMs = (chance: Chance, name: string): number =>
  chance.below(2, "soon", name) === 0
    ? chance.between(1, 400, "repeated", name)
    : chance.between(10, 90_000, "repeated", name);

/** A coordinator that fails with its disk ends its calls as well. */
const isOfDisk = (error: unknown): boolean => {
  const { code } = error as { readonly code?: string };
  return code === "EIO" || code === "ENOSPC" || code === "fenced";
};
