import { createConnection } from "node:net";
import {
  AuthorizationError,
  connect,
  headers,
  type Msg,
  type NatsConnection,
  nuid,
  PermissionViolationError,
} from "@nats-io/transport-node";
import type { NatsAddress } from "./nats-url.ts";
import { within } from "./within.ts";

/**
 * One connection to a NATS server, with the client library kept on a short lead: it never reconnects by itself (what
 * it holds back would be out of our count) and is given no more than one batch before the server confirmed the last.
 */
export interface NatsLink {
  /** Sends a message; `id` lets receivers (and JetStream) tell a repetition. False when the server would not take it. */
  publish(subject: string, id: string, body: Uint8Array): boolean;
  /** True once the server has all that was published and subscribed; false when the link is gone or late. */
  flush(timeoutMs: number): Promise<boolean>;
  subscribe(subject: string, receive: (message: NatsMessage) => void): void;
  /** Fires when the link is gone; its reason is a sentence. */
  readonly closed: AbortSignal;
  close(): Promise<void>;
}

export interface NatsMessage {
  readonly subject: string;
  /** As published; null when there is none. */
  readonly id: string | null;
  readonly body: Uint8Array;
}

/** The server answered and does not want us: trying again is no use until someone changes something. */
export class NatsRefusal extends Error {
  override readonly name = "NatsRefusal";
}

/** Names this process among the publishers of a run. */
export const publisherId = (): string => nuid.next();

/** Larger records are not sent, and not read. */
export const MAX_RECORD_BYTES = 64 * 2 ** 10;

const ID_HEADER = "Nats-Msg-Id";

/** Connects once. Rejects when there is no server, it does not answer within `timeoutMs`, or `signal` fires. */
export async function connectNats(
  address: NatsAddress,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<NatsLink> {
  // The library leaks the socket of a server that accepts but stays silent (one that is stopped), which would keep
  // this process from ending: ask for a sign of life first, on a socket of our own.
  await greeting(address, timeoutMs, signal);
  try {
    const connection = await connect({
      servers: `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`,
      name: "fedpress",
      timeout: timeoutMs,
      reconnect: false,
      ignoreClusterUpdates: true,
      pingInterval: 10_000,
      maxPingOut: 2,
      ...(address.tls ? { tls: {} } : {}),
      ...address.credentials,
    });
    if (signal.aborted) {
      await connection.close();
      signal.throwIfAborted();
    }
    return linkOf(connection);
  } catch (error) {
    if (error instanceof AuthorizationError) throw new NatsRefusal(error.message);
    throw error;
  }
}

function linkOf(connection: NatsConnection): NatsLink {
  const gone = new AbortController();
  const refused = (async () => {
    for await (const status of connection.status()) {
      if (status.type !== "error" || !(status.error instanceof PermissionViolationError)) continue;
      gone.abort(status.error.message); // the server threw a message away: no flush may call it delivered
      void connection.close();
    }
  })();
  void connection.closed().then(async (error) => {
    await refused;
    gone.abort(error instanceof Error ? error.message : "connection closed");
  });
  return {
    publish: (subject, id, body) => {
      try {
        const head = headers();
        head.set(ID_HEADER, id);
        connection.publish(subject, body, { headers: head });
        return true;
      } catch {
        return connection.isClosed(); // a lost link shows at the flush; otherwise it is larger than the server allows
      }
    },
    flush: async (timeoutMs) => {
      const pong = connection.flush().then(
        () => !gone.signal.aborted,
        () => false,
      );
      return await within(pong, timeoutMs, false, gone.signal);
    },
    subscribe: (subject, receive) => {
      const callback = (error: Error | null, message: Msg): void => {
        if (error !== null) return; // a refusal closes the link, see above
        receive({
          subject: message.subject,
          id: message.headers?.get(ID_HEADER) || null,
          body: message.data,
        });
      };
      connection.subscribe(subject, { callback });
    },
    closed: gone.signal,
    close: async () => await connection.close(),
  };
}

/** Resolves when a NATS server says hello. */
function greeting({ host, port, shown }: NatsAddress, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, signal, timeout: timeoutMs });
    let heard = "";
    socket.on("timeout", () => socket.destroy(new Error(`${shown} does not answer`)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`${shown} hung up`)));
    socket.on("data", (chunk) => {
      heard += chunk.toString("latin1");
      if (heard.length < 5) return;
      if (heard.startsWith("INFO ")) resolve();
      else reject(new Error(`${shown} is not a NATS server`));
      socket.destroy();
    });
  });
}
