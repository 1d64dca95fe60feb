import type { TelemetryRecord } from "./event.ts";

/** Where records go. `emit` never throws, blocks or reorders; `close` flushes within a bounded time. */
export interface TelemetrySink {
  emit(record: TelemetryRecord): void;
  close(): Promise<void>;
}
