import type { ClientId } from "../model/message.ts";

/**
 * Everything that fedpress reports, one union. `type` is `noun.verb`, and the NATS subject is
 * `fedpress.<run>.<type>`. Bytes are frame bytes.
 */
export type TelemetryEvent =
  | {
      readonly type: "run.started";
      readonly name: string;
      /** What trains and evaluates beside the coordinator; null where nothing does. */
      readonly engine: string | null;
      readonly seed: number;
      readonly model: { readonly name: string; readonly numParams: number; readonly denseBytes: number };
      readonly rounds: number;
      readonly resumedFromVersion: number | null;
    }
  /** The journal was not as a clean end leaves it, and nothing is lost: `docs/journal.md` says what each means. */
  | {
      readonly type: "journal.repaired";
      readonly what: "torn-tail" | "snapshot" | "stale-segment" | "leftover";
      readonly file: string;
      readonly bytes: number;
    }
  /** Nothing is acknowledged until there is room on the disk of this folder. */
  | { readonly type: "coordinator.stalled"; readonly folder: string; readonly detail: string }
  | { readonly type: "coordinator.resumed"; readonly folder: string; readonly waitedMs: number }
  | { readonly type: "client.joined"; readonly clientId: ClientId; readonly numExamples: number }
  | { readonly type: "client.left"; readonly clientId: ClientId }
  | {
      readonly type: "client.refused";
      readonly clientId: ClientId;
      readonly code: string;
      readonly detail: string;
    }
  | {
      readonly type: "round.opened";
      readonly round: number;
      readonly baseVersion: number;
      readonly cohort: number;
    }
  /** By an operator; `round` goes on to its end if one is open, or was abandoned. */
  | { readonly type: "run.paused"; readonly round: number | null; readonly abandoned: boolean }
  | { readonly type: "run.resumed" }
  | {
      readonly type: "model.fetched";
      readonly clientId: ClientId;
      readonly version: number;
      readonly kind: "origin" | "delta" | "patch" | "checkpoint";
      readonly frames: number;
      readonly bytes: number;
    }
  | {
      readonly type: "report.accepted";
      readonly clientId: ClientId;
      readonly round: number;
      readonly bytes: number;
      readonly numExamples: number;
      readonly trainLoss: number;
      /** Of the coordinates that the client owns, the share that is sent. */
      readonly density: number;
    }
  | {
      readonly type: "report.refused";
      readonly clientId: ClientId;
      readonly round: number;
      readonly bytes: number;
      readonly code: string;
      readonly detail: string;
    }
  | {
      readonly type: "round.abandoned";
      readonly round: number;
      readonly reports: number;
      readonly minimum: number;
    }
  | {
      readonly type: "round.committed";
      readonly round: number;
      readonly version: number;
      readonly digest: string;
      readonly reports: number;
      /** Of one downlink delta frame. */
      readonly deltaBytes: number;
      readonly bytes: ByteTotals;
    }
  | {
      readonly type: "model.evaluated";
      readonly version: number;
      readonly accuracy: number;
      readonly loss: number;
      /** Where there are two classes. */
      readonly auc?: number | undefined;
      readonly bytes: ByteTotals;
    }
  | {
      readonly type: "student.shipped";
      readonly path: string;
      readonly numParams: number;
      readonly bytes: number;
      readonly accuracy: number;
    }
  | { readonly type: "telemetry.dropped"; readonly sink: string; readonly events: number }
  | {
      readonly type: "run.finished";
      readonly outcome: "done" | "failed" | "interrupted";
      readonly detail: string;
      readonly version: number;
      readonly bytes: ByteTotals;
      /** Bytes on the coordinator's sockets; null in a simulation. */
      readonly socketBytes: { readonly received: number; readonly sent: number } | null;
    };

/** Totals of a run so far; `dense*` is what float32 tensors would have cost for the same messages. */
export interface ByteTotals {
  readonly uplink: number;
  readonly downlink: number;
  readonly total: number;
  readonly denseUplink: number;
  readonly denseDownlink: number;
  readonly denseTotal: number;
  /** denseTotal / total; 0 before anything was sent. */
  readonly ratioTotal: number;
}

/** An event with its place in the run: what sinks get. */
export interface TelemetryRecord {
  readonly runId: string;
  /** 1, 2, 3 ... in the order of emission. */
  readonly sequence: number;
  /** Milliseconds since the run's start: of the wall in real runs, virtual in simulations. */
  readonly atMs: number;
  readonly event: TelemetryEvent;
}
