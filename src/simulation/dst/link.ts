import { type CoordinatorLink, LinkError, noSession } from "../../client/link.ts";
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
import { caller, isOfDisk, type Paths } from "./call.ts";
import type { Chance } from "./chance.ts";
import { type Connection, connection } from "./connection.ts";
import { never, type Process } from "./process.ts";

const CONNECT_MS = 10_000;

/** A client's way to whichever coordinator listens: all that is said crosses as bytes, takes its time, and may get lost. */
export function simulatedLink(paths: Paths, client: Process, clientId: ClientId): CoordinatorLink {
  const { time, chance, wire, nth, isParted } = paths;
  const call = caller(paths, client, clientId);
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

  const leave = (at: Connection): void => {
    at.hangUp("client", "left");
    time.after(chance.between(1, 100, nth(`${clientId} leaves`)), () => at.hangUp("server", ""));
  };

  const session = async (signal: AbortSignal): Promise<Connection> => {
    const at = await connect(signal);
    if ("code" in at) throw noSession(at);
    return at;
  };

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
    if (at.server.process.isAlive()) wire.receiptLeft(at.server, clientId, id, frame, receipt);
    if (receipt.kind === "refused") refusalLeaves(at, id.round, receipt.refusal);
    return receipt;
  };

  const refusalLeaves = (at: Connection, round: number, refusal: Refusal): void => {
    if (at.server.process.isAlive()) wire.refusalLeft(at.server, clientId, round, refusal);
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
          wire.checkInArrived(at.server, clientId);
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
      const at = await session(signal);
      return call(at, signal, {
        what: "heartbeat",
        upBytes: 0,
        downBytes: () => 0,
        handle: async (to) => {
          const refusal = to.heartbeat(round);
          if (refusal !== null) refusalLeaves(at, round, refusal);
          return refusal;
        },
      });
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
            wire.receiptLeft(at.server, clientId, said, null, { kind: "accepted", report: standing.report });
          if (standing.kind === "refused") refusalLeaves(at, said.round, standing.refusal);
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
          if (at.server.process.isAlive()) wire.framesLeft(at.server, said, download.frames);
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
