import { ring } from "./ring.ts";
import type { TelemetrySink } from "./sink.ts";
import { within } from "./within.ts";

export interface JsonlSinkOptions {
  /** Adds bytes to the end of the file, such as `(bytes) => disk.append("events.jsonl", bytes)`. */
  readonly append: (bytes: Uint8Array) => Promise<void>;
  /** Lines held while the disk is busy; beyond it the oldest are dropped. */
  readonly maxBuffered?: number;
  /** The file may end in the middle of a line, left by a crash: start on a line of our own. */
  readonly resumed?: boolean;
  /** How long `close` waits for the disk. */
  readonly closeMs?: number;
  /** Told how many records were lost, as soon as a write works again and when the sink is closed. */
  readonly onDropped: (events: number) => void;
}

/** A file with one JSON record a line. One write is under way at a time and takes all the lines that wait for it. */
export function jsonlSink(options: JsonlSinkOptions): TelemetrySink {
  const { append, maxBuffered = 65_536, resumed = false, closeMs = 5_000, onDropped } = options;
  const lines = ring<string>(maxBuffered);
  let inFlight = 0;
  let dropped = 0;
  let reported = 0;
  let lineBreakDue = resumed;
  let writing: Promise<void> | null = null;
  let closed = false;

  const report = (): void => {
    const events = dropped - reported;
    reported = dropped;
    if (events > 0) onDropped(events);
  };

  const writeAll = async (): Promise<void> => {
    while (lines.size() > 0 && !closed) {
      const batch = lines.drain();
      inFlight = batch.length;
      try {
        await append(new TextEncoder().encode(`${lineBreakDue ? "\n" : ""}${batch.join("\n")}\n`));
        lineBreakDue = false;
        if (!closed) report();
      } catch {
        if (!closed) dropped += batch.length; // a full or failing disk costs records, never the run
        lineBreakDue = true; // a part of it may be in the file
      }
      inFlight = 0;
    }
    writing = null;
  };

  return {
    emit: (record) => {
      if (closed) return;
      if (lines.push(JSON.stringify(record)) !== undefined) dropped++;
      writing ??= writeAll();
    },
    close: async () => {
      if (closed) return;
      report();
      if (writing !== null) await within(writing, closeMs, undefined);
      closed = true;
      dropped += inFlight + lines.drain().length;
      report();
    },
  };
}
