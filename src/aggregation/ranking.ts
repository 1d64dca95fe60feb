import { codecKernels } from "../kernels/codec.ts";

/**
 * Exactly `count` places, rising, of the largest scores (0 or more); of equal scores those with the larger `second`, and
 * then those that come first. O(n), by selection and not by sorting.
 */
export function best(scores: Float32Array, second: Float32Array, count: number): Uint32Array {
  if (count >= scores.length) return Uint32Array.from(scores.keys());
  if (count <= 0) return new Uint32Array(0);
  const first = largest(scores, count);
  let least = first.length < count ? 0 : Infinity;
  for (const at of first) least = Math.min(least, scores[at]!);
  const above = first.filter((at) => scores[at]! > least);
  const tied = placesOf(scores, (score) => score === least);
  const ofTied = largest(
    Float32Array.from(tied, (at) => second[at]!),
    count - above.length,
  );
  const chosen = new Uint8Array(scores.length);
  for (const at of above) chosen[at] = 1;
  for (const i of ofTied) chosen[tied[i]!] = 1;
  let missing = count - above.length - ofTied.length;
  for (const at of tied) {
    if (missing === 0) break;
    if (chosen[at] === 1) continue;
    chosen[at] = 1;
    missing--;
  }
  return placesOf(chosen, (is) => is === 1);
}

/** Up to `count` places of the largest magnitudes that are not zero, rising; of equals those that come first. */
export const largest = (values: Float32Array, count: number): Uint32Array =>
  count <= 0 ? new Uint32Array(0) : codecKernels(values.length).largest(values, count);

function placesOf<T extends Float32Array | Uint8Array>(
  values: T,
  is: (value: number) => boolean,
): Uint32Array {
  const places = new Uint32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (is(values[i]!)) places[count++] = i;
  return places.slice(0, count);
}
