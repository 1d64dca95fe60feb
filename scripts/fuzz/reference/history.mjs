import { bitsOf, fieldsOf, Refusal, require } from "./bytes.mjs";
import { ransCodes } from "./entropy.mjs";

/** What docs/wire-format.md says the state of a history is, for `length` coordinates: its planes and digest, or { code }. */
export function referenceState(bytes, length) {
  try {
    return stateOf(fieldsOf(bytes), length);
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code };
    throw error;
  }
}

const NUM_COUNTERS = 2 * 8 * 1024;

function stateOf(fields, length) {
  const version = fields.ranged(0, 2 ** 32);
  const weights = Array.from({ length: 8 }, () => fields.uint32());
  require(weights.every((weight) => Math.abs(weight | 0) < 2 ** 27), "bad-field");
  const counters = [];
  for (;;) {
    const empty = fields.ranged(0, NUM_COUNTERS - counters.length / 2);
    for (let i = 0; i < empty; i++) counters.push(0, 0);
    if (counters.length === 2 * NUM_COUNTERS) break;
    const [low, high] = [fields.ranged(0, 2 ** 32), fields.ranged(0, 255)];
    require(low + high > 0, "bad-field");
    counters.push(low, high);
  }
  const planes = Array.from({ length: 7 }, () => planeOf(fields, length));
  fields.finish();
  const sums = [0, 2, 4].map((i) => planes[i].map((low, at) => low + 256 * planes[i + 1][at]));
  require(sums.every((sum, i) => sum.every((value) => value <= (i < 2 ? 2 ** 14 : 2 ** 15))), "bad-field");
  const drift = sums[2].map((z) => (z % 2 === 0 ? z / 2 : -(z + 1) / 2));
  const age = planes[6];
  const words = (numbers, width) => {
    const found = [];
    numbers.forEach((value, i) => {
      const at = Math.floor((i * width) / 32);
      found[at] = ((found[at] ?? 0) | ((value & (2 ** width - 1)) << ((i * width) % 32))) >>> 0;
    });
    return found;
  };
  const parts = [
    [version, ...weights],
    counters,
    ...[sums[0], sums[1], drift].map((p) => words(p, 16)),
    words(age, 8),
  ];
  return { planes: [sums[0], sums[1], drift, age], digest: xxh32(parts.map(xxh32)) };
}

function planeOf(fields, length) {
  const code = fields.uint8();
  require(code <= 1, "bad-field");
  const coded = fields.take(fields.ranged(0, 2 ** 32));
  require(code === 1 || coded.length >= length, "truncated");
  const bits = bitsOf(coded);
  const values = code === 1 ? ransCodes(bits, 8, length) : Array.from({ length }, () => bits.take(8));
  bits.finish();
  return values;
}

/** XXH32 with seed 0 of words, by BigInt. */
function xxh32(words) {
  const [a, b, c, d, e] = [2654435761n, 2246822519n, 3266489917n, 668265263n, 374761393n];
  const cut = (x) => BigInt.asUintN(32, x);
  const turn = (x, by) => cut((x << by) | (x >> (32n - by)));
  const lanes = [cut(a + b), b, 0n, cut(-a)];
  const whole = words.length - (words.length % 4);
  for (let i = 0; i < whole; i++) lanes[i % 4] = cut(turn(cut(lanes[i % 4] + BigInt(words[i]) * b), 13n) * a);
  let hash = whole === 0 ? e : cut([1n, 7n, 12n, 18n].reduce((sum, by, i) => sum + turn(lanes[i], by), 0n));
  hash = cut(hash + 4n * BigInt(words.length));
  for (const word of words.slice(whole)) hash = cut(turn(cut(hash + BigInt(word) * c), 17n) * d);
  hash = cut((hash ^ (hash >> 15n)) * b);
  hash = cut((hash ^ (hash >> 13n)) * c);
  return Number(hash ^ (hash >> 16n));
}
