import type { TelemetryEvent } from "./event.ts";
import type { TelemetrySink } from "./sink.ts";

/** Where a run reports its events. */
export interface Telemetry {
  emit(event: TelemetryEvent): void;
  /** Flushes and closes the sinks; what they report while closing is still recorded, later events are not. */
  close(): Promise<void>;
}

/** Numbers a run's events and stamps them; `now` gives milliseconds since the run's start, real or virtual. */
export function telemetry(runId: string, sink: TelemetrySink, now: () => number): Telemetry {
  let sequence = 0;
  let closed = false;
  return {
    emit: (event) => {
      if (closed) return;
      sequence++;
      sink.emit({ runId, sequence, atMs: now(), event });
    },
    close: async () => {
      await sink.close();
      closed = true;
    },
  };
}
