import { derive, type Rng } from "../../src/model/rng.ts";

/**
 * A seeded mutation of bytes that were valid: flips, overwrites, cuts, insertions, repeats, a piece of another input,
 * or nothing like it at all. Input n of a seed is the same for ever.
 */
export function mutation(seeds: readonly Uint8Array[], seed: number, n: number): Uint8Array {
  const rng = derive(seed, "fuzz", n);
  let bytes: number[] = [...seeds[rng.below(seeds.length)]!];
  for (let edits = 1 + rng.below(4); edits > 0; edits--) {
    bytes = EDITS[rng.below(EDITS.length)]!(bytes, rng, seeds[rng.below(seeds.length)]!);
  }
  return Uint8Array.from(bytes);
}

type Edit = (bytes: number[], rng: Rng, other: Uint8Array) => number[];

/** Values at the edges of bytes, varints and floats. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x10, 0x20];

const placeIn = (bytes: readonly number[], rng: Rng): number => rng.below(bytes.length + 1);

const NON_EMPTY: readonly Edit[] = [
  (bytes, rng) => bytes.with(placeIn(bytes, rng) % Math.max(1, bytes.length), rng.below(256)),
  (bytes, rng) => bytes.map((byte, i) => (i === 0 ? byte ^ (1 << rng.below(8)) : byte)),
  (bytes, rng) => {
    const at = placeIn(bytes, rng);
    return bytes.map((byte, i) => (i === at ? byte ^ (1 << rng.below(8)) : byte));
  },
  (bytes, rng) => {
    const at = placeIn(bytes, rng);
    return bytes.map((byte, i) => (i === at ? EDGES[rng.below(EDGES.length)]! : byte));
  },
  (bytes, rng) => bytes.slice(0, placeIn(bytes, rng)),
  (bytes, rng) => bytes.toSpliced(placeIn(bytes, rng), rng.below(4)),
  (bytes, rng) => bytes.toSpliced(placeIn(bytes, rng), 0, EDGES[rng.below(EDGES.length)]!, rng.below(256)),
  (bytes, rng) => bytes.toSpliced(placeIn(bytes, rng), 0, ...Array<number>(rng.below(40)).fill(0)),
  (bytes, rng, other) => [
    ...bytes.slice(0, placeIn(bytes, rng)),
    ...other.slice(rng.below(other.length + 1)),
  ],
  (bytes, rng) =>
    Array.from({ length: rng.below(24) }, (_, i) => (i === 0 ? (bytes[0] ?? 0) : rng.below(256))),
];

const EDITS = NON_EMPTY.map(
  (edit): Edit =>
    (bytes, rng, other) =>
      bytes.length === 0 ? [rng.below(256)] : edit(bytes, rng, other),
);
