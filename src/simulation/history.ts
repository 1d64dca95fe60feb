import type { ByteTotals, TelemetryRecord } from "../telemetry/event.ts";
import type { TelemetrySink } from "../telemetry/sink.ts";

/** One round as it is plotted. */
export interface RoundPoint {
  readonly round: number;
  /** The version that it made, or left as it was. */
  readonly version: number;
  readonly accuracy: number | null;
  readonly loss: number | null;
  readonly bytes: ByteTotals;
  readonly reports: number;
  readonly abandoned: boolean;
}

/** Frame bytes of one kind of message, beside what dense float32 would have cost for the same messages. */
export interface Stage {
  readonly name: string;
  readonly bytes: number;
  readonly denseBytes: number;
}

/** Reports of one client that were turned away for one reason. */
export interface Refused {
  readonly clientId: string;
  readonly code: string;
  readonly reports: number;
}

/** Gathers from the telemetry what a report shows: nothing is computed twice. */
export function roundHistory(): {
  readonly sink: TelemetrySink;
  readonly rounds: () => readonly RoundPoint[];
  readonly stages: () => readonly Stage[];
  /** In the order of client ids. */
  readonly refused: () => readonly Refused[];
} {
  const rounds: RoundPoint[] = [];
  const fetched = {
    origin: { frames: 0, bytes: 0 },
    delta: { frames: 0, bytes: 0 },
    patch: { frames: 0, bytes: 0 },
    checkpoint: { frames: 0, bytes: 0 },
  };
  const refused = new Map<string, Refused>();
  let denseBytes = 0;
  let reports = 0;
  let reportBytes = 0;
  let version = 0;
  let bytes: ByteTotals | null = null;

  const emit = ({ event }: TelemetryRecord): void => {
    switch (event.type) {
      case "run.started":
        denseBytes = event.model.denseBytes;
        return;
      case "model.fetched":
        if (event.bytes === 0) return;
        fetched[event.kind].frames += 1;
        fetched[event.kind].bytes += event.bytes;
        return;
      case "report.refused": {
        const { clientId, code } = event;
        const key = `${clientId} ${code}`;
        refused.set(key, { clientId, code, reports: (refused.get(key)?.reports ?? 0) + 1 });
        reports += 1;
        reportBytes += event.bytes;
        return;
      }
      case "report.accepted":
        reports += 1;
        reportBytes += event.bytes;
        return;
      case "round.committed":
        version = event.version;
        bytes = event.bytes;
        rounds.push({ ...event, accuracy: null, loss: null, abandoned: false });
        return;
      case "round.abandoned":
        if (bytes !== null)
          rounds.push({ ...event, version, accuracy: null, loss: null, bytes, abandoned: true });
        return;
      case "model.evaluated": {
        const { accuracy, loss } = event;
        const at = rounds.findLastIndex((point) => point.version === event.version && !point.abandoned);
        if (at >= 0) rounds[at] = { ...rounds[at]!, accuracy, loss };
      }
    }
  };

  return {
    sink: { emit, close: async () => {} },
    rounds: () => rounds,
    stages: () =>
      [
        { name: "uplink: updates", bytes: reportBytes, denseBytes: reports * denseBytes },
        { name: "downlink: deltas", ...down(fetched.delta, denseBytes) },
        { name: "downlink: version 0", ...down(fetched.origin, denseBytes) },
        { name: "downlink: patches", ...down(fetched.patch, denseBytes) },
        { name: "downlink: checkpoints", ...down(fetched.checkpoint, denseBytes) },
      ].filter((stage) => stage.bytes > 0),
    refused: () => [...refused].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry),
  };
}

const down = ({ frames, bytes }: { frames: number; bytes: number }, denseBytes: number) => ({
  bytes,
  denseBytes: frames * denseBytes,
});
