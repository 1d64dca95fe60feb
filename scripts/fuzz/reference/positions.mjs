import { bitLength, require } from "./bytes.mjs";
import { chosen } from "./draws.mjs";
import { rangeDecoder } from "./entropy.mjs";

/**
 * The position coders by id. Of a head: `least` bits of the positions, `count` of values (0 where that shows later), how to
 * `read` the positions, whether values may be `zero`, and whether it is `everything`.
 */
export const POSITIONS = {
  0: all,
  1: golombRice,
  2: bitmap,
  3: seed,
  4: runs,
  5: eliasFano,
  6: blocks,
  7: range,
  9: units,
  10: (fields, length, prior) => history(fields, length, prior, null),
  11: (fields, length, prior) => history(fields, length, prior, signs),
};
/** Has the values' signs among its bits. */
export const SIGNS = 11;
/** Has factors for values, so that it is read by itself. */
export const LOW_RANK = 8;

const countOf = (fields, least, length) => {
  const count = fields.ranged(least, 2 ** 32);
  require(count <= length, "bad-positions");
  return count;
};

function parameterOf(fields) {
  const parameter = fields.uint8();
  require(parameter <= 24, "bad-field");
  return parameter;
}

/** Where a number by Rice's code leads from `start`. */
function rice(bits, parameter, start, length) {
  const most = Math.floor(Math.max(length - 1 - start, 0) / 2 ** parameter);
  const to = start + bits.zeros(most, "bad-positions") * 2 ** parameter + bits.take(parameter);
  require(to < length, "bad-positions");
  return to;
}

export function all(_, length) {
  return {
    least: 0,
    count: length,
    read: () => ({ length }),
    zero: true,
    everything: true,
  };
}

function golombRice(fields, length) {
  const count = countOf(fields, 0, length);
  if (count === 0) return { isEmpty: true };
  const parameter = parameterOf(fields);
  const read = (bits) => {
    const positions = [];
    for (let i = 0, start = 0; i < count; i++) {
      positions.push(rice(bits, parameter, start, length));
      start = positions[i] + 1;
    }
    return positions;
  };
  return { least: count * (1 + parameter), count, read };
}

function bitmap(_, length) {
  const read = (bits) => {
    const positions = [];
    for (let i = 0; i < length; i++) if (bits.take(1) === 1) positions.push(i);
    require(positions.length > 0, "bad-positions");
    return positions;
  };
  return { least: length, count: 0, read };
}

function seed(fields, length) {
  const from = fields.uint32();
  const count = countOf(fields, 1, length);
  return { least: 0, count, read: () => chosen(from, count, length), zero: true };
}

function runs(fields, length) {
  const count = countOf(fields, 1, length);
  const [gap, run] = [parameterOf(fields), parameterOf(fields)];
  const read = (bits) => {
    const positions = [];
    for (let i = 0, start = 0; i < count; i++) {
      const first = rice(bits, gap, start, length);
      const last = rice(bits, run, first, length);
      for (let p = first; p <= last; p++) positions.push(p);
      start = last + 2; // one at least lies between two runs
    }
    return positions;
  };
  return { least: count * (2 + gap + run), count: 0, read };
}

function eliasFano(fields, length) {
  const count = countOf(fields, 1, length);
  const width = Math.min(bitLength(Math.floor(length / count)) - 1, 24);
  const read = (bits) => {
    const lows = Array.from({ length: count }, () => bits.take(width));
    let high = 0;
    let before = -1;
    return lows.map((low) => {
      high += bits.zeros(Math.floor((length - 1) / 2 ** width) - high, "bad-positions");
      const position = high * 2 ** width + low;
      require(position > before && position < length, "bad-positions");
      before = position;
      return position;
    });
  };
  return { least: count * (1 + width), count, read };
}

/** C(n, k), one factor after the other: whole at every step. */
function binomial(n, k) {
  let c = 1;
  for (let i = 1; i <= k; i++) c = (c * (n - k + i)) / i;
  return n < k ? 0 : c;
}
const C = Array.from({ length: 25 }, (_, n) => Array.from({ length: 25 }, (_, k) => binomial(n, k)));

function blocks(fields, length) {
  const keep = fields.uint8();
  require(keep >= 1 && keep <= 23, "bad-field");
  const of = fields.uint8();
  require(of > keep && of <= 24, "bad-field");
  const [whole, rest] = [Math.floor(length / of), length % of];
  const widthOf = (m) => bitLength(C[m][Math.min(keep, m)] - 1);
  const read = (bits) => {
    const positions = [];
    for (let start = 0; start < length; start += of) {
      const m = Math.min(of, length - start);
      const n = Math.min(keep, m);
      let number = bits.take(widthOf(m));
      require(number < C[m][n], "bad-positions");
      for (let p = m - 1, i = n; i > 0; p--)
        if (C[p][i] <= number) {
          number -= C[p][i--];
          positions.push(start + p);
        }
      reverseLast(positions, n);
    }
    return positions;
  };
  const least = whole * widthOf(of) + (rest > 0 ? widthOf(rest) : 0);
  return { least, count: whole * keep + Math.min(keep, rest), read, zero: true };
}

