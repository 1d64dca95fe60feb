import type { WidthFigures } from "../pipeline/evaluate.ts";
import type { ByteTotals } from "../telemetry/event.ts";
import type { Refused } from "./history.ts";
import type { Reached } from "./target.ts";

/** The JSON summary of a run: what `--json` prints. */
export interface Summary {
  readonly runId: string;
  readonly seed: number;
  /** Rounds committed. */
  readonly rounds: number;
  readonly clients: number;
  /** What trained and evaluated; null where nothing did. */
  readonly engine: string | null;
  readonly model: {
    readonly name: string;
    readonly numParams: number;
    readonly denseBytes: number;
    readonly version: number;
    readonly digest: string;
  };
  readonly accuracy: number | null;
  readonly loss: number | null;
  /** Where there are two classes; null elsewhere. */
  readonly auc: number | null;
  readonly bytes: ByteTotals;
  /** Of every width that clients were given; null when all had the whole model, or nothing was measured. */
  readonly widths: readonly WidthFigures[] | null;
  /** The same config with dense float32 both ways. */
  readonly baseline: {
    readonly accuracy: number | null;
    readonly auc: number | null;
    readonly bytes: ByteTotals;
    /** Where both first had the same accuracy; null when they have none of the round ones in common. */
    readonly target: { readonly accuracy: number; readonly ours: Reached; readonly dense: Reached } | null;
  } | null;
  readonly student: {
    readonly numParams: number;
    readonly bytes: number;
    /** On the test split, of the model read back from the file. */
    readonly accuracy: number;
    readonly auc: number | null;
    readonly path: string;
  } | null;
  /** Reports that were turned away, by client and code; they never changed the model. */
  readonly refused: readonly Refused[];
  readonly wallMs: number;
}
