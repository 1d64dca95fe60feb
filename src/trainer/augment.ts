import type { Augment } from "../model/protocol.ts";
import { derive, type Rng } from "../model/rng.ts";

/** Varies one example in place: `values` of `shape`, such as [rows, columns, channels]. */
export type Variation = (values: Float32Array, example: number, epoch: number) => void;

/**
 * Shifts, flips and noise, drawn for each example and epoch from the seed, whatever batch it is in. Shift and flip want
 * a shape of [rows, columns, channels]. Null when nothing is asked for.
 */
export function variationFor(
  settings: Augment | undefined,
  shape: readonly number[],
  seed: number,
): Variation | null {
  const { shift = 0, flip = false, noise = 0 } = settings ?? {};
  if (shift === 0 && !flip && noise === 0) return null;
  return (values, example, epoch) => {
    const rng = derive(seed, "augment", epoch, example);
    const image = shape as ImageShape;
    if (shift > 0) move(values, image, rng.below(2 * shift + 1) - shift, rng.below(2 * shift + 1) - shift);
    if (flip && rng.below(2) === 1) mirror(values, image);
    if (noise > 0) for (let i = 0; i < values.length; i++) values[i]! += noise * nearlyNormal(rng);
  };
}

type ImageShape = readonly [rows: number, columns: number, channels: number];

/** Content moves down and right; zeros come in. */
function move(
  values: Float32Array,
  [rows, columns, channels]: ImageShape,
  down: number,
  right: number,
): void {
  const before = values.slice();
  values.fill(0);
  const width = columns - Math.abs(right);
  if (width <= 0) return;
  for (let row = Math.max(0, down); row < Math.min(rows, rows + down); row++) {
    const from = ((row - down) * columns + Math.max(0, -right)) * channels;
    values.set(
      before.subarray(from, from + width * channels),
      (row * columns + Math.max(0, right)) * channels,
    );
  }
}

function mirror(values: Float32Array, [rows, columns, channels]: ImageShape): void {
  const before = values.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const from = (row * columns + columns - 1 - column) * channels;
      values.set(before.subarray(from, from + channels), (row * columns + column) * channels);
    }
}

/**
 * Mean 0, variance 1: the sum of twelve random bytes, which ends at 6 deviations. Logarithms of the usual methods may
 * differ in the last bit between engines.
 */
function nearlyNormal(rng: Rng): number {
  let sum = 0;
  for (let i = 0; i < 3; i++) {
    const word = rng.uint32();
    sum += (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
  }
  return (sum - 12 * 127.5) / Math.sqrt(256 * 256 - 1);
}
