// Up to four floats at a time: loops over rows of any length stay one loop, and touch no value beyond the row.

/** The next min(4, count) floats; the lanes behind them are zero. */
@inline
export function load4(at: usize, count: i32): v128 {
  return count >= 4 ? v128.load(at) : loadPart(at, count);
}

/** Stores the first min(4, count) lanes. */
@inline
export function store4(at: usize, v: v128, count: i32): void {
  if (count >= 4) v128.store(at, v);
  else storePart(at, v, count);
}

@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3);
}

function loadPart(at: usize, count: i32): v128 {
  let v = v128.load32_zero(at);
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(at, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(at, 8));
  return v;
}

function storePart(at: usize, v: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}
