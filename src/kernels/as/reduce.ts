/**
 * out[outer, inner] = scale * the sum over the middle of x[outer, count, inner]: sums and means over any adjacent
 * axes, such as bias gradients (outer 1) and row sums (inner 1).
 */
export function blockSum(x: usize, outer: i32, count: i32, inner: i32, scale: f32, out: usize): void {
  for (let o = 0; o < outer; o++) {
    const block = x + (<usize>(o * count * inner) << 2);
    const to = out + (<usize>(o * inner) << 2);
    if (inner == 1) store<f32>(to, scale * lineSum(block, count));
    else columnSums(block, count, inner, scale, to);
  }
}

function lineSum(x: usize, count: i32): f32 {
  let even = f32x4.splat(0), odd = f32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const at = x + (<usize>i << 2);
    even = f32x4.add(even, v128.load(at));
    odd = f32x4.add(odd, v128.load(at, 16));
  }
  const all = f32x4.add(even, odd);
  let sum: f32 =
    f32x4.extract_lane(all, 0) + f32x4.extract_lane(all, 1) + f32x4.extract_lane(all, 2) + f32x4.extract_lane(all, 3);
  for (; i < count; i++) sum += load<f32>(x + (<usize>i << 2));
  return sum;
}

function columnSums(x: usize, rows: i32, cols: i32, scale: f32, out: usize): void {
  const stride = <usize>cols << 2;
  const scales = f32x4.splat(scale);
  let c = 0;
  for (; c + 8 <= cols; c += 8) {
    // four running sums hide the latency of one addition
    let left0 = f32x4.splat(0), right0 = f32x4.splat(0), left1 = f32x4.splat(0), right1 = f32x4.splat(0);
    let at = x + (<usize>c << 2);
    let r = 0;
    for (; r + 2 <= rows; r += 2) {
      left0 = f32x4.add(left0, v128.load(at));
      right0 = f32x4.add(right0, v128.load(at, 16));
      left1 = f32x4.add(left1, v128.load(at + stride));
      right1 = f32x4.add(right1, v128.load(at + stride, 16));
      at += stride * 2;
    }
    if (r < rows) {
      left0 = f32x4.add(left0, v128.load(at));
      right0 = f32x4.add(right0, v128.load(at, 16));
    }
    const to = out + (<usize>c << 2);
    v128.store(to, f32x4.mul(scales, f32x4.add(left0, left1)));
    v128.store(to, f32x4.mul(scales, f32x4.add(right0, right1)), 16);
  }
  for (; c + 4 <= cols; c += 4) {
    let sum = f32x4.splat(0);
    let at = x + (<usize>c << 2);
    for (let r = 0; r < rows; r++, at += stride) sum = f32x4.add(sum, v128.load(at));
    v128.store(out + (<usize>c << 2), f32x4.mul(scales, sum));
  }
  for (; c < cols; c++) {
    let sum: f32 = 0;
    let at = x + (<usize>c << 2);
    for (let r = 0; r < rows; r++, at += stride) sum += load<f32>(at);
    store<f32>(out + (<usize>c << 2), scale * sum);
  }
}
