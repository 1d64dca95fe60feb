import { LinkError } from "../../client/link.ts";
import type { ClientSession } from "../../model/protocol.ts";
import type { Chance } from "./chance.ts";
import type { Server } from "./network.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

export type Way = "up" | "down";

/** A check-in stream and the calls of its session. Each end finds out by itself that it is gone, and at its own time. */
export interface Connection {
  readonly server: Server;
  readonly session: ClientSession;
  /** As each end sees it. */
  readonly isUp: (end: "client" | "server") => boolean;
  readonly hangUp: (end: "client" | "server", why: string) => void;
  /** Half open: one end may be back before the other knows that it was away. */
  readonly breakOff: (name: string) => void;
  /** Calls that wait for an answer, each to be told when the client finds that the connection is gone. */
  readonly pending: Set<(error: LinkError) => void>;
}

export interface Ends {
  readonly client: Process;
  readonly clientId: string;
  readonly server: Server;
  readonly session: ClientSession;
  readonly onClientGone: () => void;
}

export function connection(time: Scheduler, chance: Chance, ends: Ends): Connection {
  const { client, clientId, server, session, onClientGone } = ends;
  const up = { client: true, server: true };
  const pending: Connection["pending"] = new Set();
  const begun = time.now();

  const hangUp: Connection["hangUp"] = (end, why) => {
    if (!up[end]) return;
    up[end] = false;
    if (end === "server") return server.process.deliver(() => session.close());
    onClientGone();
    const waiting = [...pending];
    pending.clear();
    client.deliver(() => {
      for (const reject of waiting) reject(new LinkError(why));
    });
  };

  /** Who is left notices after a while that the other end's process is dead. */
  const watch = (): void => {
    if (!up.client && !up.server) return;
    if (!server.process.isAlive()) {
      up.server = false;
      const ms = chance.between(1, 20_000, "server died", clientId, begun);
      time.after(ms, () => hangUp("client", "the coordinator is gone"));
    } else if (!client.isAlive()) {
      up.client = false;
      const ms = chance.between(1, 20_000, "client died", clientId, begun);
      time.after(ms, () => hangUp("server", ""));
    } else time.after(500, watch);
  };
  watch();

  return {
    server,
    session,
    pending,
    isUp: (end) => up[end],
    hangUp,
    breakOff: (name) => {
      const [a, b] = [
        chance.between(1, 30_000, "client notices", name),
        chance.between(1, 45_000, "server notices", name),
      ];
      time.after(a, () => hangUp("client", "the connection broke"));
      time.after(b, () => hangUp("server", ""));
    },
  };
}
