import { gemm } from "./gemm";
import { softmaxGradientRow, softmaxRow } from "./softmax";

// Multi-head attention (Vaswani et al., 2017), softmax(Q Kᵀ / sqrt(depth)) V, for every head by itself. Queries, keys
// and values lie packed in one row a step, as one dense layer makes them: qkv is [batch, steps, 3, heads, depth], the
// output [batch, steps, heads, depth]. Strided products take each head where it lies: nothing is transposed.

/** `shares` gets the attention of every head, [batch, heads, steps, steps]. */
export function attention(
  qkv: usize,
  batch: i32,
  steps: i32,
  heads: i32,
  depth: i32,
  y: usize,
  shares: usize,
  scratch: usize,
): void {
  const width = heads * depth, pitch = 3 * width;
  const scale: f32 = <f32>1.0 / sqrt<f32>(<f32>depth);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < heads; h++) {
      const q = qkv + (<usize>(n * steps * pitch + h * depth) << 2);
      const k = q + (<usize>width << 2), v = k + (<usize>width << 2);
      gemm(steps, steps, depth, q, pitch, 1, k, 1, pitch, shares, steps, false, scratch);
      for (let r = 0; r < steps; r++) {
        const row = shares + (<usize>(r * steps) << 2);
        softmaxRow(row, steps, scale, row);
      }
      const out = y + (<usize>(n * steps * width + h * depth) << 2);
      gemm(steps, depth, steps, shares, steps, 1, v, pitch, 1, out, width, false, scratch);
      shares += <usize>(steps * steps) << 2;
    }
  }
}

/** dQkv, like qkv; `slopes` is room for steps * steps floats. */
export function attentionGradient(
  qkv: usize,
  shares: usize,
  dy: usize,
  batch: i32,
  steps: i32,
  heads: i32,
  depth: i32,
  dQkv: usize,
  slopes: usize,
  scratch: usize,
): void {
  const width = heads * depth, pitch = 3 * width;
  const scale: f32 = <f32>1.0 / sqrt<f32>(<f32>depth);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < heads; h++) {
      const first = <usize>(n * steps * pitch + h * depth) << 2, part = <usize>width << 2;
      const q = qkv + first, k = q + part, v = k + part;
      const dq = dQkv + first, dk = dq + part, dv = dk + part;
      const out = dy + (<usize>(n * steps * width + h * depth) << 2);
      gemm(steps, depth, steps, shares, 1, steps, out, width, 1, dv, pitch, false, scratch);
      gemm(steps, steps, depth, out, width, 1, v, 1, pitch, slopes, steps, false, scratch);
      for (let r = 0; r < steps; r++) {
        const row = <usize>(r * steps) << 2;
        softmaxGradientRow(shares + row, slopes + row, steps, scale, slopes + row);
      }
      gemm(steps, depth, steps, slopes, steps, 1, k, pitch, 1, dq, pitch, false, scratch);
      gemm(steps, depth, steps, slopes, 1, steps, q, pitch, 1, dk, pitch, false, scratch);
      shares += <usize>(steps * steps) << 2;
    }
  }
}
