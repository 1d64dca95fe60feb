/**
 * Adds to `count` float64 sums of integers weight * value * perQuantum, rounded to an integer, ties to even: adding
 * 1.5 * 2^52 leaves no fraction bits of magnitudes up to 2^51.
 */
export function addOnGrid(sums: usize, values: usize, count: i32, weight: f64, perQuantum: f64): void {
  const w = f64x2.splat(weight), q = f64x2.splat(perQuantum);
  let i = 0;
  for (; i + 4 <= count; i += 4, sums += 32, values += 16) {
    const four = v128.load(values);
    const low = f64x2.promote_low_f32x4(four);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3));
    v128.store(sums, f64x2.add(v128.load(sums), rounded(low, w, q)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), rounded(high, w, q)), 16);
  }
  for (; i < count; i++, sums += 8, values += 4)
    store<f64>(sums, load<f64>(sums) + f64x2.extract_lane(rounded(f64x2.splat(<f64>load<f32>(values)), w, q), 0));
}

@inline
function rounded(values: v128, weight: v128, perQuantum: v128): v128 {
  const tieBreaker = f64x2.splat(6755399441055744);
  const exact = f64x2.mul(f64x2.mul(weight, values), perQuantum);
  return f64x2.sub(f64x2.add(exact, tieBreaker), tieBreaker);
}
