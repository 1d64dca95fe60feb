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

/**
 * Adds the squares of `count` (a multiple of 8) floats, by turns, to eight float64s. Returns the bits of the largest
 * magnitude, as above.
 */
export function measure(values: usize, count: i32, squares: usize): i32 {
  let a = v128.load(squares), b = v128.load(squares, 16), c = v128.load(squares, 32), d = v128.load(squares, 48);
  let most = i32x4.splat(0);
  for (const end = values + (<usize>count << 2); values < end; values += 32) {
    const low = v128.load(values), high = v128.load(values, 16);
    most = i32x4.max_s(most, v128.and(low, i32x4.splat(MAGNITUDE)));
    most = i32x4.max_s(most, v128.and(high, i32x4.splat(MAGNITUDE)));
    a = f64x2.add(a, square(v128.load64_zero(values)));
    b = f64x2.add(b, square(v128.load64_zero(values, 8)));
    c = f64x2.add(c, square(v128.load64_zero(values, 16)));
    d = f64x2.add(d, square(v128.load64_zero(values, 24)));
  }
  v128.store(squares, a);
  v128.store(squares, b, 16);
  v128.store(squares, c, 32);
  v128.store(squares, d, 48);
  return max(
    max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
    max(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3)),
  );
}

@inline
function square(two: v128): v128 {
  const x = f64x2.promote_low_f32x4(two);
  return f64x2.mul(x, x);
}
