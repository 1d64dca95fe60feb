import { lstatSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join, relative, resolve } from "node:path";
import type { Operator, RunStatus } from "../coordinator/sessions/operator.ts";
import { digestOf } from "../model/manifest.ts";

/**
 * How an operator talks to a coordinator that runs: a Unix domain socket in its state folder, open to its own user only;
 * on Windows a named pipe. One connection carries one line of JSON, the request, and one line back.
 */
export type ControlRequest =
  | { readonly command: "status" | "resume" | "stop" }
  | { readonly command: "pause"; readonly abandon: boolean };

export type ControlReply =
  | { readonly ok: true; readonly status: RunStatus }
  | { readonly ok: false; readonly error: string };

const SOCKET = "control.sock";
/** Systems take 104 to 108 bytes, with a zero at the end. */
const MAX_PATH_BYTES = 100;
const MAX_REQUEST_BYTES = 1024;
const MAX_CONNECTIONS = 16;
const IDLE_MS = 5000;

/** Where the socket of a state folder is; null when its path is longer than a socket's may be. */
export function controlPath(folder: string, platform: string = process.platform): string | null {
  const absolute = resolve(folder);
  if (platform === "win32")
    return `\\\\.\\pipe\\fedpress-${digestOf(new TextEncoder().encode(absolute)).slice(0, 32)}`;
  const path = join(absolute, SOCKET);
  const near = relative(process.cwd(), path);
  const shorter = Buffer.byteLength(near) < Buffer.byteLength(path) ? near : path;
  return Buffer.byteLength(shorter) <= MAX_PATH_BYTES ? shorter : null;
}

/**
 * Answers requests until it is closed. Only the holder of the folder's lock may call it: a socket that is there already is
 * a dead process's, and makes room.
 */
export async function serveControl(
  path: string,
  coordinator: Operator,
  stop: () => void,
): Promise<{ readonly close: () => Promise<void> }> {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    connection.on("error", () => connection.destroy());
    connection.setTimeout(IDLE_MS, () => connection.destroy());
    receiveLine(connection, (line) => {
      connection.setTimeout(0); // a pause is on disk before it is answered
      void answer(line, coordinator, stop).then((reply) => {
        connection.end(`${JSON.stringify(reply)}\n`);
        connection.setTimeout(IDLE_MS); // or whoever stays on holds a place of MAX_CONNECTIONS
      });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  if (process.platform !== "win32") removeStale(path);
  await listenPrivately(server, path);
  return {
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        for (const connection of connections) connection.destroySoon();
      }),
  };
}

function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is in the way of the control socket: it is no socket`);
  rmSync(path);
}

/** Mode 0600 from the moment that it is there: `listen` binds before it returns. */
function listenPrivately(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", fail);
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", fail);
        done();
      });
    } finally {
      process.umask(before);
    }
  });
}

/** The first line, if it is not too long. */
function receiveLine(connection: Socket, onLine: (line: string) => void): void {
  let text = "";
  connection.setEncoding("utf8");
  const onData = (data: string): void => {
    text += data;
    const end = text.indexOf("\n");
    if (end < 0 && text.length <= MAX_REQUEST_BYTES) return;
    connection.off("data", onData);
    connection.resume();
    onLine(end < 0 ? "" : text.slice(0, end));
  };
  connection.on("data", onData);
  connection.on("end", () => {
    if (connection.listeners("data").includes(onData)) connection.destroy();
  });
}

async function answer(line: string, coordinator: Operator, stop: () => void): Promise<ControlReply> {
  const request = parseRequest(line);
  if (request === null)
    return {
      ok: false,
      error: 'expected one line such as {"command":"status"}, or pause, resume or stop',
    };
  const over: ControlReply = { ok: false, error: "the run is over" };
  try {
    switch (request.command) {
      case "status":
        return { ok: true, status: coordinator.status() };
      case "pause":
        return (await coordinator.pause(request)) ? { ok: true, status: coordinator.status() } : over;
      case "resume":
        return (await coordinator.resume()) ? { ok: true, status: coordinator.status() } : over;
      case "stop":
        stop();
        return { ok: true, status: coordinator.status() };
    }
  } catch (error) {
    return { ok: false, error: (error as Error).message }; // the journal failed, and the run with it
  }
}

function parseRequest(line: string): ControlRequest | null {
  try {
    const { command, abandon = false } = JSON.parse(line);
    if (command === "status" || command === "resume" || command === "stop") return { command };
    return command === "pause" && typeof abandon === "boolean" ? { command, abandon } : null;
  } catch {
    return null;
  }
}
