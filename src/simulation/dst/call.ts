import type { LinkError } from "../../client/link.ts";
import type { ClientId } from "../../model/message.ts";
import type { ClientSession } from "../../model/protocol.ts";
import type { Chance } from "./chance.ts";
import type { Connection, Way } from "./connection.ts";
import type { Server, Wire } from "./network.ts";
import type { Process } from "./process.ts";
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
export interface Call<T> {
  readonly what: string;
  readonly upBytes: number;
  readonly handle: (session: ClientSession) => Promise<T>;
  readonly downBytes: (answer: T) => number;
  /** The transfer breaks off after this share of its bytes. */
  readonly onCut?: (way: Way, share: number, answer: T | null) => void;
  readonly onAbort?: () => void;
}

export type Caller = <T>(at: Connection, signal: AbortSignal, one: Call<T>) => Promise<T>;

const BYTES_PER_MS = 40;

/** How one client's calls fare. */
export function caller(
  { time, chance, wire, nth, isParted }: Paths,
  client: Process,
  clientId: ClientId,
): Caller {
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
  return <T>(at: Connection, signal: AbortSignal, one: Call<T>): Promise<T> =>
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
}

/** A coordinator that fails with its disk ends its calls as well. */
export const isOfDisk = (error: unknown): boolean => {
  const { code } = error as { readonly code?: string };
  return code === "EIO" || code === "ENOSPC" || code === "fenced";
};
