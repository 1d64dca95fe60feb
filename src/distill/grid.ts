import { mapParams, type Params } from "../model/tensor.ts";
import type { StudentFrame } from "../wire/frame.ts";
import { encodeStudent, type StudentRule } from "../wire/student.ts";
import { isKernel } from "./prune.ts";

/** The largest magnitude of each kernel's grid: what is beyond is clipped, which makes the steps finer. */
export type Clips = ReadonlyMap<string, number>;

/**
 * Params as a frame: every kernel in a payload of its own (a scale each, the zeros left out), all biases in one,
 * float16. A frame's params, encoded again, are the same.
 */
export function encodeOnGrid(architecture: string, params: Params, clips: Clips, bits: number): StudentFrame {
  const clipped = mapParams(params, ({ data }, name) => {
    const clip = clips.get(name) ?? Number.POSITIVE_INFINITY;
    return data.map((value) => Math.max(-clip, Math.min(clip, value)));
  });
  const kernels = [...params].filter(([, tensor]) => isKernel(tensor));
  const rules = [
    ...kernels.map(
      ([name]): StudentRule => ({
        tensors: name,
        codec: { select: { topK: 1 }, values: { uniform: bits } },
      }),
    ),
    { tensors: "*", codec: { select: "all", values: "float16" } } satisfies StudentRule,
  ];
  return encodeStudent(architecture, clipped, rules, NO_CHANCE);
}

/** The seed, of which neither codec makes use. */
const NO_CHANCE = 0;

/** For every kernel the clip of least squared error on a grid of `bits`; one bit has a scale without it. */
export function bestClips(params: Params, bits: number): Clips {
  const kernels = [...params].filter(([, tensor]) => isKernel(tensor));
  return new Map(bits === 1 ? [] : kernels.map(([name, { data }]) => [name, bestClip(data, bits)]));
}

const CLIP_STEPS = 50;

function bestClip(data: Float32Array, bits: number): number {
  const highest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  let best = highest;
  let least = Number.POSITIVE_INFINITY;
  for (let step = CLIP_STEPS; step > CLIP_STEPS / 5; step--) {
    const clip = (highest * step) / CLIP_STEPS;
    const error = gridError(data, clip, 2 ** (bits - 1) - 1);
    if (error < least) [best, least] = [clip, error];
  }
  return best;
}

/** Squared error of rounding to `clip * c / levels`, c = -levels..levels. */
function gridError(data: Float32Array, clip: number, levels: number): number {
  let error = 0;
  for (const value of data) {
    const magnitude = Math.abs(value);
    const level = Math.floor((Math.min(magnitude, clip) * levels) / clip + 0.5);
    error += (magnitude - (clip * level) / levels) ** 2;
  }
  return error;
}
