import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { derive } from "../../model/rng.ts";
import { type Accept, type ByteCount, type LinkFaults, noFaults } from "./faults.ts";
import { type Pipe, pipe } from "./pipe.ts";

/** `up` is from whoever connects to the target, `down` the way back. */
export interface Faults {
  readonly up: LinkFaults;
  readonly down: LinkFaults;
  readonly accept: Accept;
}

/** What is left out stays as it is. */
export interface FaultChange {
  readonly up?: Partial<LinkFaults>;
  readonly down?: Partial<LinkFaults>;
  readonly accept?: Accept;
}

export interface ConnectionCount {
  readonly up: ByteCount;
  readonly down: ByteCount;
}

/**
 * A bad network between real processes: a TCP listener that passes bytes on to a target through faults which its
 * owner changes as it goes, and which counts every byte for itself.
 */
export interface FaultProxy {
  readonly port: number;
  /** 127.0.0.1:PORT. */
  readonly address: string;
  /** For open connections at once, and for those to come. */
  set(change: FaultChange): void;
  /** Resets every open connection. */
  cut(): void;
  /** Of every connection so far, in the order in which they came. */
  connections(): readonly ConnectionCount[];
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  /** Port on 127.0.0.1 of what it stands before, which may come and go, and come back elsewhere. */
  readonly target: () => number;
  /** Of the jitter: the same draws for the same pieces of the same connection. */
  readonly seed?: number;
  readonly faults?: FaultChange;
}

export async function faultProxy({ target, seed = 1, faults = {} }: FaultProxyOptions): Promise<FaultProxy> {
  let current: Faults = { up: noFaults, down: noFaults, accept: "pass" };
  const counts: (() => ConnectionCount)[] = [];
  const sockets = new Set<Socket>();
  const pipes = new Set<Pipe>();

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
  };
  const set = ({ up, down, accept }: FaultChange): void => {
    current = {
      up: { ...current.up, ...up },
      down: { ...current.down, ...down },
      accept: accept ?? current.accept,
    };
    for (const { look } of pipes) look();
  };
  set(faults);

  const server = createServer({ allowHalfOpen: true }, (near) => {
    keep(near);
    if (current.accept === "refuse") return resetSocket(near);
    if (current.accept === "silent") return void near.pause();
    const far = connect({ port: target(), host: "127.0.0.1", allowHalfOpen: true });
    keep(far);
    const reset = (): void => {
      resetSocket(near);
      resetSocket(far);
    };
    const rng = (direction: string) => derive(seed, "proxy", counts.length, direction);
    const up = pipe(near, far, { faults: () => current.up, rng: rng("up"), reset });
    const down = pipe(far, near, { faults: () => current.down, rng: rng("down"), reset });
    counts.push(() => ({ up: up.count(), down: down.count() }));
    for (const one of [up, down]) pipes.add(one);
    let open = 2;
    for (const socket of [near, far])
      socket.once("close", () => {
        if (--open > 0) return;
        for (const one of [up, down]) pipes.delete(one);
      });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) resetSocket(socket);
  };
  return {
    port,
    address: `127.0.0.1:${port}`,
    set,
    cut,
    connections: () => counts.map((count) => count()),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

/**
 * A reset with no FIN before it, which `resetAndDestroy` would send (Node 20 to 24). A socket that is sending its FIN
 * at this moment cannot be reset any more.
 */
function resetSocket(socket: Socket): void {
  const isShutting = socket.writableEnded && !socket.writableFinished;
  (socket as { resetAndClosing?: boolean }).resetAndClosing = !isShutting;
  socket.destroy();
}
