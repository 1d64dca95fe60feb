// Positions of the values that pass, rising, from `first` on. Each function says how many it wrote.

const MAGNITUDE: i32 = 0x7fffffff;

/**
 * Those whose magnitude's bits are `least` (1 or more) or above; of the equals of `least` only the first ones, as
 * many as `ties` (an int32 in memory) says, which is counted down.
 */
export function selectAtLeast(values: usize, count: i32, first: i32, least: i32, ties: usize, out: usize): i32 {
  const start = out;
  const floor = i32x4.splat(least), mask = i32x4.splat(MAGNITUDE);
  let left = load<i32>(ties);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const at = values + (<usize>i << 2);
    const a = i32x4.ge_s(v128.and(v128.load(at), mask), floor);
    const b = i32x4.ge_s(v128.and(v128.load(at, 16), mask), floor);
    if (!v128.any_true(v128.or(a, b))) continue;
    for (let hits = i32x4.bitmask(a) | (i32x4.bitmask(b) << 4); hits != 0; hits &= hits - 1) {
      const k = i + ctz(hits);
      if ((load<i32>(values + (<usize>k << 2)) & MAGNITUDE) == least && left-- <= 0) continue;
      store<i32>(out, first + k);
      out += 4;
    }
  }
  for (; i < count; i++) {
    const magnitude = load<i32>(values + (<usize>i << 2)) & MAGNITUDE;
    if (magnitude < least) continue;
    if (magnitude == least && left-- <= 0) continue;
    store<i32>(out, first + i);
    out += 4;
  }
  store<i32>(ties, max(left, 0));
  return <i32>((out - start) >> 2);
}

/** Those that are not zero, neither plus nor minus. `out` has room for `count`. */
export function selectNonZero(values: usize, count: i32, first: i32, out: usize): i32 {
  const start = out;
  const zero = f32x4.splat(0);
  let places = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const hits = i32x4.bitmask(f32x4.ne(v128.load(values + (<usize>i << 2)), zero));
    if (hits == 15) {
      v128.store(out, places);
      out += 16;
    } else if (hits != 0) {
      // Written whether it counts or not: the next one overwrites it.
      store<i32>(out, first + i);
      out += <usize>(hits & 1) << 2;
      store<i32>(out, first + i + 1);
      out += <usize>(hits & 2) << 1;
      store<i32>(out, first + i + 2);
      out += <usize>(hits & 4);
      store<i32>(out, first + i + 3);
      out += <usize>(hits & 8) >> 1;
    }
    places = i32x4.add(places, i32x4.splat(4));
  }
  for (; i < count; i++)
    if (load<f32>(values + (<usize>i << 2)) != 0) {
      store<i32>(out, first + i);
      out += 4;
    }
  return <i32>((out - start) >> 2);
}
