// Bits of |v| order like |v| itself, so that the largest magnitude is an integer maximum.

const MAGNITUDE: i32 = 0x7fffffff;
const INFINITE: i32 = 0x7f800000;

/** The bits of the largest magnitude of `count` floats; a NaN counts as more than infinity. */
export function maxMagnitude(values: usize, count: i32): i32 {
  let a = i32x4.splat(0), b = i32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8, values += 32) {
    a = i32x4.max_s(a, v128.and(v128.load(values), i32x4.splat(MAGNITUDE)));
    b = i32x4.max_s(b, v128.and(v128.load(values, 16), i32x4.splat(MAGNITUDE)));
  }
  a = i32x4.max_s(a, b);
  let most = max(
    max(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)),
    max(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)),
  );
  for (; i < count; i++, values += 4) most = max(most, load<i32>(values) & MAGNITUDE);
  return most;
}

export function isFinite(values: usize, count: i32): bool {
  return maxMagnitude(values, count) < INFINITE;
}
