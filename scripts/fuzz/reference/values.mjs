import { bitLength, float32Of, isMinus, require } from "./bytes.mjs";
import { wordsOf } from "./draws.mjs";
import { ransCodes } from "./entropy.mjs";

/**
 * The value coders by id. Of a head: the `least` bits of a value, and how to `read` so many. `zero` is whether values may be
 * zero, `agreed` the plan's number or undefined.
 */
export const VALUES = {
  0: () => ({ least: 32, read: each((bits) => float32Of(bits.take(32))) }),
  1: () => ({ least: 16, read: each(float16) }),
  2: (fields) => signs(scaleOf(fields.float32())),
  3: uniform,
  4: () => ({ least: 16, read: each((bits) => float32Of(bits.take(16) * 65536)) }),
  5: qsgd,
  6: codebook,
  7: levels,
  8: eden,
};
export const TERNARY = 2;
export const EDEN = 8;

function each(one) {
  return (bits, count) => {
    const values = [];
    for (let i = 0; i < count; i++) values.push(one(bits));
    return values;
  };
}

function scaleOf(value) {
  require(!isMinus(value), "bad-field");
  return value;
}

/** To float32, a zero made positive. */
const rounded = (value) => {
  const near = Math.fround(value);
  require(Number.isFinite(near), "not-finite");
  return near === 0 ? 0 : near;
};

function float16(bits) {
  const fraction = bits.take(10);
  const exponent = bits.take(5);
  const minus = bits.take(1);
  require(exponent < 31, "not-finite");
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return minus === 1 ? -magnitude : magnitude;
}

function signs(scale) {
  const one = (bits) => {
    const minus = bits.take(1) === 1;
    require(!minus || scale > 0, "bad-field");
    return minus ? -scale : scale;
  };
  return { least: 1, read: each(one) };
}

function uniform(fields, _, agreed) {
  const head = fields.uint8();
  require((head >= 1 && head <= 8) || (head >= 130 && head <= 136), "bad-field");
  const b = head % 128;
  require(agreed === undefined || agreed === b, "bad-codec");
  const scale = scaleOf(fields.float32());
  if (b === 1) return signs(scale);
  const top = 2 ** (b - 1) - 1;
  const numberOf = (code) => {
    require(code <= 2 * top && (scale > 0 || code === top), "bad-field");
    return rounded((scale * (code - top)) / top);
  };
  if (head > 128) return { least: 0, read: (bits, count) => ransCodes(bits, b, count).map(numberOf) };
  return { least: b, read: each((bits) => numberOf(bits.take(b))) };
}

function qsgd(fields, zero, agreed) {
  const s = fields.ranged(1, 32767);
  require(agreed === undefined || agreed === s, "bad-codec");
  const norm = scaleOf(fields.float32());
  const code = fields.uint8();
  require(code <= 1, "bad-field");
  const lowest = zero ? 0 : 1;
  const width = bitLength(2 * s - lowest);
  const numberOf = (l, minus) => {
    require(l <= s && (norm > 0 || l === 0), "bad-field");
    return rounded((norm * (minus ? -l : l)) / s);
  };
  const fixed = (bits) => {
    const u = bits.take(width) + lowest;
    return numberOf(Math.ceil(u / 2), u % 2 === 0);
  };
  const gamma = (bits) => {
    const l = bits.gamma(bitLength(s + 1) - 1) - 1 + lowest;
    return numberOf(l, l > 0 && bits.take(1) === 1);
  };
  return code === 0 ? { least: width, read: each(fixed) } : { least: 1 + lowest, read: each(gamma) };
}

function tableOf(fields, most, agreed) {
  const size = fields.ranged(1, most);
  require(agreed === undefined || size <= agreed, "bad-codec");
  const table = [];
  for (let i = 0; i < size; i++) {
    table.push(fields.float32());
    require(!Object.is(table[i], -0) && (i === 0 || table[i] > table[i - 1]), "bad-field");
  }
  return table;
}

function codebook(fields, _, agreed) {
  const table = tableOf(fields, 256, agreed);
  const width = Math.max(1, bitLength(table.length - 1));
  const code = fields.uint8();
  require(code <= 1, "bad-field");
  const numberOf = (place) => {
    require(place < table.length, "bad-field");
    return table[place];
  };
  if (code === 1) return { least: 0, read: (bits, count) => ransCodes(bits, width, count).map(numberOf) };
  return { least: width, read: each((bits) => numberOf(bits.take(width))) };
}

function levels(fields, _, agreed) {
  const table = tableOf(fields, 3, agreed);
  scaleOf(table[0]);
  const one = (bits) => {
    const minus = bits.take(1) === 1;
    let place = 0;
    while (place < table.length - 1 && bits.take(1) === 1) place++;
    require(!minus || table[place] > 0, "bad-field");
    return minus ? -table[place] : table[place];
  };
  return { least: Math.min(table.length, 2), read: each(one) };
}

const MAGNITUDES = [
  [3268],
  [1855, 6187],
  [1004, 3097, 5505, 8814],
  [526, 1589, 2690, 3860, 5145, 6627, 8475, 11193],
];

function eden(fields, _, agreed) {
  const b = fields.uint8();
  require(b >= 1 && b <= 4, "bad-field");
  require(agreed === undefined || agreed === b, "bad-codec");
  const next = wordsOf(fields.uint32());
  const read = (bits, count) => {
    const values = [];
    while (values.length < count) {
      const left = count - values.length;
      const d = left < 64 ? 64 : Math.min(65536, 2 ** (bitLength(left) - 1));
      const scale = scaleOf(float32Of(bits.take(32)));
      bits.need(b * d);
      const z = new Float64Array(d);
      let codes = 0;
      for (let i = 0; i < d; i++) {
        const code = bits.take(b);
        codes |= code;
        z[i] = (code % 2 === 1 ? -1 : 1) * MAGNITUDES[b - 1][code >> 1];
      }
      require(scale > 0 || codes === 0, "bad-field");
      const first = Array.from({ length: d / 32 }, next);
      const second = Array.from({ length: d / 32 }, next);
      transform(z);
      turn(z, second);
      transform(z);
      turn(z, first);
      for (let i = 0; i < Math.min(left, d); i++) values.push(rounded((scale * z[i]) / d));
    }
    return values;
  };
  return { least: b, read };
}

/** Walsh-Hadamard. */
function transform(z) {
  for (let h = 1; h < z.length; h *= 2)
    for (let i = 0; i < z.length; i++)
      if ((i & h) === 0) {
        const [a, b] = [z[i], z[i + h]];
        z[i] = a + b;
        z[i + h] = a - b;
      }
}

function turn(z, words) {
  for (let i = 0; i < z.length; i++) if ((words[i >> 5] >>> (i & 31)) & 1) z[i] = -z[i];
}
