import { decodeOwned, type OwnedPlan } from "../../../compress/owned.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { Limits } from "../../../wire/limits.ts";

/** A report's bytes as one flat vector over all tensors. The codecs are the engine's; all that follows is not. */
export interface Decoded {
  readonly values: Float64Array;
  /** 1 for coordinates that the payload carries. */
  readonly sent: Uint8Array;
  readonly round: number;
  readonly baseVersion: number;
  readonly numExamples: number;
  readonly numSteps: number;
  readonly norm: number;
}

export function decoded(frame: Uint8Array, plan: OwnedPlan, length: number, limits: Limits): Decoded {
  const update = decodeFrame(frame, limits);
  if (update.kind !== "update") throw new Error(`a journaled report is a frame of kind ${update.kind}`);
  const { round, baseVersion, numExamples, numSteps } = update;
  const values = new Float64Array(length);
  const sent = new Uint8Array(length);
  let squares = 0;
  let start = 0;
  for (const { support, values: some, length: size } of decodeOwned(plan, update.payloads).values()) {
    some.forEach((value, i) => {
      const at = start + (support === null ? i : support[i]!);
      values[at] = value;
      sent[at] = 1;
      squares += value * value;
    });
    start += size;
  }
  return { values, sent, round, baseVersion, numExamples, numSteps, norm: Math.sqrt(squares) };
}
