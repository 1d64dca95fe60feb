import type { Manifest } from "../../src/model/manifest.ts";
import type { UpdateMessage } from "../../src/model/message.ts";

/** Updates that a person can follow on paper: one tensor of four coordinates. */
export const manifest: Manifest = { tensors: [{ name: "w", shape: [4] }] };

export function update(
  numExamples: number,
  support: readonly number[] | null,
  values: readonly number[],
  mask: readonly number[] | null = null,
  rest: Partial<UpdateMessage> = {},
): UpdateMessage {
  const delta = {
    length: 4,
    support: support && Uint32Array.from(support),
    values: Float32Array.from(values),
  };
  return {
    clientId: "c",
    round: 1,
    baseVersion: 0,
    numExamples,
    numSteps: 1,
    trainLoss: 0,
    tensors: new Map([["w", { mask: mask && Uint32Array.from(mask), delta }]]),
    ...rest,
  };
}
