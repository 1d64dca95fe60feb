import pc from "picocolors";
import { ConfigError, WireError } from "../model/error.ts";
import type { Refusal } from "../model/protocol.ts";

/** How a command ended; the numbers are part of the contract with scripts. */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3, interrupted: 130 } as const;

export const exitCodesHelp = `
Exit codes:
  0    done
  1    failed
  2    bad usage or configuration, one line a problem
  3    refused by the coordinator
  130  interrupted`;

/** A person or a supervisor asked us to stop. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The coordinator does not want this client, now or later. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor({ code, detail }: Refusal) {
    super(`refused by the coordinator: ${code}: ${detail}`);
  }
}

/** Prints what went wrong on stderr and gives the exit code for it. */
export function explain(error: unknown): number {
  const say = (line: string) => process.stderr.write(`${pc.red("error")} ${line}\n`);
  if (error instanceof ConfigError) {
    for (const line of error.message.split("\n")) say(line);
    return exitCodes.usage;
  }
  if (error instanceof Interrupted) {
    process.stderr.write(`${error.message}\n`);
    return exitCodes.interrupted;
  }
  if (error instanceof Refused) {
    say(error.message);
    return exitCodes.refused;
  }
  const shown = error instanceof Error ? error : new Error(String(error));
  say(shown.message);
  const expected = error instanceof WireError || "code" in shown || shown.name !== "Error";
  if (!expected && process.env.FEDPRESS_DEBUG) process.stderr.write(`${shown.stack}\n`);
  return exitCodes.failed;
}

/** The same reason, `ms` after the signal: when what was given time to end is ended. */
export function later(signal: AbortSignal, ms: number): AbortSignal {
  const aborter = new AbortController();
  const onAbort = () => setTimeout(() => aborter.abort(signal.reason), ms).unref();
  signal.addEventListener("abort", onAbort, { once: true });
  return aborter.signal;
}

/** A signal for Ctrl-C and SIGTERM: the first asks to end cleanly, the second ends at once. */
export function interruptible(): AbortSignal {
  const aborter = new AbortController();
  const onSignal = (name: string) => {
    if (aborter.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write(`${name}: ending cleanly; once more to end at once\n`);
    aborter.abort(new Interrupted("interrupted"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return aborter.signal;
}
