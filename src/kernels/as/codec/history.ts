// The log2 odds of a history's coordinates, by a weighted sum of what eight tables say of their contexts. The tables are
// int32s, 1024 entries each, one behind the other; weights int32s in 2^-26; planes a byte a coordinate.

const TABLE: usize = 4 * 1024;
const MOST_WEIGHT: i32 = 134217727;

/** The planes, one behind the other, `stride` bytes each: slow, fast, row, column, age. Halves of powers of two. */
export function historyClasses(
  planes: usize,
  stride: usize,
  count: i32,
  layer: u32,
  tables: usize,
  weights: usize,
  base: i32,
  classes: usize,
): void {
  const w0 = load<i32>(weights) >> 12, w1 = load<i32>(weights, 4) >> 12, w2 = load<i32>(weights, 8) >> 12;
  const w3 = load<i32>(weights, 12) >> 12, w4 = load<i32>(weights, 16) >> 12, w5 = load<i32>(weights, 20) >> 12;
  const w6 = load<i32>(weights, 24) >> 12, w7 = load<i32>(weights, 28) >> 12;
  const t1 = tables + TABLE + (<usize>layer << 7), t3 = tables + 3 * TABLE + (<usize>layer << 7);
  const t4 = tables + 4 * TABLE + (<usize>layer << 7);
  const own = w0 * load<i32>(tables + (<usize>layer << 2));
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = planes + i;
    const slow = <usize>load<u8>(at), fast = <usize>load<u8>(at + stride), row = <usize>load<u8>(at + 2 * stride);
    const column = <usize>load<u8>(at + 3 * stride), age = <usize>load<u8>(at + 4 * stride);
    const sum =
      own +
      w1 * load<i32>(t1 + (slow << 2)) +
      w2 * load<i32>(tables + 2 * TABLE + (fast << 6) + (age << 2)) +
      w3 * load<i32>(t3 + (row << 2)) +
      w4 * load<i32>(t4 + (column << 2)) +
      w5 * load<i32>(tables + 5 * TABLE + (slow << 7) + (row << 2)) +
      w6 * load<i32>(tables + 6 * TABLE + (slow << 7) + (column << 2)) +
      w7 * load<i32>(tables + 7 * TABLE + (row << 7) + (column << 2));
    store<u8>(classes + i, <u8>min(max((768 - (base + (sum >> 14))) >> 8, 0), 31));
  }
}

/**
 * Moves the weights towards what was sent, a byte a coordinate, and counts in `hits`, two uint32s for every entry of the
 * tables, how often it was 0 and 1. `probabilities` are 256 int32s in 2^-16.
 */
export function historyLearn(
  planes: usize,
  stride: usize,
  count: i32,
  layer: u32,
  tables: usize,
  weights: usize,
  base: i32,
  sent: usize,
  probabilities: usize,
  hits: usize,
): void {
  let w0 = load<i32>(weights), w1 = load<i32>(weights, 4), w2 = load<i32>(weights, 8);
  let w3 = load<i32>(weights, 12), w4 = load<i32>(weights, 16), w5 = load<i32>(weights, 20);
  let w6 = load<i32>(weights, 24), w7 = load<i32>(weights, 28);
  const c0 = <usize>layer << 2;
  for (let i: usize = 0; i < <usize>count; i++) {
    const at = planes + i;
    const slow = <usize>load<u8>(at), fast = <usize>load<u8>(at + stride), row = <usize>load<u8>(at + 2 * stride);
    const column = <usize>load<u8>(at + 3 * stride), age = <usize>load<u8>(at + 4 * stride);
    const c1 = TABLE + (<usize>layer << 7) + (slow << 2), c2 = 2 * TABLE + (fast << 6) + (age << 2);
    const c3 = 3 * TABLE + (<usize>layer << 7) + (row << 2), c4 = 4 * TABLE + (<usize>layer << 7) + (column << 2);
    const c5 = 5 * TABLE + (slow << 7) + (row << 2), c6 = 6 * TABLE + (slow << 7) + (column << 2);
    const c7 = 7 * TABLE + (row << 7) + (column << 2);
    const d0 = load<i32>(tables + c0), d1 = load<i32>(tables + c1), d2 = load<i32>(tables + c2);
    const d3 = load<i32>(tables + c3), d4 = load<i32>(tables + c4), d5 = load<i32>(tables + c5);
    const d6 = load<i32>(tables + c6), d7 = load<i32>(tables + c7);
    const sum =
      (w0 >> 12) * d0 + (w1 >> 12) * d1 + (w2 >> 12) * d2 + (w3 >> 12) * d3 + (w4 >> 12) * d4 +
      (w5 >> 12) * d5 + (w6 >> 12) * d6 + (w7 >> 12) * d7;
    const place = min(max(((base + (sum >> 14)) >> 5) + 224, 0), 255);
    const bit = <i32>load<u8>(sent + i);
    const error = (bit << 16) - load<i32>(probabilities + (<usize>place << 2));
    w0 = moved(w0, error, d0);
    w1 = moved(w1, error, d1);
    w2 = moved(w2, error, d2);
    w3 = moved(w3, error, d3);
    w4 = moved(w4, error, d4);
    w5 = moved(w5, error, d5);
    w6 = moved(w6, error, d6);
    w7 = moved(w7, error, d7);
    const counts = hits + (<usize>bit << 2);
    hit(counts, c0);
    hit(counts, c1);
    hit(counts, c2);
    hit(counts, c3);
    hit(counts, c4);
    hit(counts, c5);
    hit(counts, c6);
    hit(counts, c7);
  }
  store<i32>(weights, w0);
  store<i32>(weights, w1, 4);
  store<i32>(weights, w2, 8);
  store<i32>(weights, w3, 12);
  store<i32>(weights, w4, 16);
  store<i32>(weights, w5, 20);
  store<i32>(weights, w6, 24);
  store<i32>(weights, w7, 28);
}

@inline
function moved(weight: i32, error: i32, entry: i32): i32 {
  return min(max(weight + ((error * entry) >> 10), -MOST_WEIGHT), MOST_WEIGHT);
}

@inline
function hit(counts: usize, context: usize): void {
  const at = counts + (context << 1);
  store<u32>(at, load<u32>(at) + 1);
}
