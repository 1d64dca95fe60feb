/** One byte a value, 1 where it is below zero, and plus or minus `scale` for it. */
export function signCodes(values: usize, count: i32, scale: f32, codes: usize, signed: usize): void {
  const zero = f32x4.splat(0), magnitude = f32x4.splat(scale), sign = i32x4.splat(0x80000000);
  let i = 0;
  for (; i + 16 <= count; i += 16, values += 64, codes += 16, signed += 64) {
    const a = f32x4.lt(v128.load(values), zero), b = f32x4.lt(v128.load(values, 16), zero);
    const c = f32x4.lt(v128.load(values, 32), zero), d = f32x4.lt(v128.load(values, 48), zero);
    const minus = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
    v128.store(codes, i8x16.neg(minus));
    v128.store(signed, v128.xor(magnitude, v128.and(a, sign)));
    v128.store(signed, v128.xor(magnitude, v128.and(b, sign)), 16);
    v128.store(signed, v128.xor(magnitude, v128.and(c, sign)), 32);
    v128.store(signed, v128.xor(magnitude, v128.and(d, sign)), 48);
  }
  for (; i < count; i++, values += 4, codes++, signed += 4) {
    const minus = load<f32>(values) < 0;
    store<u8>(codes, minus ? 1 : 0);
    store<f32>(signed, minus ? -scale : scale);
  }
}