function units(fields, length) {
  const axis = fields.uint8();
  require(axis <= 1, "bad-field");
  const code = fields.uint8();
  require(code <= 1, "bad-field");
  const matrices = [];
  for (let left = length; left > 0; ) {
    const [rows, cols] = [fields.ranged(1, length), fields.ranged(1, length)];
    require(matrices.length < 4096, "too-large");
    require(rows * cols <= left, "bad-shape");
    matrices.push({ rows, cols });
    left -= rows * cols;
  }
  const count = matrices.reduce((sum, { rows, cols }) => sum + (axis === 0 ? rows : cols), 0);
  const list = (code === 0 ? golombRice : bitmap)(fields, count);
  require(!list.isEmpty, "bad-field");
  const read = (bits) => {
    const sent = new Set(list.read(bits));
    const positions = [];
    let start = 0;
    let first = 0;
    for (const { rows, cols } of matrices) {
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < cols; j++)
          if (sent.has(first + (axis === 0 ? i : j))) positions.push(start + i * cols + j);
      start += rows * cols;
      first += axis === 0 ? rows : cols;
    }
    return positions;
  };
  return { least: list.least, count: 0, read, zero: true };
}

/** `prior` has the digest, and of all coordinates the classes and the signs to expect, or is null; `minus` reads signs, or is null. */
function history(fields, length, prior, minus) {
  const count = countOf(fields, 1, length);
  const digest = fields.uint32();
  const size = fields.ranged(0, (minus === null ? 60 : 62) * count + 260);
  const read = (bits) => {
    require(prior?.digest === digest, "prior-mismatch");
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = bits.take(8);
    const decoder = rangeDecoder(bytes, 4);
    const rows = Array.from({ length: 32 }, () => []);
    for (const [i, c] of prior.classes.entries()) rows[c].push(i);
    const positions = [];
    for (let c = 0; positions.length < count; c++) {
      const k = countIn(decoder, rows, c, count - positions.length);
      for (let i = 0, at = 0; i < k; i++) {
        at += gap(decoder, k - i, rows[c].length - at);
        positions.push(rows[c][at++]);
      }
    }
    positions.sort((a, b) => a - b);
    if (minus !== null) positions.minus = minus(decoder, positions, prior.signs);
    decoder.finish();
    require(decoder.isRound(), "bad-field");
    return positions;
  };
  return { least: 8 * size, count, read };
}

function signs(decoder, positions, expected) {
  [16, 16, 13, 5].forEach((share, c) => {
    decoder.begin(c, share / 32, 8);
  });
  return positions.map((at) => {
    const [c, against] = [Math.ceil(expected[at] / 2), decoder.bin(Math.ceil(expected[at] / 2))];
    const isMinus = c > 0 && expected[at] === 2 * c;
    return isMinus !== (against === 1);
  });
}

function countIn(decoder, rows, c, left) {
  const weight = (d) => rows[d].length * ((d % 2 === 0 ? 65536 : 46341) >> (d >> 1));
  let [others, sum] = [0, 0];
  for (let d = c + 1; d < 32; d++) {
    others += rows[d].length;
    sum += weight(d);
  }
  const own = weight(c);
  const low = Math.max(0, left - others);
  const high = Math.min(rows[c].length, left);
  if (low === high) return low;
  const wanted = own === 0 ? 0 : Math.floor((left * own) / (own + sum) + 0.5);
  const expected = Math.min(Math.max(wanted, low), high);
  const k = Math.floor(bitLength(expected) / 2);
  let j = 0;
  while (2 ** (k + j + 1) - 2 ** k <= high - low && decoder.even() === 0) j++;
  let u = 1;
  for (let d = 0; d < k + j; d++) u = 2 * u + decoder.even();
  u -= 2 ** k;
  require(u <= high - low, "bad-positions");
  const counts = [expected];
  for (let d = 1; counts.length <= u; d++) {
    if (expected + d <= high) counts.push(expected + d);
    if (expected - d >= low) counts.push(expected - d);
  }
  return counts[u];
}

function gap(decoder, left, size) {
  const q = [];
  for (
    let x = 2 ** 26 - Math.floor((left * 2 ** 26) / size);
    q.length < 32;
    x = Math.floor((x * x) / 2 ** 26)
  )
    q.push(left === 1 ? 2 ** 14 : Math.min(Math.max(Math.floor((x * 32768) / (2 ** 26 + x)), 1), 32767));
  let value = 0;
  for (let d = bitLength(size - left) - 1; d >= 0; d--)
    if (value + 2 ** d <= size - left && decoder.at(q[d]) === 1) value += 2 ** d;
  return value;
}

function reverseLast(list, count) {
  for (let a = list.length - count, b = list.length - 1; a < b; a++, b--)
    [list[a], list[b]] = [list[b], list[a]];
}

function range(fields, length) {
  const count = countOf(fields, 1, length);
  const size = fields.ranged(0, 120 * count + 4);
  const read = (bits) => {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = bits.take(8);
    const decoder = rangeDecoder(bytes, 3 * 40 + 33 * 8);
    const positions = [];
    let s = 1;
    for (let k = 0, start = 0; k < count; k++) {
      let n = 0;
      while (decoder.bin(40 * s + n) === 0) require(2 ** ++n - 1 < length - start, "bad-positions");
      let v = 1;
      for (let i = 0; i < n; i++) v = 2 * v + (i < 3 ? decoder.bin(120 + 8 * n + v) : decoder.even());
      require(start + v - 1 < length, "bad-positions");
      positions.push(start + v - 1);
      start += v;
      s = n < 3 ? 0 : n < 6 ? 1 : 2;
    }
    decoder.finish();
    return positions;
  };
  return { least: 8 * size, count, read };
}
