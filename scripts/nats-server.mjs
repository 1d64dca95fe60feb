// Finds or fetches a nats-server and runs it. `npm run nats` starts one on 127.0.0.1:4222 in the foreground; the
// end-to-end tests import the functions. Needs nothing beyond Node: no build, no packages.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE_DIR = fileURLToPath(new URL("../.cache/nats-server/", import.meta.url));

/**
 * The executable: one on the PATH (or in /usr/sbin, where Debian puts it), else Debian's package, unpacked into the
 * cache folder once, without root.
 * @param {"any" | "binary" | "debian"} [how] Only this way.
 * @returns {Promise<{ path: string, how: "binary" | "debian" }>}
 */
export async function findNatsServer(how = "any") {
  const reasons = [];
  if (how !== "debian") {
    const path = binaryOnPath();
    if (path !== null) return { path, how: "binary" };
    reasons.push("no nats-server on the PATH");
  }
  if (how !== "binary") {
    try {
      return { path: await debianBinary(CACHE_DIR), how: "debian" };
    } catch (error) {
      reasons.push(`Debian's package is out of reach (${firstLine(error)})`);
    }
  }
  throw new Error(
    `${reasons.join(", ")}: install nats-server (apt install nats-server, brew install nats-server)`,
  );
}

/**
 * Starts the server on 127.0.0.1 and resolves once it takes connections. It dies with this process, however this
 * process ends.
 * @param {{ path: string, port?: number, args?: readonly string[] }} options Port -1, the default, takes a free one.
 * @returns {Promise<{ pid: number, port: number, signal(name: NodeJS.Signals): void, kill(): Promise<void> }>}
 */
export async function startNatsServer({ path, port = -1, args = [] }) {
  const server = spawn(path, ["-a", "127.0.0.1", "-p", String(port), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(server, "exit").catch(() => {}); // a failed spawn is told by the listening below
  const listening = await portOnceReady(server);
  const watchdog = killWhenWeEnd(server.pid);
  return {
    pid: server.pid,
    port: listening,
    signal: (name) => server.kill(name),
    kill: async () => {
      server.kill("SIGKILL"); // a stopped process dies of this one too
      await exited;
      watchdog.kill();
    },
  };
}

function binaryOnPath() {
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter).filter(Boolean),
    "/usr/sbin",
    "/usr/local/sbin",
  ];
  const name = process.platform === "win32" ? "nats-server.exe" : "nats-server";
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Downloads and unpacks in a folder of its own, which then takes its place in one step: two at a time do no harm. */
async function debianBinary(cacheDir) {
  const final = join(cacheDir, "debian");
  const binary = join(final, "usr", "sbin", "nats-server");
  if (isExecutable(binary)) return binary;
  mkdirSync(cacheDir, { recursive: true });
  const scratch = mkdtempSync(join(cacheDir, "unpacking-"));
  try {
    await downloadDebianPackage(scratch);
    const deb = (await readdir(scratch)).find((name) => name.endsWith(".deb"));
    if (deb === undefined) throw new Error("apt-get download left no package");
    await run("dpkg-deb", ["-x", join(scratch, deb), join(scratch, "root")]);
    try {
      renameSync(join(scratch, "root"), final);
    } catch (error) {
      if (!isExecutable(binary)) throw error; // or else another process was quicker
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return binary;
}

/** With the system's package lists, or with fresh ones in private folders where those are missing or stale. */
async function downloadDebianPackage(scratch) {
  const quick = [
    "-q",
    "-o",
    "Acquire::Retries=1",
    "-o",
    "Acquire::http::Timeout=20",
    "-o",
    "APT::Sandbox::User=root",
  ];
  const download = [...quick, "download", "nats-server"];
  try {
    return await run("apt-get", download, { cwd: scratch, timeout: 120_000 });
  } catch (error) {
    if (error.code === "ENOENT") throw new Error("no apt-get here");
  }
  const apt = join(scratch, "apt");
  for (const folder of ["state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(apt, folder), { recursive: true });
  }
  const own = [
    ["-o", `Dir::State=${apt}/state`],
    ["-o", `Dir::State::Lists=${apt}/state/lists`],
    ["-o", "Dir::State::status=/var/lib/dpkg/status"],
    ["-o", `Dir::Cache=${apt}/cache`],
    ["-o", "Acquire::Languages=none"],
  ].flat();
  // One unreachable third-party list makes update fail; what counts is whether the download then works.
  await run("apt-get", [...own, ...quick, "update"], { cwd: scratch, timeout: 300_000 }).catch(() => {});
  return await run("apt-get", [...own, ...download], { cwd: scratch, timeout: 120_000 });
}

/** The port from the server's own log; rejects with its last words when it ends instead. */
function portOnceReady(server) {
  return new Promise((resolve, reject) => {
    let log = "";
    server.once("error", reject);
    server.once("exit", (code) =>
      reject(new Error(`nats-server ended with ${code}: ${log.trim().slice(-400)}`)),
    );
    server.stderr.on("data", (chunk) => {
      log = (log + chunk).slice(-65_536);
      const port = /Listening for client connections on \S+:(\d+)/.exec(log)?.[1];
      if (port !== undefined && log.includes("Server is ready")) resolve(Number(port));
    });
  });
}

/** A shell that waits for the end of its standard input, which comes even when this process is killed outright. */
function killWhenWeEnd(pid) {
  const shell = spawn("sh", ["-c", 'read -r _; kill -9 "$0" 2>/dev/null', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true, // out of reach of a Ctrl-C meant for us
  });
  shell.unref();
  shell.stdin.unref?.();
  shell.stdin.on("error", () => {});
  return shell;
}

const firstLine = (error) =>
  String(error.stderr || error.message)
    .trim()
    .split("\n")[0];

async function main() {
  const { path, how } = await findNatsServer();
  console.error(
    `${how === "binary" ? path : "Debian's nats-server"} on nats://127.0.0.1:4222 (Ctrl-C ends it)`,
  );
  const server = spawn(path, ["-a", "127.0.0.1", "-p", "4222", ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => server.kill(name));
  const [code] = await once(server, "exit");
  process.exitCode = code ?? 0;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
