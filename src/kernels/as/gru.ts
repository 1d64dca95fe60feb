import { gemm, gemmPacked, packedBytes, packMatrix } from "./gemm";
import { load4, store4 } from "./lanes";
import { sigmoid4, tanh4 } from "./math";
import { blockSum } from "./reduce";
import { previousSteps } from "./sequence";

// Gated recurrent unit (Cho et al., 2014) over whole sequences, from zero states. The gates are update, reset and
// candidate, in this order; the reset gate acts on the state before its product, as tfjs has it (reset_after false):
//   h = z h' + (1 - z) g,  [z r] = sigmoid(x W + h' U + b),  g = tanh(x W + (r h') U + b).
// x is [batch, steps, inputs], h and resets (r h') [batch, steps, units], gates [batch, steps, 3 units].

/** Bytes of `work` for the forward pass; its gradient needs `gruGradientBytes`. */
export function gruBytes(units: i32): i32 {
  return packedBytes(units, 2 * units) + packedBytes(units, units);
}

export function gruForward(
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
  resets: usize,
  work: usize,
  scratch: usize,
): void {
  const width = 3 * units, pitch = steps * units, part = <usize>units << 2;
  const packedCandidate = work + packedBytes(units, 2 * units);
  gemm(batch * steps, width, inputs, x, inputs, 1, kernel, width, 1, gates, width, false, scratch);
  packMatrix(recurrent, width, 1, units, 2 * units, work);
  packMatrix(recurrent + part * 2, width, 1, units, units, packedCandidate);
  for (let t = 0; t < steps; t++) {
    const now = <usize>t * part, before = now - part, gatesNow = gates + <usize>(3 * t) * part;
    if (t > 0) gemmPacked(batch, 2 * units, units, h + before, pitch, work, gatesNow, steps * width, true, scratch);
    for (let n = 0; n < batch; n++) {
      const state = <usize>(n * pitch) << 2, row = gatesNow + (<usize>(n * steps * width) << 2);
      resetStep(row, bias, units, t > 0 ? h + state + before : 0, resets + state + now);
    }
    if (t > 0)
      gemmPacked(batch, units, units, resets + now, pitch, packedCandidate, gatesNow + part * 2, steps * width, true, scratch);
    for (let n = 0; n < batch; n++) {
      const state = <usize>(n * pitch) << 2, row = gatesNow + (<usize>(n * steps * width) << 2);
      updateStep(row, bias + part * 2, units, t > 0 ? h + state + before : 0, h + state + now);
    }
  }
}

/** Update and reset gate, and the reset state. */
@inline
function resetStep(gates: usize, bias: usize, units: i32, previous: usize, reset: usize): void {
  const part = <usize>units << 2;
  for (let k = 0; k < units; k += 4) {
    const at = <usize>k << 2, left = units - k;
    const z = sigmoid4(f32x4.add(load4(gates + at, left), load4(bias + at, left)));
    const r = sigmoid4(f32x4.add(load4(gates + at + part, left), load4(bias + at + part, left)));
    store4(gates + at, z, left);
    store4(gates + at + part, r, left);
    store4(reset + at, previous ? f32x4.mul(r, load4(previous + at, left)) : f32x4.splat(0), left);
  }
}

/** Candidate and new state. */
@inline
function updateStep(gates: usize, bias: usize, units: i32, previous: usize, h: usize): void {
  const part = <usize>units << 2;
  for (let k = 0; k < units; k += 4) {
    const at = <usize>k << 2, left = units - k;
    const z = load4(gates + at, left);
    const g = tanh4(f32x4.add(load4(gates + at + part * 2, left), load4(bias + at, left)));
    store4(gates + at + part * 2, g, left);
    let state = f32x4.mul(f32x4.sub(f32x4.splat(1), z), g);
    if (previous) state = f32x4.add(state, f32x4.mul(z, load4(previous + at, left)));
    store4(h + at, state, left);
  }
}

export function gruGradientBytes(batch: i32, steps: i32, units: i32): i32 {
  const packed = packedBytes(2 * units, units) + packedBytes(units, units);
  return ((batch * steps * 4 * units + 2 * batch * units) << 2) + packed;
}

