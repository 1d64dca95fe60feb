import type { Priors } from "../../../compress/error-feedback.ts";
import { decodeOwned } from "../../../compress/owned.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { Limits } from "../../../wire/limits.ts";
import type { AuditedPart } from "./context.ts";

/** A report's bytes as one flat vector over all tensors. The codecs are the engine's; all that follows is not. */
export interface Decoded {
  readonly values: Float64Array;
  /** 1 for coordinates that the client owns. */
  readonly owned: Uint8Array;
  /** 1 for coordinates that the payload carries. */
  readonly sent: Uint8Array;
  readonly round: number;
  readonly baseVersion: number;
  readonly numExamples: number;
  readonly numSteps: number;
  readonly norm: number;
}

export function decoded(
  frame: Uint8Array,
  part: AuditedPart,
  length: number,
  limits: Limits,
  priors: Priors,
): Decoded {
  const update = decodeFrame(frame, limits);
  if (update.kind !== "update") throw new Error(`a journaled report is a frame of kind ${update.kind}`);
  const { round, baseVersion, numExamples, numSteps } = update;
  const values = new Float64Array(length);
  const sent = new Uint8Array(length);
  const owned = new Uint8Array(length);
  for (const at of part.owned) owned[at] = 1;
  let squares = 0;
  let start = 0;
  for (const { support, values: some, length: size } of decodeOwned(
    part.plan,
    update.payloads,
    undefined,
    priors,
  ).values()) {
    some.forEach((value, i) => {
      const at = start + (support === null ? i : support[i]!);
      values[at] = value;
      sent[at] = 1;
      squares += value * value;
    });
    start += size;
  }
  return { values, owned, sent, round, baseVersion, numExamples, numSteps, norm: Math.sqrt(squares) };
}
