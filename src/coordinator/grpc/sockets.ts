import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { ConfigError } from "../../model/error.ts";

/** A TCP listener of our own under gRPC, so that connections are capped and every byte on the wire is counted. */
export interface Sockets {
  /** HOST:PORT, with the real port when 0 was asked for. */
  readonly address: string;
  readonly port: number;
  /** What the kernel took and gave so far, HTTP/2 and gRPC overhead included, TCP/IP headers not. */
  bytes(): { readonly received: number; readonly sent: number };
  /** No new connections; those that are open stay. */
  stop(): void;
  /** Breaks what is still open. */
  destroy(): void;
  /** Resolves when the last connection is gone. */
  gone(): Promise<void>;
}

/** Throws ConfigError when `listen` is not HOST:PORT (IPv6 in brackets) or cannot be listened on. */
export async function listenTcp(
  listen: string,
  maxConnections: number,
  onConnection: (socket: Socket) => void,
): Promise<Sockets> {
  const { host, port: wanted } = parseAddress(listen);
  const open = new Set<Socket>();
  const past = { received: 0, sent: 0 };
  let onGone: () => void = () => {};

  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => {}); // "close" follows, and the calls on it end
    socket.once("close", () => {
      open.delete(socket);
      past.received += socket.bytesRead;
      past.sent += socket.bytesWritten;
      if (open.size === 0) onGone();
    });
    onConnection(socket);
  });
  server.maxConnections = maxConnections;
  try {
    server.listen(wanted, host);
    await once(server, "listening");
  } catch (error) {
    const expected = `an address to listen on (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`;
    throw new ConfigError([{ path: "listen", value: listen, expected }]);
  }
  const { port } = server.address() as AddressInfo;

  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    bytes: () => {
      let { received, sent } = past;
      for (const socket of open) {
        received += socket.bytesRead;
        sent += socket.bytesWritten;
      }
      return { received, sent };
    },
    stop: () => void server.close(),
    destroy: () => {
      for (const socket of open) socket.destroy();
    },
    gone: () =>
      new Promise((resolve) => {
        onGone = resolve;
        if (open.size === 0) resolve();
      }),
  };
}

function parseAddress(listen: string): { host: string; port: number } {
  const [, ipv6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (!(port <= 65_535)) throw new ConfigError([{ path: "listen", value: listen, expected: "HOST:PORT" }]);
  return { host: (ipv6 ?? name)!, port };
}