/** Gradients of all inputs, given dy, that of h [batch, steps, units]. */
export function gruGradient(
  batch: i32,
  steps: i32,
  inputs: i32,
  units: i32,
  x: usize,
  kernel: usize,
  recurrent: usize,
  gates: usize,
  h: usize,
  resets: usize,
  dy: usize,
  dx: usize,
  dKernel: usize,
  dRecurrent: usize,
  dBias: usize,
  work: usize,
  scratch: usize,
): void {
  const width = 3 * units, rows = batch * steps, part = <usize>units << 2;
  const dGates = work;
  const previous = dGates + <usize>(3 * rows) * part;
  const dh = previous + <usize>rows * part;
  const dReset = dh + <usize>batch * part;
  const packed = dReset + <usize>batch * part;
  const packedCandidate = packed + packedBytes(2 * units, units);
  previousSteps(h, batch, steps, units, previous);
  memory.fill(dh, 0, <usize>batch * part);
  packMatrix(recurrent, 1, width, 2 * units, units, packed);
  packMatrix(recurrent + part * 2, 1, width, units, units, packedCandidate);
  for (let t = steps - 1; t >= 0; t--) {
    const now = <usize>t * part, gatesNow = <usize>(3 * t) * part;
    for (let n = 0; n < batch; n++) {
      const state = <usize>(n * steps) * part + now, row = <usize>(3 * n * steps) * part + gatesNow;
      updateGradient(gates + row, previous + state, dy + state, dh + <usize>n * part, units, dGates + row);
    }
    const candidates = dGates + gatesNow + part * 2;
    gemmPacked(batch, units, units, candidates, steps * width, packedCandidate, dReset, units, false, scratch);
    for (let n = 0; n < batch; n++) {
      const state = <usize>(n * steps) * part + now, row = <usize>(3 * n * steps) * part + gatesNow + part;
      resetGradient(gates + row, previous + state, dReset + <usize>n * part, dh + <usize>n * part, units, dGates + row);
    }
    if (t > 0)
      gemmPacked(batch, units, 2 * units, dGates + gatesNow, steps * width, packed, dh, units, true, scratch);
  }
  gemm(inputs, width, rows, x, 1, inputs, dGates, width, 1, dKernel, width, false, scratch);
  gemm(units, 2 * units, rows, previous, 1, units, dGates, width, 1, dRecurrent, width, false, scratch);
  gemm(units, units, rows, resets, 1, units, dGates + part * 2, width, 1, dRecurrent + part * 2, width, false, scratch);
  gemm(rows, inputs, width, dGates, width, 1, kernel, 1, width, dx, inputs, false, scratch);
  blockSum(dGates, 1, rows, width, 1, dBias);
}

/** Gradients before the update gate and the candidate; dh becomes what passes to the step before directly. */
@inline
function updateGradient(gates: usize, previous: usize, dy: usize, dh: usize, units: i32, dGates: usize): void {
  const part = <usize>units << 2, one = f32x4.splat(1);
  for (let k = 0; k < units; k += 4) {
    const at = <usize>k << 2, left = units - k;
    const z = load4(gates + at, left), g = load4(gates + at + part * 2, left);
    const slope = f32x4.add(load4(dh + at, left), load4(dy + at, left));
    const taken = f32x4.sub(one, z);
    const change = f32x4.mul(slope, f32x4.sub(load4(previous + at, left), g));
    store4(dGates + at, f32x4.mul(change, f32x4.mul(z, taken)), left);
    store4(dGates + at + part * 2, f32x4.mul(f32x4.mul(slope, taken), f32x4.sub(one, f32x4.mul(g, g))), left);
    store4(dh + at, f32x4.mul(slope, z), left);
  }
}

/** The gradient before the reset gate; dh gains what passes through the reset state. */
@inline
function resetGradient(reset: usize, previous: usize, dReset: usize, dh: usize, units: i32, dGate: usize): void {
  const one = f32x4.splat(1);
  for (let k = 0; k < units; k += 4) {
    const at = <usize>k << 2, left = units - k;
    const r = load4(reset + at, left), slope = load4(dReset + at, left);
    const open = f32x4.mul(r, f32x4.sub(one, r));
    store4(dGate + at, f32x4.mul(f32x4.mul(slope, load4(previous + at, left)), open), left);
    store4(dh + at, f32x4.add(load4(dh + at, left), f32x4.mul(slope, r)), left);
  }
}
