/**
 * Codes of `count` (even) float64s: twice the number of `limits` below twice |x| * unit, plus 1 where x is below zero.
 * To `sums` go, in order, the sum of |x| * share times the centroid of the code's level, and that of its square.
 */
export function edenCodes(
  data: usize,
  count: i32,
  unit: f64,
  share: f64,
  limits: usize,
  numLimits: i32,
  centroids: usize,
  codes: usize,
  sums: usize,
): void {
  let product: f64 = 0;
  let energy: f64 = 0;
  const limitsEnd = limits + (<usize>numLimits << 3);
  for (const end = codes + count; codes < end; codes += 2, data += 16) {
    const x = v128.load(data);
    const magnitude = f64x2.abs(x);
    const doubled = f64x2.mul(f64x2.splat(2), f64x2.mul(magnitude, f64x2.splat(unit)));
    let level = i64x2.splat(0); // minus the count
    for (let limit = limits; limit < limitsEnd; limit += 8)
      level = i64x2.add(level, f64x2.gt(doubled, v128.load64_splat(limit)));
    const first = -i64x2.extract_lane(level, 0), second = -i64x2.extract_lane(level, 1);
    const a = load<f64>(centroids + (<usize>first << 3)), b = load<f64>(centroids + (<usize>second << 3));
    const y = f64x2.mul(magnitude, f64x2.splat(share));
    product += f64x2.extract_lane(y, 0) * a;
    product += f64x2.extract_lane(y, 1) * b;
    energy += a * a + b * b;
    const minus = i64x2.bitmask(f64x2.lt(x, f64x2.splat(0)));
    store<u8>(codes, <u8>((<i32>first << 1) | (minus & 1)));
    store<u8>(codes, <u8>((<i32>second << 1) | (minus >> 1)), 1);
  }
  store<f64>(sums, product);
  store<f64>(sums, energy, 8);
}

/** Float32s of scale * sum * share for `count` float64 sums; never minus zero. */
export function scaleSums(sums: usize, count: i32, scale: f64, share: f64, values: usize): void {
  const factor = f64x2.splat(scale), part = f64x2.splat(share), zero = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4, sums += 32, values += 16) {
    const a = f64x2.mul(f64x2.mul(factor, v128.load(sums)), part);
    const b = f64x2.mul(f64x2.mul(factor, v128.load(sums, 16)), part);
    const four = v128.shuffle<i32>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 1, 4, 5);
    v128.store(values, f32x4.add(four, zero));
  }
  for (; i < count; i++, sums += 8, values += 4) store<f32>(values, <f32>(scale * load<f64>(sums) * share) + 0);
}
