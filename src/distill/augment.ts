import type { Dataset } from "../model/dataset.ts";
import { derive, permutation, type Rng } from "../model/rng.ts";

/**
 * A transfer set is small, and a student is only taught where the teacher is asked: so the teacher is asked about
 * variations too. Copy 0 are the examples themselves; in the others every image (shape [rows, columns, channels]) is
 * moved, turned, sheared and scaled a little, and every other input is mixed with another (Zhang et al., 2018): numbers
 * by their mean, tokens by taking some from the other. Only sums and products of seeded numbers, so the same bits everywhere. Labels stay those of the (main) original.
 */
export function augment(dataset: Dataset, copies: number, seed: number, isTokens = false): Dataset {
  const { inputShape, numClasses, labels } = dataset;
  const count = labels.length;
  const size = dataset.inputs.length / Math.max(1, count);
  const inputs = new Float32Array(new SharedArrayBuffer(4 * size * count * copies));
  const allLabels = new Int32Array(new SharedArrayBuffer(4 * count * copies));
  for (let copy = 0; copy < copies; copy++) allLabels.set(labels, copy * count);
  inputs.set(dataset.inputs);
  for (let copy = 1; copy < copies; copy++) {
    const rng = derive(seed, "augment", copy);
    const partners = permutation(count, rng);
    for (let i = 0; i < count; i++) {
      const from = exampleOf(dataset.inputs, i, size);
      const to = exampleOf(inputs, copy * count + i, size);
      const partner = exampleOf(dataset.inputs, partners[i]!, size);
      if (isTokens) exchange(from, partner, to, rng.uniform() / 2, rng);
      else if (isImage(inputShape)) warp(from, to, inputShape, nearIdentity(rng));
      else mix(from, partner, to, rng.uniform() / 2);
    }
  }
  return { inputShape, numClasses, inputs, labels: allLabels };
}

const exampleOf = (inputs: Float32Array, i: number, size: number): Float32Array =>
  inputs.subarray(i * size, (i + 1) * size);

type ImageShape = readonly [rows: number, columns: number, channels: number];

const isImage = (shape: readonly number[]): shape is ImageShape =>
  shape.length === 3 && shape[0]! >= 8 && shape[1]! >= 8;

/** Where an output pixel is read from: x' = xx*x + xy*y + dx, y' = yx*x + yy*y + dy, from the centre; d in sides. */
interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly dx: number;
  readonly dy: number;
}

function nearIdentity(rng: Rng): Affine {
  const around = (spread: number): number => (2 * rng.uniform() - 1) * spread;
  const turn = around(MAX_TURN);
  const shear = around(MAX_SHEAR);
  return {
    xx: 1 + around(MAX_SCALE),
    xy: shear + turn,
    yx: shear - turn,
    yy: 1 + around(MAX_SCALE),
    dx: around(MAX_SHIFT),
    dy: around(MAX_SHIFT),
  };
}

const MAX_TURN = 0.2; // about 11 degrees
const MAX_SHEAR = 0.1;
const MAX_SCALE = 0.12;
const MAX_SHIFT = 0.06; // of a side: 1.7 pixels of 28

/** Bilinear; beyond the border stands the border. */
function warp(
  from: Float32Array,
  to: Float32Array,
  [rows, columns, channels]: ImageShape,
  map: Affine,
): void {
  const centreX = (columns - 1) / 2;
  const centreY = (rows - 1) / 2;
  let at = 0;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const x = column - centreX;
      const y = row - centreY;
      const fromX = within(centreX + map.xx * x + map.xy * y + map.dx * columns, columns - 1);
      const fromY = within(centreY + map.yx * x + map.yy * y + map.dy * rows, rows - 1);
      const left = Math.min(Math.floor(fromX), columns - 2);
      const top = Math.min(Math.floor(fromY), rows - 2);
      const right = fromX - left;
      const down = fromY - top;
      let corner = (top * columns + left) * channels;
      for (let channel = 0; channel < channels; channel++, corner++) {
        const above = from[corner]! * (1 - right) + from[corner + channels]! * right;
        const below = corner + columns * channels;
        to[at++] = above * (1 - down) + (from[below]! * (1 - right) + from[below + channels]! * right) * down;
      }
    }
}

const within = (x: number, highest: number): number => Math.max(0, Math.min(highest, x));

function mix(from: Float32Array, other: Float32Array, to: Float32Array, share: number): void {
  for (let i = 0; i < to.length; i++) to[i] = from[i]! * (1 - share) + other[i]! * share;
}

/** Each token from the other with probability `share`. */
function exchange(from: Float32Array, other: Float32Array, to: Float32Array, share: number, rng: Rng): void {
  for (let i = 0; i < to.length; i++) to[i] = rng.uniform() < share ? other[i]! : from[i]!;
}
