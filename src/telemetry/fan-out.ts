import type { TelemetrySink } from "./sink.ts";

/**
 * One sink out of many. They are closed one after the other, in the order given: put a sink that tells of its losses
 * while closing (NATS) before those that should still hear of them (files, memory).
 */
export function fanOut(sinks: readonly TelemetrySink[]): TelemetrySink {
  return {
    emit: (record) => {
      for (const sink of sinks) sink.emit(record);
    },
    close: async () => {
      for (const sink of sinks) await sink.close();
    },
  };
}
