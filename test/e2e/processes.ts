import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Process {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The exit code, or 128 + the signal's number for a process that was killed. */
  readonly exit: Promise<number>;
  /** Waits until stderr holds a line that matches; rejects when the process ends without. */
  readonly waitFor: (pattern: RegExp, timeoutMs?: number) => Promise<RegExpExecArray>;
  readonly kill: (signal?: NodeJS.Signals) => Promise<number>;
}

/** Starts the built command as a process of its own; whatever happens, it does not outlive the test. */
export const fedpress = (...args: readonly string[]): Process => fedpressIn({}, ...args);

/** The same with more in its environment. */
export function fedpressIn(more: Readonly<Record<string, string>>, ...args: readonly string[]): Process {
  const env = { ...process.env, NO_COLOR: "1", ...more };
  const child = spawn(process.execPath, [main, ...args], { env });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const look of watchers) look();
  });
  const exit = new Promise<number>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 128)));
  });
  const kill = (signal: NodeJS.Signals = "SIGKILL") => {
    child.kill(signal);
    return exit;
  };
  onTestFinished(async () => {
    await kill();
  });
  const waitFor: Process["waitFor"] = (pattern, timeoutMs = 60_000) =>
    new Promise((resolve, reject) => {
      const done = () => {
        watchers.delete(look);
        clearTimeout(timer);
      };
      const look = () => {
        const match = pattern.exec(stderr);
        if (match === null) return;
        done();
        resolve(match);
      };
      const fail = (why: string) => {
        done();
        reject(new Error(`${why} without ${pattern}; stderr:\n${stderr}`));
      };
      const timer = setTimeout(() => fail(`${timeoutMs} ms`), timeoutMs);
      watchers.add(look);
      void exit.then((code) => fail(`exit ${code}`));
      look();
    });
  return { child, stdout: () => stdout, stderr: () => stderr, exit, waitFor, kill };
}

/** A folder that is gone after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "fedpress-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
