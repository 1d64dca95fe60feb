/**
 * Codes, one byte each, of the nearest of the levels scale * c / steps, c = -steps..steps: steps + c, halves away from
 * zero. No magnitude is above `scale`, which is not 0; `steps` is 1 to 127.
 */
export function uniformCodes(values: usize, count: i32, scale: f64, steps: i32, codes: usize): void {
  let i = 0;
  for (; i + 16 <= count; i += 16, values += 64, codes += 16) {
    const low = i16x8.narrow_i32x4_s(
      fourCodes(v128.load(values), scale, steps),
      fourCodes(v128.load(values, 16), scale, steps),
    );
    const high = i16x8.narrow_i32x4_s(
      fourCodes(v128.load(values, 32), scale, steps),
      fourCodes(v128.load(values, 48), scale, steps),
    );
    v128.store(codes, i8x16.narrow_i16x8_u(low, high));
  }
  for (; i < count; i++, values += 4, codes++)
    store<u8>(codes, <u8>i32x4.extract_lane(fourCodes(v128.load32_zero(values), scale, steps), 0));
}

@inline
function fourCodes(v: v128, scale: f64, steps: i32): v128 {
  const magnitude = f32x4.abs(v);
  const c = v128.shuffle<i32>(
    nearest(f64x2.promote_low_f32x4(magnitude), scale, steps),
    nearest(f64x2.promote_low_f32x4(v128.shuffle<i32>(magnitude, magnitude, 2, 3, 2, 3)), scale, steps),
    0, 1, 4, 5,
  );
  const minus = f32x4.lt(v, f32x4.splat(0));
  return i32x4.add(i32x4.sub(v128.xor(c, minus), minus), i32x4.splat(steps));
}

@inline
function nearest(magnitude: v128, scale: f64, steps: i32): v128 {
  const place = f64x2.div(f64x2.mul(magnitude, f64x2.splat(<f64>steps)), f64x2.splat(scale));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(place, f64x2.splat(0.5)));
}
