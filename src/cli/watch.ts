import { once } from "node:events";
import picocolors from "picocolors";
import { printable, printableJson } from "../telemetry/format.ts";
import { natsWatcher } from "../telemetry/nats-watcher.ts";
import { progress } from "../telemetry/progress.ts";

export interface WatchOptions {
  readonly url: string;
  /** Follow this run and end with it; null follows all until interrupted. */
  readonly run: string | null;
  /** Records as JSON lines instead of text. */
  readonly json: boolean;
  readonly out: Output;
  /** For what is not a record: reached, lost, skipped. */
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Standard output, or a stand-in for it. */
interface Output extends NodeJS.EventEmitter {
  readonly isTTY?: boolean;
  write(text: string): boolean;
}

/**
 * Prints what a run reports over NATS, as it happens. Resolves "finished" when the named run has, "interrupted" when
 * `signal` fired; throws NatsRefusal when the server turns the credentials down, ConfigError on a bad address.
 */
export async function watch(options: WatchOptions): Promise<"finished" | "interrupted"> {
  const { url, run, json, out, log, signal } = options;
  const watcher = natsWatcher({
    url,
    run,
    signal,
    onState: (state, detail) => log(stateLine(state, detail)),
  });
  const color = out.isTTY === true && picocolors.isColorSupported;
  const linesOf = progress({ color, showRun: run === null });
  let finished = false;
  for await (const record of watcher) {
    const lines = json ? [printableJson(record)] : linesOf(record);
    for (const line of lines) if (!out.write(`${line}\n`)) await drained(out, signal);
    finished = run !== null && record.event.type === "run.finished";
    if (finished) break;
  }
  const { malformed, skipped } = watcher.stats();
  if (malformed > 0) log(`${malformed} messages were not telemetry and were left out`);
  if (skipped > 0) log(`${skipped} records were left out, the output was too slow`);
  return finished ? "finished" : "interrupted";
}

const stateLine = (state: "connected" | "waiting", detail: string): string =>
  state === "connected" ? `watching ${printable(detail)}` : `waiting for ${printable(detail)}`;

/** A reader that is slower than the run slows us, and the watcher's bounded buffer skips: memory does not grow. */
async function drained(out: Output, signal: AbortSignal): Promise<void> {
  await once(out, "drain", { signal }).catch((error: Error) => {
    if (error.name !== "AbortError") throw error;
  });
}
