import type { Params } from "../model/tensor.ts";
import type { Arithmetic, Vector } from "./arithmetic.ts";
import type { Session, Weight } from "./session.ts";
import type { TrainTask } from "./trainer.ts";

/** Makes of the loss's gradients those that the optimizer takes. */
export type Shaping = (gradients: readonly Vector[]) => readonly Vector[];

/**
 * In this order: FedProx's pull towards the params at the start, mu * (params - start) (Li et al., 2020); a constant
 * correction, such as SCAFFOLD's c - c_i (Karimireddy et al., 2020); clipping of the norm over all tensors (Pascanu et
 * al., 2013). Gradients may share memory with each other, so they are shaped in copies.
 */
export function shapingFor(
  { proximal = 0, correction, clipNorm, params }: TrainTask,
  { weights }: Pick<Session, "weights">,
  arithmetic: Arithmetic,
): Shaping {
  if (proximal === 0 && correction === undefined && clipNorm === undefined) return (gradients) => gradients;
  const shaped = weights.map(({ count }) => arithmetic.zeros(count));
  const dataOf = (of: Params | undefined, name: string): Float32Array | undefined => of?.get(name)?.data;
  return (gradients) => {
    weights.forEach(({ name, vector }, i) => {
      const out = shaped[i]!.view();
      out.set(gradients[i]!.view());
      if (proximal > 0) pull(out, vector.view(), dataOf(params, name)!, proximal);
      const constant = dataOf(correction, name);
      if (constant !== undefined) for (let j = 0; j < out.length; j++) out[j]! += constant[j]!;
    });
    if (clipNorm !== undefined) clip(shaped, clipNorm);
    return shaped;
  };
}

function pull(gradient: Float32Array, values: Float32Array, start: Float32Array, mu: number): void {
  for (let j = 0; j < gradient.length; j++) gradient[j]! += mu * (values[j]! - start[j]!);
}

function clip(gradients: readonly Vector[], clipNorm: number): void {
  let squares = 0;
  for (const gradient of gradients) for (const value of gradient.view()) squares += value * value;
  const norm = Math.sqrt(squares);
  if (!(norm > clipNorm)) return;
  const scale = clipNorm / norm;
  for (const gradient of gradients) {
    const view = gradient.view();
    for (let j = 0; j < view.length; j++) view[j]! *= scale;
  }
}

/** Brings the params back towards where they started, so that they have moved by `most` (a norm) and no further. */
export function clipUpdate(weights: readonly Weight[], start: Params, most: number): void {
  const startOf = (name: string): Float32Array => start.get(name)!.data;
  let squares = 0;
  for (const { name, vector } of weights) {
    const from = startOf(name);
    vector.view().forEach((value, j) => {
      squares += (value - from[j]!) ** 2;
    });
  }
  const scale = most / Math.sqrt(squares);
  if (!(scale < 1)) return;
  for (const { name, vector } of weights) {
    const [view, from] = [vector.view(), startOf(name)];
    for (let j = 0; j < view.length; j++) view[j] = from[j]! + scale * (view[j]! - from[j]!);
  }
}

/** Takes `share` of each value off it. */
export function decay(vectors: readonly Vector[], share: number): void {
  const keep = 1 - share;
  for (const vector of vectors) {
    const view = vector.view();
    for (let j = 0; j < view.length; j++) view[j]! *= keep;
  }
}

/** Zeroes what the masks leave out. */
export function maskingFor({ masks }: TrainTask, { weights }: Pick<Session, "weights">): () => void {
  if (masks === undefined) return () => {};
  return () => {
    for (const { name, vector } of weights) {
      const mask = masks.get(name);
      if (mask === undefined) continue;
      const view = vector.view();
      for (let j = 0; j < view.length; j++) if (mask[j] === 0) view[j] = 0;
    }
  };
}
