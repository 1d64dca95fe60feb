import type { TelemetryRecord } from "./event.ts";
import { ring } from "./ring.ts";
import type { TelemetrySink } from "./sink.ts";

export interface MemorySink extends TelemetrySink {
  /** What is kept, oldest first. */
  records(): readonly TelemetryRecord[];
  /** How many older ones made room. */
  dropped(): number;
}

/** Keeps the newest records in memory, at most `capacity` of them. */
export function memorySink(capacity = 100_000): MemorySink {
  const kept = ring<TelemetryRecord>(capacity);
  let dropped = 0;
  return {
    emit: (record) => {
      if (kept.push(record) !== undefined) dropped++;
    },
    close: async () => {},
    records: () => kept.toArray(),
    dropped: () => dropped,
  };
}
