import { setTimeout as delay } from "node:timers/promises";
import type { TelemetryRecord } from "./event.ts";
import { connectNats, MAX_RECORD_BYTES, type NatsLink, publisherId } from "./nats.ts";
import { parseNatsUrl } from "./nats-url.ts";
import { ring } from "./ring.ts";
import type { TelemetrySink } from "./sink.ts";
import { subjectOf } from "./subject.ts";
import { within } from "./within.ts";

export interface NatsSinkOptions {
  /** `nats://[user:pass@]host[:port]`; throws ConfigError when it is not one. */
  readonly url: string;
  /** Records held while the server is away or slow; beyond it the oldest are dropped. */
  readonly maxBuffered?: number;
  /** How long the server may take to greet or to confirm a batch before the link is given up. */
  readonly timeoutMs?: number;
  /** The first pause between attempts to connect; it doubles up to 10 s. */
  readonly retryMs?: number;
  /** How long `close` may take to deliver what is left. */
  readonly closeMs?: number;
  /**
   * Told how many records were lost since the last call, once the server confirms again and when the sink is closed.
   * Emit it as `telemetry.dropped`: the NATS side then reads of the gap, too.
   */
  readonly onDropped: (events: number) => void;
  /** Told when the server is reached and when it is lost, with the address (no credentials) and the reason. */
  readonly onState?: (state: "connected" | "waiting", detail: string) => void;
}

export interface NatsSink extends TelemetrySink {
  stats(): NatsSinkStats;
}

/** Every record that was emitted is in exactly one of the three. */
interface NatsSinkStats {
  /** Confirmed by the server. */
  readonly published: number;
  /** Not confirmed yet, `inFlight` of them with the server. */
  readonly buffered: number;
  readonly inFlight: number;
  readonly dropped: number;
}

interface Pending {
  readonly subject: string;
  readonly id: string;
  readonly body: Uint8Array;
}

const BATCH_RECORDS = 64;
const MAX_BUFFERED_BYTES = 16 * 2 ** 20;
const MAX_RETRY_MS = 10_000;

/**
 * Publishes records in order, a batch at a time: the next goes out when the server has confirmed the last. What was
 * not confirmed is sent again over the next connection under the same id, so a record arrives at least once or is
 * counted as dropped. `emit` only ever touches the buffer: a server that is down, killed or stopped costs no time.
 */
export function natsSink(options: NatsSinkOptions): NatsSink {
  const {
    maxBuffered = 16_384,
    timeoutMs = 5_000,
    retryMs = 250,
    closeMs = 2_000,
    onDropped,
    onState,
  } = options;
  const address = parseNatsUrl(options.url, "telemetry.nats.url");
  const publisher = publisherId();
  const waiting = ring<Pending>(maxBuffered);
  const closing = new AbortController(); // from here on: deliver what is there, start nothing new
  const ended = new AbortController();
  let inFlight: Pending[] = [];
  let bufferedBytes = 0;
  let published = 0;
  let dropped = 0;
  let reported = 0;
  let pauseMs = retryMs;
  let state = "";
  let wake = (): void => {};

  const drop = (record: Pending | undefined): void => {
    if (record === undefined) return;
    bufferedBytes -= record.body.length;
    dropped++;
  };
  const report = (): void => {
    const events = dropped - reported;
    reported = dropped;
    if (events > 0) onDropped(events);
  };
  const tell = (next: "connected" | "waiting", detail: string): void => {
    if (state !== next) onState?.(next, `${address.shown}: ${detail}`);
    state = next;
  };

  const emit = (record: TelemetryRecord): void => {
    if (ended.signal.aborted) return;
    const body = new TextEncoder().encode(JSON.stringify(record));
    bufferedBytes += body.length;
    const pending = { subject: subjectOf(record), id: `${publisher}-${record.sequence}`, body };
    if (body.length > MAX_RECORD_BYTES || inFlight.length === maxBuffered) return drop(pending);
    if (waiting.size() + inFlight.length === maxBuffered) drop(waiting.shift());
    waiting.push(pending);
    while (bufferedBytes > MAX_BUFFERED_BYTES && waiting.size() > 1) drop(waiting.shift());
    wake();
  };

  /** Sends one batch; false when the server did not confirm it. */
  const sendBatch = async (link: NatsLink): Promise<boolean> => {
    while (waiting.size() > 0 && inFlight.length < BATCH_RECORDS) {
      const next = waiting.shift()!;
      if (link.publish(next.subject, next.id, next.body)) inFlight.push(next);
      else drop(next);
    }
    const confirmed = await link.flush(timeoutMs);
    if (ended.signal.aborted) return false;
    if (confirmed) {
      for (const { body } of inFlight) bufferedBytes -= body.length;
      published += inFlight.length;
    } else {
      for (const record of inFlight.toReversed()) waiting.unshift(record);
    }
    inFlight = [];
    return confirmed;
  };

  /** Sends until the link is lost, or all is sent and no more will come. */
  const pump = async (link: NatsLink): Promise<void> => {
    link.closed.addEventListener("abort", () => wake());
    while (!link.closed.aborted) {
      if (waiting.size() > 0) {
        if (!(await sendBatch(link))) return;
        tell("connected", "connected");
        pauseMs = retryMs;
        report();
      } else if (closing.signal.aborted) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };

  const visit = async (): Promise<void> => {
    const link = await connectNats(address, timeoutMs, ended.signal);
    const hangUp = (): void => void link.close();
    ended.signal.addEventListener("abort", hangUp);
    await pump(link);
    ended.signal.removeEventListener("abort", hangUp);
    const reason = link.closed.aborted ? String(link.closed.reason) : "does not answer";
    await link.close();
    if (!closing.signal.aborted) tell("waiting", reason);
  };

  const work = async (): Promise<void> => {
    for (;;) {
      await visit().catch((error: Error) => tell("waiting", error.message));
      if (closing.signal.aborted) return; // it was tried once more, that is enough
      await delay(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, MAX_RETRY_MS);
    }
  };
  const worker = work();

  const end = async (): Promise<void> => {
    report();
    closing.abort();
    wake();
    if (waiting.size() + inFlight.length > 0) await within(worker, closeMs, undefined);
    ended.abort();
    for (const record of [...inFlight, ...waiting.drain()]) drop(record);
    inFlight = [];
    report();
  };
  let ending: Promise<void> | null = null;

  return {
    emit,
    close: () => {
      ending ??= end();
      return ending;
    },
    stats: () => ({
      published,
      dropped,
      buffered: waiting.size() + inFlight.length,
      inFlight: inFlight.length,
    }),
  };
}
