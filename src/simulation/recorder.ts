import { rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import type { Config } from "../coordinator/config/config.ts";
import { type Telemetry, telemetry } from "../telemetry/emitter.ts";
import { fanOut } from "../telemetry/fan-out.ts";
import { jsonlSink } from "../telemetry/jsonl-sink.ts";
import { natsSink } from "../telemetry/nats-sink.ts";
import type { TelemetrySink } from "../telemetry/sink.ts";

export interface RecorderOptions {
  readonly runId: string;
  /** Takes the events as JSON lines. */
  readonly file: string;
  /** Goes on with the file instead of starting it anew. */
  readonly resumed: boolean;
  readonly nats: Config["telemetry"]["nats"];
  /** Sinks in memory, such as a history or a terminal. */
  readonly also: readonly TelemetrySink[];
  readonly now: () => number;
  readonly log: (line: string) => void;
}

/** A run's telemetry: its file, what follows along, and NATS when the config names one. */
export function recorder({ runId, file, resumed, nats, also, now, log }: RecorderOptions): Telemetry {
  if (!resumed) rmSync(file, { force: true });
  const lost = (sink: string) => (events: number) => run.emit({ type: "telemetry.dropped", sink, events });
  const toFile = jsonlSink({ append: (bytes) => appendFile(file, bytes), resumed, onDropped: lost("jsonl") });
  const local = [toFile, ...also];
  const onState = (_: string, detail: string) => log(`nats: ${detail}`);
  const sinks = nats === null ? local : [natsSink({ ...nats, onDropped: lost("nats"), onState }), ...local];
  const run = telemetry(runId, fanOut(sinks), now);
  return run;
}
