import { load4, store4, sumLanes } from "./lanes";
import { exp1, exp4, log } from "./math";

/** y = softmax(x), row by row. */
export function softmaxRows(x: usize, rows: i32, cols: i32, y: usize): void {
  const bytes = <usize>cols << 2;
  for (let r = 0; r < rows; r++) {
    softmaxRow(x, cols, 1, y);
    x += bytes;
    y += bytes;
  }
}

/** dx = y (dy - Σ dy y), row by row: the gradient of softmax at its output y. */
export function softmaxGradientRows(y: usize, dy: usize, rows: i32, cols: i32, dx: usize): void {
  for (let r = 0; r < rows; r++) {
    softmaxGradientRow(y, dy, cols, 1, dx);
    y += <usize>cols << 2;
    dy += <usize>cols << 2;
    dx += <usize>cols << 2;
  }
}

/** One row of the gradient of softmax(scale * x); dx may be dy. */
export function softmaxGradientRow(y: usize, dy: usize, cols: i32, scale: f32, dx: usize): void {
  let sums = f32x4.splat(0);
  for (let c = 0; c < cols; c += 4) {
    const at = <usize>c << 2;
    sums = f32x4.add(sums, f32x4.mul(load4(y + at, cols - c), load4(dy + at, cols - c)));
  }
  const dots = f32x4.splat(sumLanes(sums)), scales = f32x4.splat(scale);
  for (let c = 0; c < cols; c += 4) {
    const at = <usize>c << 2;
    const slope = f32x4.mul(load4(y + at, cols - c), f32x4.sub(load4(dy + at, cols - c), dots));
    store4(dx + at, f32x4.mul(scales, slope), cols - c);
  }
}

/**
 * Σ over rows of -ln softmax(logits)[label], in nats; `gradient` (rows x cols) gets the gradient of the rows' mean.
 * Labels are 32-bit integers from 0 to cols-1.
 */
export function crossEntropy(logits: usize, labels: usize, rows: i32, cols: i32, gradient: usize): f64 {
  const bytes = <usize>cols << 2;
  const perRow: f32 = <f32>1.0 / <f32>rows;
  let loss: f64 = 0;
  for (let r = 0; r < rows; r++) {
    const label = <usize>load<i32>(labels + (<usize>r << 2)) << 2;
    loss += softmaxRow(logits, cols, 1, gradient) - <f64>load<f32>(logits + label);
    store<f32>(gradient + label, load<f32>(gradient + label) - 1);
    scaleRow(gradient, cols, perRow);
    logits += bytes;
    gradient += bytes;
  }
  return loss;
}

/**
 * Distillation (Hinton, Vinyals and Dean, 2015): per row, share * T² * H(softmax(teacher/T), softmax(logits/T)) plus
 * (1 - share) * the cross-entropy with the label. Sum and gradient as in `crossEntropy`; `scratch` holds one row.
 */
export function softCrossEntropy(
  logits: usize,
  teacher: usize,
  labels: usize,
  rows: i32,
  cols: i32,
  temperature: f32,
  share: f32,
  gradient: usize,
  scratch: usize,
): f64 {
  const bytes = <usize>cols << 2;
  const cooling: f32 = <f32>1.0 / temperature;
  const perRow: f32 = <f32>1.0 / <f32>rows;
  const hard: f32 = (1 - share) * perRow, soft: f32 = share * temperature * perRow;
  const hardLoss = <f64>(1 - share), softLoss = <f64>share * <f64>temperature * <f64>temperature;
  let loss: f64 = 0;
  for (let r = 0; r < rows; r++) {
    const label = <usize>load<i32>(labels + (<usize>r << 2)) << 2;
    loss += hardLoss * (softmaxRow(logits, cols, 1, gradient) - <f64>load<f32>(logits + label));
    store<f32>(gradient + label, load<f32>(gradient + label) - 1);
    scaleRow(gradient, cols, hard);
    softmaxRow(teacher, cols, cooling, scratch);
    loss += softLoss * softRow(logits, cols, cooling, soft, gradient, scratch);
    logits += bytes;
    teacher += bytes;
    gradient += bytes;
  }
  return loss;
}

/** Adds scale * (softmax(logits/T) - target) to the gradient; returns H(target, softmax(logits/T)). */
function softRow(logits: usize, cols: i32, cooling: f32, scale: f32, gradient: usize, target: usize): f64 {
  let largest: f32 = -Infinity;
  for (let c = 0; c < cols; c++) largest = max(largest, load<f32>(logits + (<usize>c << 2)));
  let sum: f32 = 0;
  for (let c = 0; c < cols; c++) sum += exp1((load<f32>(logits + (<usize>c << 2)) - largest) * cooling);
  const logSum = log(<f64>sum);
  let entropy: f64 = 0;
  for (let c = 0; c < cols; c++) {
    const at = <usize>c << 2;
    const p = load<f32>(target + at);
    const shifted = (load<f32>(logits + at) - largest) * cooling;
    entropy += <f64>p * (logSum - <f64>shifted);
    store<f32>(gradient + at, load<f32>(gradient + at) + scale * (exp1(shifted) / sum - p));
  }
  return entropy;
}

/** y = softmax(scale * x) for one row, y may be x; returns ln Σ e^(scale * x). */
export function softmaxRow(x: usize, cols: i32, scale: f32, y: usize): f64 {
  const largest = largestOf(x, cols);
  const shift = f32x4.splat(largest), scales = f32x4.splat(scale);
  let sums = f32x4.splat(0);
  let c = 0;
  for (; c + 4 <= cols; c += 4) {
    const e = exp4(f32x4.mul(scales, f32x4.sub(v128.load(x + (<usize>c << 2)), shift)));
    v128.store(y + (<usize>c << 2), e);
    sums = f32x4.add(sums, e);
  }
  let sum: f32 =
    f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  for (; c < cols; c++) {
    const e = exp1(scale * (load<f32>(x + (<usize>c << 2)) - largest));
    store<f32>(y + (<usize>c << 2), e);
    sum += e;
  }
  scaleRow(y, cols, <f32>1.0 / sum);
  return <f64>scale * <f64>largest + log(<f64>sum);
}

@inline
function largestOf(x: usize, cols: i32): f32 {
  let lanes = f32x4.splat(-Infinity);
  let c = 0;
  for (; c + 4 <= cols; c += 4) lanes = f32x4.pmax(lanes, v128.load(x + (<usize>c << 2)));
  let largest = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  for (; c < cols; c++) largest = max(largest, load<f32>(x + (<usize>c << 2)));
  return largest;
}

@inline
function scaleRow(x: usize, cols: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  let c = 0;
  for (; c + 4 <= cols; c += 4) v128.store(x + (<usize>c << 2), f32x4.mul(scales, v128.load(x + (<usize>c << 2))));
  for (; c < cols; c++) store<f32>(x + (<usize>c << 2), scale * load<f32>(x + (<usize>c << 2)));
}
