/**
 * Levels -steps..steps, int16: |v| * steps / scale plus a draw of [0, 1), in float64 and rounded down, with the sign of
 * v. Returns the largest |level|. `count` is a multiple of 8.
 */
export function stochasticLevels(
  values: usize,
  draws: usize,
  count: i32,
  scale: f64,
  steps: i32,
  levels: usize,
): i32 {
  // In float32 the sum is off by less than this, be its factor a normal number: if it is not so near to an integer, what
  // is below it is the same.
  const factor = <f32>(<f64>steps / scale);
  const quanta = 3 * steps + 2; // of 2^-24
  const error: f32 = factor < 1.1754943508222875e-38 ? 1 : <f32>quanta / 16777216;
  let largest = i16x8.splat(0);
  for (const end = values + (<usize>count << 2); values < end; values += 32, draws += 32, levels += 16) {
    const a = v128.load(values), b = v128.load(values, 16);
    const low = magnitudes(f32x4.abs(a), v128.load(draws), factor, error, scale, steps);
    const high = magnitudes(f32x4.abs(b), v128.load(draws, 16), factor, error, scale, steps);
    const level = i16x8.narrow_i32x4_s(low, high);
    const minus = i16x8.narrow_i32x4_s(f32x4.lt(a, f32x4.splat(0)), f32x4.lt(b, f32x4.splat(0)));
    largest = i16x8.max_s(largest, level);
    v128.store(levels, i16x8.sub(v128.xor(level, minus), minus));
  }
  let most: i32 = 0;
  for (let i = 0; i < 8; i++) {
    most = max(most, i16x8.extract_lane_s(largest, 0));
    largest = v128.shuffle<i16>(largest, largest, 1, 2, 3, 4, 5, 6, 7, 0);
  }
  return most;
}

@inline
function magnitudes(values: v128, draws: v128, factor: f32, error: f32, scale: f64, steps: i32): v128 {
  const place = f32x4.add(f32x4.mul(values, f32x4.splat(factor)), draws);
  const away = f32x4.abs(f32x4.sub(place, f32x4.nearest(place)));
  let level: v128;
  if (i32x4.all_true(f32x4.gt(away, f32x4.splat(error)))) level = i32x4.trunc_sat_f32x4_s(place);
  else level = exactly(values, draws, scale, steps);
  return i32x4.min_s(level, i32x4.splat(steps));
}

function exactly(values: v128, draws: v128, scale: f64, steps: i32): v128 {
  const low = half(values, draws, scale, steps);
  const high = half(v128.shuffle<i64>(values, values, 1, 1), v128.shuffle<i64>(draws, draws, 1, 1), scale, steps);
  return v128.shuffle<i64>(low, high, 0, 2);
}

@inline
function half(values: v128, draws: v128, scale: f64, steps: i32): v128 {
  const product = f64x2.mul(f64x2.promote_low_f32x4(values), f64x2.splat(<f64>steps));
  const place = f64x2.add(f64x2.div(product, f64x2.splat(scale)), f64x2.promote_low_f32x4(draws));
  return i32x4.trunc_sat_f64x2_s_zero(place);
}

/** Adds to two float64s, value by value, |level| * |v| and level^2. */
export function addLevels(values: usize, levels: usize, count: i32, sums: usize): void {
  let product = load<f64>(sums), square = load<f64>(sums, 8);
  for (const end = levels + (<usize>count << 1); levels < end; levels += 2, values += 4) {
    const level = <f64>load<i16>(levels);
    product += level * <f64>load<f32>(values);
    square += level * level;
  }
  store<f64>(sums, product);
  store<f64>(sums, square, 8);
}

/** Bytes level + steps of `count`, a multiple of 16, levels; steps is 127 at most. */
export function levelCodes(levels: usize, count: i32, steps: i32, codes: usize): void {
  const offset = i16x8.splat(<i16>steps);
  for (const end = codes + count; codes < end; codes += 16, levels += 32)
    v128.store(
      codes,
      i8x16.narrow_i16x8_u(i16x8.add(v128.load(levels), offset), i16x8.add(v128.load(levels, 16), offset)),
    );
}
