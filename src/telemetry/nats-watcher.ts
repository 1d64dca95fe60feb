import { setTimeout as delay } from "node:timers/promises";
import type { TelemetryRecord } from "./event.ts";
import { connectNats, MAX_RECORD_BYTES, type NatsLink, type NatsMessage, NatsRefusal } from "./nats.ts";
import { parseNatsUrl } from "./nats-url.ts";
import { ring } from "./ring.ts";
import { parseRecord } from "./schema.ts";
import { subjectOf, subjectsOf } from "./subject.ts";

export interface NatsWatcherOptions {
  readonly url: string;
  /** One run only; null for all. */
  readonly run: string | null;
  /** Ends the iteration. */
  readonly signal: AbortSignal;
  /** Records held while the reader is busy; beyond it the oldest are skipped. */
  readonly maxBuffered?: number;
  readonly timeoutMs?: number;
  readonly retryMs?: number;
  readonly onState?: (state: "connected" | "waiting", detail: string) => void;
}

export interface NatsWatcher extends AsyncIterable<TelemetryRecord> {
  stats(): NatsWatcherStats;
}

interface NatsWatcherStats {
  /** Messages that were no telemetry record: too large, malformed, or on another record's subject. */
  readonly malformed: number;
  /** Records that came a second time, after a publisher's connection broke. */
  readonly repeated: number;
  /** Records that made room because the reader was too slow. */
  readonly skipped: number;
}

const MAX_PUBLISHERS = 1_024;
const MAX_RETRY_MS = 5_000;

/**
 * Follows runs live, from now on. Connects as soon as the server is there and again when it was lost; throws
 * NatsRefusal when the server turns the credentials down. Anyone may publish to NATS: messages are bounded, parsed
 * and checked, and what is not telemetry is counted and skipped.
 */
export function natsWatcher(options: NatsWatcherOptions): NatsWatcher {
  const { run, signal, maxBuffered = 10_000, timeoutMs = 5_000, retryMs = 250, onState } = options;
  const address = parseNatsUrl(options.url, "--nats");
  const records = ring<TelemetryRecord>(maxBuffered);
  const fresh = firstTimers();
  const counts = { malformed: 0, repeated: 0, skipped: 0 };
  let wake = (): void => {};
  let state = "";

  const tell = (next: "connected" | "waiting", detail: string): void => {
    if (state !== next) onState?.(next, `${address.shown}: ${detail}`);
    state = next;
  };

  const receive = ({ subject, id, body }: NatsMessage): void => {
    const record = body.length > MAX_RECORD_BYTES ? null : parseRecord(body);
    if (record === null || subject !== subjectOf(record)) counts.malformed++;
    else if (!fresh(id)) counts.repeated++;
    else if (records.push(record) !== undefined) counts.skipped++;
    wake();
  };

  const subscribe = async (): Promise<NatsLink | null> => {
    try {
      const link = await connectNats(address, timeoutMs, signal);
      link.subscribe(subjectsOf(run), receive);
      link.closed.addEventListener("abort", () => wake());
      if (await link.flush(timeoutMs)) return link;
      tell("waiting", link.closed.aborted ? String(link.closed.reason) : "does not answer");
      await link.close();
    } catch (error) {
      if (error instanceof NatsRefusal) throw new NatsRefusal(`${address.shown}: ${error.message}`);
      if (!signal.aborted) tell("waiting", (error as Error).message);
    }
    return null;
  };

  async function* follow(): AsyncGenerator<TelemetryRecord, void> {
    let link: NatsLink | null = null;
    const stop = (): void => wake();
    signal.addEventListener("abort", stop);
    try {
      for (let pauseMs = retryMs; !signal.aborted; ) {
        link = await subscribe();
        if (link === null) {
          await delay(pauseMs, undefined, { signal }).catch(() => {});
          pauseMs = Math.min(2 * pauseMs, MAX_RETRY_MS);
          continue;
        }
        tell("connected", "connected");
        pauseMs = retryMs;
        for (;;) {
          for (let next = records.shift(); next !== undefined; next = records.shift()) {
            yield next;
            if (signal.aborted) return;
          }
          if (signal.aborted || link.closed.aborted) break;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        if (signal.aborted) return;
        tell("waiting", String(link.closed.reason));
        await delay(pauseMs, undefined, { signal }).catch(() => {}); // a server that hangs up is not asked at once
      }
    } finally {
      signal.removeEventListener("abort", stop);
      await link?.close();
    }
  }

  return { [Symbol.asyncIterator]: follow, stats: () => ({ ...counts }) };
}

/**
 * True for the first message under an id. A publisher sends in order and repeats only its last batch, so the highest
 * number seen of each is all there is to remember. The table is bounded: strangers can name as many as they like.
 */
function firstTimers(): (id: string | null) => boolean {
  const last = new Map<string, number>();
  return (id) => {
    const parts = id === null ? null : /^([A-Za-z0-9]{1,64})-([1-9][0-9]{0,15})$/.exec(id);
    if (parts === null) return true;
    const publisher = parts[1]!;
    const sequence = Number(parts[2]);
    if (sequence <= (last.get(publisher) ?? 0)) return false;
    last.delete(publisher); // so that the one that spoke last is last in the map's order
    last.set(publisher, sequence);
    if (last.size > MAX_PUBLISHERS) last.delete(last.keys().next().value!);
    return true;
  };
}
