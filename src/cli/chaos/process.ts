import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** This build's command as a process of its own, and what it says on stderr, line by line. */
export interface Process {
  readonly startedMs: number;
  readonly stdout: () => string;
  readonly lines: () => readonly string[];
  /** The exit code; null when it was killed. */
  readonly exit: Promise<number | null>;
  readonly hasEnded: () => boolean;
  /** The first line that matches, from now on or earlier; null when the process ends without, or it takes too long. */
  readonly said: (pattern: RegExp, timeoutMs: number) => Promise<RegExpExecArray | null>;
  /** SIGKILL; resolves when it is gone and all that it said has been read. */
  readonly kill: () => Promise<void>;
}

const main = fileURLToPath(new URL("../main.js", import.meta.url));

export interface ProcessOptions {
  readonly onLine?: (line: string, atMs: number) => void;
  /** Where it dies by itself, as `fedpress doctor --failpoints` lists it. */
  readonly failpoint?: string;
}

export function startProcess(
  args: readonly string[],
  { onLine = () => {}, failpoint = "" }: ProcessOptions = {},
): Process {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, NO_COLOR: "1", FEDPRESS_FAILPOINT: failpoint },
  });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  let stdout = "";
  let rest = "";
  let ended = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const whole = (rest + text).split("\n");
    rest = whole.pop()!;
    for (const line of whole) {
      lines.push(line);
      onLine(line, performance.now());
    }
    for (const look of listeners) look();
  });
  const exit = new Promise<number | null>((resolve) => {
    child.on("close", (code) => {
      ended = true;
      resolve(code);
      for (const look of listeners) look();
    });
  });
  return {
    startedMs,
    stdout: () => stdout,
    lines: () => lines,
    exit,
    hasEnded: () => ended,
    said: (pattern, timeoutMs) =>
      new Promise((resolve) => {
        let seen = 0;
        const done = (match: RegExpExecArray | null): void => {
          listeners.delete(look);
          clearTimeout(timer);
          resolve(match);
        };
        const look = (): void => {
          for (; seen < lines.length; seen++) {
            const match = pattern.exec(lines[seen]!);
            if (match !== null) return done(match);
          }
          if (ended) done(null);
        };
        const timer = setTimeout(() => done(null), timeoutMs);
        listeners.add(look);
        look();
      }),
    kill: async () => {
      child.kill("SIGKILL");
      await exit;
    },
  };
}
