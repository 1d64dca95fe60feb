import { gemm, gemmPacked, packedBytes, packMatrix } from "./gemm";
import { load4, store4 } from "./lanes";
import { sigmoid4, tanh4 } from "./math";
import { blockSum } from "./reduce";
import { previousSteps } from "./sequence";

// Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000) over whole sequences, from
// zero states. The gates are input, forget, candidate and output, in this order, as Keras has them:
//   c = sigmoid(f) c' + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c),  [i f g o] = x W + h' U + b.
// x is [batch, steps, inputs], h and c [batch, steps, units], gates [batch, steps, 4 units] after their activation.

/** Bytes of `work` for the forward pass; its gradient needs `lstmGradientBytes`. */
export function lstmBytes(units: i32): i32 {
  return packedBytes(units, 4 * units);
}

export function lstmForward(
  batch: i32,
  steps: i32,
  inputs: i32,
  units: i32,
  x: usize,
  kernel: usize,
  recurrent: usize,
  bias: usize,
  gates: usize,
  h: usize,
  c: usize,
  work: usize,
  scratch: usize,
): void {
  const width = 4 * units;
  gemm(batch * steps, width, inputs, x, inputs, 1, kernel, width, 1, gates, width, false, scratch);
  packMatrix(recurrent, width, 1, units, width, work);
  for (let t = 0; t < steps; t++) {
    const now = <usize>(t * units) << 2, before = now - (<usize>units << 2);
    const gatesNow = gates + (<usize>(t * width) << 2);
    if (t > 0) gemmPacked(batch, width, units, h + before, steps * units, work, gatesNow, steps * width, true, scratch);
    for (let n = 0; n < batch; n++) {
      const state = <usize>(n * steps * units) << 2;
      const row = gatesNow + (<usize>(n * steps * width) << 2);
      cell(row, bias, units, t > 0 ? c + state + before : 0, c + state + now, h + state + now);
    }
  }
}

@inline
function cell(gates: usize, bias: usize, units: i32, previous: usize, c: usize, h: usize): void {
  const part = <usize>units << 2;
  for (let k = 0; k < units; k += 4) {
    const at = <usize>k << 2, left = units - k;
    const gi = gates + at, gf = gi + part, gc = gf + part, go = gc + part;
    const bi = bias + at, bf = bi + part, bc = bf + part, bo = bc + part;
    const i = sigmoid4(f32x4.add(load4(gi, left), load4(bi, left)));
    const f = sigmoid4(f32x4.add(load4(gf, left), load4(bf, left)));
    const g = tanh4(f32x4.add(load4(gc, left), load4(bc, left)));
    const o = sigmoid4(f32x4.add(load4(go, left), load4(bo, left)));
    store4(gi, i, left);
    store4(gf, f, left);
    store4(gc, g, left);
    store4(go, o, left);
    let state = f32x4.mul(i, g);
    if (previous) state = f32x4.add(state, f32x4.mul(f, load4(previous + at, left)));
    store4(c + at, state, left);
    store4(h + at, f32x4.mul(o, tanh4(state)), left);
  }
}

export function lstmGradientBytes(batch: i32, steps: i32, units: i32): i32 {
  return ((batch * steps * 5 * units + 2 * batch * units) << 2) + packedBytes(4 * units, units);
}

/** Gradients of all inputs, given dy, that of h [batch, steps, units]. */
export function lstmGradient(
  batch: i32,
  steps: i32,
  inputs: i32,
  units: i32,
  x: usize,
  kernel: usize,
  recurrent: usize,
  gates: usize,
  h: usize,
  c: usize,
  dy: usize,
  dx: usize,
  dKernel: usize,
  dRecurrent: usize,
  dBias: usize,
  work: usize,
  scratch: usize,
): void {
  const width = 4 * units, rows = batch * steps;
  const dGates = work;
  const previous = dGates + (<usize>(rows * width) << 2);
  const dh = previous + (<usize>(rows * units) << 2);
  const dc = dh + (<usize>(batch * units) << 2);
  const packed = dc + (<usize>(batch * units) << 2);
  memory.fill(dh, 0, <usize>(2 * batch * units) << 2);
  packMatrix(recurrent, 1, width, width, units, packed);
  for (let t = steps - 1; t >= 0; t--) {
    const now = <usize>(t * units) << 2, gatesNow = <usize>(t * width) << 2;
    for (let n = 0; n < batch; n++) {
      const state = (<usize>(n * steps * units) << 2) + now, row = (<usize>(n * steps * width) << 2) + gatesNow;
      const carried = <usize>(n * units) << 2;
      cellGradient(gates + row, c + state, t > 0, dy + state, dh + carried, dc + carried, units, dGates + row);
    }
    if (t > 0) gemmPacked(batch, units, width, dGates + gatesNow, steps * width, packed, dh, units, false, scratch);
  }
  previousSteps(h, batch, steps, units, previous);
  gemm(inputs, width, rows, x, 1, inputs, dGates, width, 1, dKernel, width, false, scratch);
  gemm(units, width, rows, previous, 1, units, dGates, width, 1, dRecurrent, width, false, scratch);
  gemm(rows, inputs, width, dGates, width, 1, kernel, 1, width, dx, inputs, false, scratch);
  blockSum(dGates, 1, rows, width, 1, dBias);
}

@inline
function cellGradient(
  gates: usize,
  c: usize,
  hasPrevious: bool,
  dy: usize,
  dh: usize,
  dc: usize,
  units: i32,
  dGates: usize,
): void {
  const part = <usize>units << 2, one = f32x4.splat(1);
  for (let k = 0; k < units; k += 4) {
    const at = <usize>k << 2, left = units - k;
    const i = load4(gates + at, left), f = load4(gates + at + part, left);
    const g = load4(gates + at + part * 2, left), o = load4(gates + at + part * 3, left);
    const slope = f32x4.add(load4(dh + at, left), load4(dy + at, left));
    const squashed = tanh4(load4(c + at, left));
    const flat = f32x4.sub(one, f32x4.mul(squashed, squashed));
    const state = f32x4.add(load4(dc + at, left), f32x4.mul(f32x4.mul(slope, o), flat));
    const before = hasPrevious ? load4(c + at - part, left) : f32x4.splat(0);
    const to = dGates + at;
    store4(to, f32x4.mul(f32x4.mul(state, g), f32x4.mul(i, f32x4.sub(one, i))), left);
    store4(to + part, f32x4.mul(f32x4.mul(state, before), f32x4.mul(f, f32x4.sub(one, f))), left);
    store4(to + part * 2, f32x4.mul(f32x4.mul(state, i), f32x4.sub(one, f32x4.mul(g, g))), left);
    store4(to + part * 3, f32x4.mul(f32x4.mul(slope, squashed), f32x4.mul(o, f32x4.sub(one, o))), left);
    store4(dc + at, f32x4.mul(state, f), left);
  }
}
