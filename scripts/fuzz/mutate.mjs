import { random } from "./random.mjs";

/**
 * The input of a seed: which entry of the corpus it began as, its bytes, the vector length to decode them for, and
 * whether to encode again what comes out. One in sixteen is noise after a first byte that was valid; of the others
 * one in eight is asked for with a length that is not its own. A corpus is sorted by size: most inputs are small.
 */
export function inputOf({ corpus, finish }, seed) {
  const rng = random(seed);
  const entry = anyOf(corpus, rng);
  const isNoise = rng.below(16) === 0;
  const bytes = isNoise ? noise(entry.bytes, rng) : mutated(entry.bytes, corpus, rng);
  const length = rng.below(8) === 0 ? anyLength(rng) : entry.length;
  return { entry, bytes: finish(bytes, rng), length, deep: rng.below(16) === 0 };
}

/** 1 to 4096, most of them small. */
const LENGTHS = [16, 64, 64, 64, 300, 300, 1000, 4096];

const anyLength = (rng) => 1 + rng.below(LENGTHS[rng.below(LENGTHS.length)]);

const anyOf = (corpus, rng) => corpus[Math.floor(corpus.length * rng.uniform() ** 3)];

function noise(valid, rng) {
  const bytes = new Uint8Array(1 + rng.below(rng.below(8) === 0 ? 600 : 24));
  for (let i = 0; i < bytes.length; i++) bytes[i] = rng.uint32();
  if (rng.below(4) > 0) bytes[0] = valid[0];
  return bytes;
}

/** One edit to three; one input in thirty-two is left as it was, so that the valid ones are seen to decode. */
function mutated(valid, corpus, rng) {
  let size = valid.length;
  scratch.set(valid);
  for (let edits = rng.below(32) === 0 ? 0 : 1 + rng.below(3); edits > 0; edits--)
    size = EDITS[rng.below(EDITS.length)](size, rng, corpus);
  return scratch.slice(0, size);
}

/** Payloads of the corpus are far smaller; edits stop at its end. */
const scratch = new Uint8Array(1 << 16);

/** The head is where counts, parameters and scales are. */
const placeIn = (size, rng) => rng.below(rng.below(2) === 0 ? Math.min(size, 12) : size);

/** Every edit changes `scratch`, of which `size` bytes are in use, and gives the new size. */
const EDITS = [
  (size, rng) => write(size, placeIn(size, rng), (byte) => byte ^ (1 << rng.below(8))),
  (size, rng) => write(size, placeIn(size, rng), (byte) => byte ^ (1 << rng.below(8))),
  (size, rng) => write(size, placeIn(size, rng), () => rng.below(256)),
  (size, rng) => write(size, placeIn(size, rng), () => EDGES[rng.below(EDGES.length)]),
  (size, rng) => write(size, placeIn(size, rng), (byte) => byte + (rng.below(2) === 0 ? 1 : -1)),
  (size, rng) => rng.below(size + 1),
  (size, rng) => swap(size, placeIn(size, rng)),
  (size, rng) => remove(size, placeIn(size, rng), 1 + rng.below(4)),
  (size, rng) => insert(size, placeIn(size, rng), Uint8Array.from({ length: 1 + rng.below(5) }, rng.uint32)),
  (size, rng) => insert(size, placeIn(size, rng), new Uint8Array(1 + rng.below(40))),
  (size, rng) => insert(size, size, new Uint8Array(1 + rng.below(8))),
  (size, rng) => overwrite(size, placeIn(size, rng), FLOATS[rng.below(FLOATS.length)]),
  (size, rng) => overwrite(size, Math.min(1 + rng.below(4), size), VARINTS[rng.below(VARINTS.length)]),
  (size, rng, corpus) => {
    const { bytes } = anyOf(corpus, rng);
    const tail = bytes.subarray(rng.below(bytes.length));
    return overwrite(placeIn(size, rng), placeIn(size, rng), tail);
  },
  (size, rng) => {
    const from = placeIn(size, rng);
    return insert(size, placeIn(size, rng), scratch.slice(from, Math.min(size, from + 1 + rng.below(16))));
  },
];

function write(size, at, change) {
  if (size > 0) scratch[at] = change(scratch[at]);
  return size;
}

/** A byte with the next one: what was in order no longer is. */
function swap(size, at) {
  if (at + 1 < size) [scratch[at], scratch[at + 1]] = [scratch[at + 1], scratch[at]];
  return size;
}

function overwrite(size, at, bytes) {
  scratch.set(bytes, at);
  return Math.max(size, at + bytes.length);
}

function insert(size, at, bytes) {
  scratch.copyWithin(at + bytes.length, at, size);
  scratch.set(bytes, at);
  return size + bytes.length;
}

function remove(size, at, count) {
  const taken = Math.min(count, size - at);
  scratch.copyWithin(at, at + taken, size);
  return size - taken;
}

/** Values at the edges of bytes, varints and bit fields. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x10, 0x20, 0xfe];

const float32 = (value) => new Uint8Array(Float32Array.of(value).buffer);
/** Not a number, infinite, minus zero, the largest, the smallest. */
const FLOATS = [Number.NaN, Infinity, -Infinity, -0, 0, 3.4028234e38, 1e-45, -1].map(float32);

/** Counts at the edges of their ranges, some not in the shortest form. */
const VARINTS = [
  [0],
  [0x80, 0x00],
  [0xff, 0x7f],
  [0x80, 0x20],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0x80, 0x80, 0x80, 0x08],
].map((bytes) => Uint8Array.from(bytes));
