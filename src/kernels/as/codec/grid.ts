// Sums of integers in 64 bits. A product of magnitude up to 2^51 is rounded to an integer, ties to even, by adding
// 1.5 * 2^52, which leaves no fraction bits; the sum's bits, minus those of 1.5 * 2^52, are then the integer itself.

const TIE_BREAKER: f64 = 6755399441055744;
const TIE_BREAKER_BITS: i64 = 0x4338000000000000;

/** Adds to `count` sums value * scale, rounded. */
export function addOnGrid(sums: usize, values: usize, count: i32, scale: f64): void {
  const s = f64x2.splat(scale);
  let i = 0;
  for (; i + 4 <= count; i += 4, sums += 32, values += 16) {
    const four = v128.load(values);
    const low = f64x2.promote_low_f32x4(four);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3));
    v128.store(sums, i64x2.add(v128.load(sums), rounded(low, s)));
    v128.store(sums, i64x2.add(v128.load(sums, 16), rounded(high, s)), 16);
  }
  for (; i < count; i++, sums += 8, values += 4)
    store<i64>(sums, load<i64>(sums) + roundedOne(load<f32>(values), scale));
}

@inline
function rounded(values: v128, scale: v128): v128 {
  const shifted = f64x2.add(f64x2.mul(values, scale), f64x2.splat(TIE_BREAKER));
  return i64x2.sub(shifted, i64x2.splat(TIE_BREAKER_BITS));
}

@inline
function roundedOne(value: f32, scale: f64): i64 {
  return reinterpret<i64>(<f64>value * scale + TIE_BREAKER) - TIE_BREAKER_BITS;
}

/** The same for the sums at `count` positions, which are distinct. */
export function addAtOnGrid(sums: usize, positions: usize, values: usize, count: i32, scale: f64): void {
  for (let i = 0; i < count; i++, positions += 4, values += 4) {
    const at = sums + (<usize>load<u32>(positions) << 3);
    store<i64>(at, load<i64>(at) + roundedOne(load<f32>(values), scale));
  }
}

/** Adds to `count` sums, for every byte of `codes`, its entry in a table of integers. */
export function addEntries(sums: usize, codes: usize, count: i32, table: usize): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, codes += 4, sums += 32) {
    v128.store(sums, i64x2.add(v128.load(sums), twoEntries(table, codes)));
    v128.store(sums, i64x2.add(v128.load(sums, 16), twoEntries(table, codes + 2)), 16);
  }
  for (; i < count; i++, codes++, sums += 8) store<i64>(sums, load<i64>(sums) + entry(table, codes));
}

@inline
function twoEntries(table: usize, codes: usize): v128 {
  const first = v128.load64_zero(table + (<usize>load<u8>(codes) << 3));
  return v128.load64_lane(table + (<usize>load<u8>(codes, 1) << 3), first, 1);
}

@inline
function entry(table: usize, code: usize): i64 {
  return load<i64>(table + (<usize>load<u8>(code) << 3));
}

/** The same for the sums at `count` positions, which are distinct. */
export function addEntriesAt(sums: usize, positions: usize, codes: usize, count: i32, table: usize): void {
  for (let i = 0; i < count; i++, positions += 4, codes++) {
    const at = sums + (<usize>load<u32>(positions) << 3);
    store<i64>(at, load<i64>(at) + entry(table, codes));
  }
}

/** Adds other sums to `count` sums. */
export function addSums(sums: usize, others: usize, count: i32): void {
  let i = 0;
  for (; i + 2 <= count; i += 2, sums += 16, others += 16)
    v128.store(sums, i64x2.add(v128.load(sums), v128.load(others)));
  if (i < count) store<i64>(sums, load<i64>(sums) + load<i64>(others));
}

/** Of every sum, sum * quantum / weight, rounded to float32; 0 where the weight is 0. */
export function means(sums: usize, weights: usize, count: i32, quantum: f64, out: usize): void {
  let i = 0;
  for (; i + 2 <= count; i += 2, sums += 16, weights += 16, out += 8)
    v128.store64_lane(out, twoMeans(v128.load(sums), v128.load(weights), quantum), 0);
  if (i < count)
    v128.store32_lane(out, twoMeans(v128.load64_zero(sums), v128.load64_zero(weights), quantum), 0);
}

/** Of two words, high * 2^32 + low: exact but for the one rounding of the addition, as a conversion from 64 bits. */
@inline
function twoMeans(sums: v128, weights: v128, quantum: f64): v128 {
  const high = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(sums, sums, 1, 3, 1, 3));
  const low = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(sums, sums, 0, 2, 0, 2));
  const sum = f64x2.add(f64x2.mul(high, f64x2.splat(4294967296)), low);
  const mean = f64x2.div(f64x2.mul(sum, f64x2.splat(quantum)), weights);
  return f32x4.demote_f64x2_zero(v128.andnot(mean, f64x2.eq(weights, f64x2.splat(0))));
}
