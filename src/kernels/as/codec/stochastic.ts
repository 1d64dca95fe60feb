/**
 * Levels -steps..steps, int32: |v| * steps / scale plus a draw of [0, 1), rounded down, with the sign of v. Onto `sums`
 * go, value by value, level * |v| and level^2. Returns the largest |level|.
 */
export function stochasticLevels(
  values: usize,
  draws: usize,
  count: i32,
  scale: f64,
  steps: i32,
  levels: usize,
  sums: usize,
): i32 {
  let product = load<f64>(sums), square = load<f64>(sums, 8);
  let largest: i32 = 0;
  let i = 0;
  for (; i + 2 <= count; i += 2, values += 8, draws += 8, levels += 8) {
    const v = v128.load64_zero(values);
    const magnitude = f64x2.promote_low_f32x4(f32x4.abs(v));
    const level = levelsOf(magnitude, v128.load64_zero(draws), scale, steps);
    const minus = f32x4.lt(v, f32x4.splat(0));
    v128.store64_lane(levels, i32x4.sub(v128.xor(level, minus), minus), 0);
    const exact = f64x2.convert_low_i32x4_s(level);
    const products = f64x2.mul(exact, magnitude), squares = f64x2.mul(exact, exact);
    product += f64x2.extract_lane(products, 0);
    product += f64x2.extract_lane(products, 1);
    square += f64x2.extract_lane(squares, 0);
    square += f64x2.extract_lane(squares, 1);
    largest = max(largest, max(i32x4.extract_lane(level, 0), i32x4.extract_lane(level, 1)));
  }
  if (i < count) {
    const v = load<f32>(values);
    const magnitude = <f64>abs(v);
    const level = i32x4.extract_lane(
      levelsOf(f64x2.splat(magnitude), v128.load32_zero(draws), scale, steps),
      0,
    );
    store<i32>(levels, v < 0 ? -level : level);
    product += <f64>level * magnitude;
    square += <f64>level * <f64>level;
    largest = max(largest, level);
  }
  store<f64>(sums, product);
  store<f64>(sums, square, 8);
  return largest;
}

@inline
function levelsOf(magnitude: v128, draws: v128, scale: f64, steps: i32): v128 {
  const place = f64x2.div(f64x2.mul(magnitude, f64x2.splat(<f64>steps)), f64x2.splat(scale));
  const level = i32x4.trunc_sat_f64x2_s_zero(f64x2.add(place, f64x2.promote_low_f32x4(draws)));
  return i32x4.min_s(level, i32x4.splat(steps));
}
