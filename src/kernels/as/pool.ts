import { Geometry, inImageSize } from "./geometry";

// Gradients of two-dimensional pooling, NHWC, four channels at a time. dx is set, not added to.

/**
 * Sends each window's gradient to its first maximum, row by row, whatever its sign. (The wasm backend's own kernel
 * loses the gradient of every window whose maximum is not positive.)
 */
export function maxPoolGradient(g: Geometry, x: usize, dy: usize, dx: usize): void {
  memory.fill(dx, 0, <usize>(g.batch * inImageSize(g)) << 2);
  const channels = g.inChannels;
  let grad = dy;
  for (let n = 0; n < g.batch; n++) {
    const image = <usize>(n * inImageSize(g)) << 2;
    for (let i = 0; i < g.outHeight; i++) {
      for (let j = 0; j < g.outWidth; j++) {
        let c = 0;
        for (; c + 4 <= channels; c += 4) maxWindow4(g, x + image, dx + image, i, j, c, v128.load(grad + (<usize>c << 2)));
        for (; c < channels; c++) maxWindow1(g, x + image, dx + image, i, j, c, load<f32>(grad + (<usize>c << 2)));
        grad += <usize>channels << 2;
      }
    }
  }
}

@inline
function maxWindow4(g: Geometry, x: usize, dx: usize, i: i32, j: i32, c: i32, grad: v128): void {
  const y0 = i * g.strideHeight - g.padTop, x0 = j * g.strideWidth - g.padLeft;
  let largest = f32x4.splat(-Infinity);
  for (let a = 0; a < g.filterHeight; a++) {
    const row = y0 + a * g.dilationHeight;
    if (row < 0 || row >= g.inHeight) continue;
    for (let b = 0; b < g.filterWidth; b++) {
      const col = x0 + b * g.dilationWidth;
      if (col < 0 || col >= g.inWidth) continue;
      largest = f32x4.pmax(largest, v128.load(x + offset(g, row, col, c)));
    }
  }
  let waiting = i32x4.splat(-1);
  for (let a = 0; a < g.filterHeight; a++) {
    const row = y0 + a * g.dilationHeight;
    if (row < 0 || row >= g.inHeight) continue;
    for (let b = 0; b < g.filterWidth; b++) {
      const col = x0 + b * g.dilationWidth;
      if (col < 0 || col >= g.inWidth) continue;
      const at = offset(g, row, col, c);
      const hit = v128.and(f32x4.eq(v128.load(x + at), largest), waiting);
      waiting = v128.andnot(waiting, hit);
      v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(hit, grad)));
    }
  }
}

@inline
function maxWindow1(g: Geometry, x: usize, dx: usize, i: i32, j: i32, c: i32, grad: f32): void {
  const y0 = i * g.strideHeight - g.padTop, x0 = j * g.strideWidth - g.padLeft;
  let largest: f32 = -Infinity;
  let winner: usize = 0;
  let found = false;
  for (let a = 0; a < g.filterHeight; a++) {
    const row = y0 + a * g.dilationHeight;
    if (row < 0 || row >= g.inHeight) continue;
    for (let b = 0; b < g.filterWidth; b++) {
      const col = x0 + b * g.dilationWidth;
      if (col < 0 || col >= g.inWidth) continue;
      const at = offset(g, row, col, c);
      const value = load<f32>(x + at);
      if (value > largest || !found) {
        largest = value;
        winner = at;
        found = true;
      }
    }
  }
  if (found) store<f32>(dx + winner, load<f32>(dx + winner) + grad);
}

/** Spreads each window's gradient evenly; the divisor counts the whole window, padding included, as tfjs does. */
export function avgPoolGradient(g: Geometry, dy: usize, dx: usize): void {
  memory.fill(dx, 0, <usize>(g.batch * inImageSize(g)) << 2);
  const channels = g.inChannels;
  const share: f32 = <f32>1.0 / <f32>(g.filterHeight * g.filterWidth);
  let grad = dy;
  for (let n = 0; n < g.batch; n++) {
    const image = dx + (<usize>(n * inImageSize(g)) << 2);
    for (let i = 0; i < g.outHeight; i++) {
      for (let j = 0; j < g.outWidth; j++) {
        for (let a = 0; a < g.filterHeight; a++) {
          const row = i * g.strideHeight - g.padTop + a * g.dilationHeight;
          if (row < 0 || row >= g.inHeight) continue;
          for (let b = 0; b < g.filterWidth; b++) {
            const col = j * g.strideWidth - g.padLeft + b * g.dilationWidth;
            if (col < 0 || col >= g.inWidth) continue;
            addScaled(grad, image + offset(g, row, col, 0), channels, share);
          }
        }
        grad += <usize>channels << 2;
      }
    }
  }
}

@inline
function addScaled(from: usize, to: usize, count: i32, scale: f32): void {
  const scales = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(scales, v128.load(from + at))));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    store<f32>(to + at, load<f32>(to + at) + scale * load<f32>(from + at));
  }
}

/** Bytes from an image's start to (row, col, channel). */
@inline
function offset(g: Geometry, row: i32, col: i32, c: i32): usize {
  return <usize>((row * g.inWidth + col) * g.inChannels + c) << 2;
}
