import { load4, store4, sumLanes } from "./lanes";

// Layer normalization (Ba, Kiros and Hinton, 2016), row by row. `moments` holds each row's mean and 1 / deviation.

/** y = gain (x - mean) / sqrt(variance + epsilon) + bias */
export function layerNorm(
  x: usize,
  gain: usize,
  bias: usize,
  rows: i32,
  cols: i32,
  epsilon: f32,
  y: usize,
  moments: usize,
): void {
  const share: f32 = <f32>1.0 / <f32>cols;
  for (let r = 0; r < rows; r++) {
    let sums = f32x4.splat(0);
    for (let c = 0; c < cols; c += 4) sums = f32x4.add(sums, load4(x + (<usize>c << 2), cols - c));
    const mean = sumLanes(sums) * share;
    const means = f32x4.splat(mean);
    let squares = f32x4.splat(0);
    let c = 0;
    for (; c + 4 <= cols; c += 4) {
      const d = f32x4.sub(v128.load(x + (<usize>c << 2)), means);
      squares = f32x4.add(squares, f32x4.mul(d, d));
    }
    let square = sumLanes(squares);
    for (; c < cols; c++) {
      const d = load<f32>(x + (<usize>c << 2)) - mean;
      square += d * d;
    }
    const inverse: f32 = <f32>1.0 / sqrt<f32>(square * share + epsilon);
    const inverses = f32x4.splat(inverse);
    for (c = 0; c < cols; c += 4) {
      const at = <usize>c << 2;
      const normal = f32x4.mul(f32x4.sub(load4(x + at, cols - c), means), inverses);
      const v = f32x4.add(f32x4.mul(normal, load4(gain + at, cols - c)), load4(bias + at, cols - c));
      store4(y + at, v, cols - c);
    }
    store<f32>(moments, mean);
    store<f32>(moments, inverse, 4);
    moments += 8;
    x += <usize>cols << 2;
    y += <usize>cols << 2;
  }
}

export function layerNormGradient(
  x: usize,
  gain: usize,
  moments: usize,
  dy: usize,
  rows: i32,
  cols: i32,
  dx: usize,
  dGain: usize,
  dBias: usize,
): void {
  memory.fill(dGain, 0, <usize>cols << 2);
  memory.fill(dBias, 0, <usize>cols << 2);
  const share: f32 = <f32>1.0 / <f32>cols;
  for (let r = 0; r < rows; r++) {
    const means = f32x4.splat(load<f32>(moments)), inverses = f32x4.splat(load<f32>(moments, 4));
    let sums = f32x4.splat(0), dots = f32x4.splat(0);
    for (let c = 0; c < cols; c += 4) {
      const at = <usize>c << 2, left = cols - c;
      // lanes behind the row have dy = 0, and so add nothing
      const normal = f32x4.mul(f32x4.sub(load4(x + at, left), means), inverses);
      const d = load4(dy + at, left);
      const scaled = f32x4.mul(d, load4(gain + at, left));
      sums = f32x4.add(sums, scaled);
      dots = f32x4.add(dots, f32x4.mul(scaled, normal));
      store4(dBias + at, f32x4.add(load4(dBias + at, left), d), left);
      store4(dGain + at, f32x4.add(load4(dGain + at, left), f32x4.mul(d, normal)), left);
    }
    const sum = f32x4.splat(sumLanes(sums) * share), dot = f32x4.splat(sumLanes(dots) * share);
    for (let c = 0; c < cols; c += 4) {
      const at = <usize>c << 2, left = cols - c;
      const normal = f32x4.mul(f32x4.sub(load4(x + at, left), means), inverses);
      const scaled = f32x4.mul(load4(dy + at, left), load4(gain + at, left));
      const v = f32x4.mul(inverses, f32x4.sub(f32x4.sub(scaled, sum), f32x4.mul(normal, dot)));
      store4(dx + at, v, left);
    }
    moments += 8;
    x += <usize>cols << 2;
    dy += <usize>cols << 2;
    dx += <usize>cols << 2;
  }
}
