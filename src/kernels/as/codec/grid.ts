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

/** Adds other sums to `count` sums. */
export function addSums(sums: usize, others: usize, count: i32): void {
  let i = 0;
  for (; i + 2 <= count; i += 2, sums += 16, others += 16)
    v128.store(sums, i64x2.add(v128.load(sums), v128.load(others)));
  if (i < count) store<i64>(sums, load<i64>(sums) + load<i64>(others));
}

/** Of every sum, sum * quantum / weight, rounded to float32; 0 where the weight is 0. */
export function means(sums: usize, weights: usize, count: i32, quantum: f64, out: usize): void {
  for (let i = 0; i < count; i++, sums += 8, weights += 8, out += 4) {
    const weight = load<f64>(weights);
    store<f32>(out, weight == 0 ? 0 : <f32>((<f64>load<i64>(sums) * quantum) / weight));
  }
}
