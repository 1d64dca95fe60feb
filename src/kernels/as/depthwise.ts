import { Geometry, inImageSize } from "./geometry";
import { load4, store4 } from "./lanes";

// Depthwise convolution, NHWC, filter [height, width, in, multiplier]: output channel c * multiplier + k filters
// input channel c alone, so outChannels = inChannels * multiplier.

/** Which of the three products of (x, filter, dy) a walk over the windows adds up. */
const FORWARD = 0, FILTER = 1, INPUT = 2;

export function depthwiseForward(g: Geometry, x: usize, filter: usize, y: usize): void {
  memory.fill(y, 0, <usize>(g.batch * g.outHeight * g.outWidth * g.outChannels) << 2);
  walk(g, x, filter, y, FORWARD);
}

export function depthwiseFilterGradient(g: Geometry, x: usize, dy: usize, dFilter: usize): void {
  memory.fill(dFilter, 0, <usize>(g.filterHeight * g.filterWidth * g.outChannels) << 2);
  walk(g, x, dFilter, dy, FILTER);
}

export function depthwiseInputGradient(g: Geometry, dy: usize, filter: usize, dx: usize): void {
  memory.fill(dx, 0, <usize>(g.batch * inImageSize(g)) << 2);
  walk(g, dx, filter, dy, INPUT);
}

/** Visits every (input pixel, filter pixel, output pixel) that meet. */
@inline
function walk(g: Geometry, x: usize, filter: usize, y: usize, target: i32): void {
  for (let n = 0; n < g.batch; n++) {
    const image = x + (<usize>(n * inImageSize(g)) << 2);
    for (let i = 0; i < g.outHeight; i++) {
      for (let j = 0; j < g.outWidth; j++) {
        for (let a = 0; a < g.filterHeight; a++) {
          const row = i * g.strideHeight + a * g.dilationHeight - g.padTop;
          if (row < 0 || row >= g.inHeight) continue;
          for (let b = 0; b < g.filterWidth; b++) {
            const col = j * g.strideWidth + b * g.dilationWidth - g.padLeft;
            if (col < 0 || col >= g.inWidth) continue;
            const pixel = image + (<usize>((row * g.inWidth + col) * g.inChannels) << 2);
            const taps = filter + (<usize>((a * g.filterWidth + b) * g.outChannels) << 2);
            if (g.outChannels == g.inChannels) single(pixel, taps, y, g.inChannels, target);
            else several(pixel, taps, y, g.inChannels, g.outChannels / g.inChannels, target);
          }
        }
        y += <usize>g.outChannels << 2;
      }
    }
  }
}

/** One filter a channel. */
@inline
function single(x: usize, filter: usize, y: usize, channels: i32, target: i32): void {
  for (let c = 0; c < channels; c += 4) {
    const at = <usize>c << 2, left = channels - c;
    if (target == FORWARD) multiplyAdd(x + at, filter + at, y + at, left);
    else if (target == FILTER) multiplyAdd(x + at, y + at, filter + at, left);
    else multiplyAdd(filter + at, y + at, x + at, left);
  }
}

@inline
function multiplyAdd(a: usize, b: usize, sum: usize, left: i32): void {
  store4(sum, f32x4.add(load4(sum, left), f32x4.mul(load4(a, left), load4(b, left))), left);
}

@inline
function several(x: usize, filter: usize, y: usize, channels: i32, multiplier: i32, target: i32): void {
  for (let c = 0; c < channels; c++) {
    const at = x + (<usize>c << 2);
    for (let k = 0; k < multiplier; k++) {
      if (target == FORWARD) store<f32>(y, load<f32>(y) + load<f32>(at) * load<f32>(filter));
      else if (target == FILTER) store<f32>(filter, load<f32>(filter) + load<f32>(at) * load<f32>(y));
      else store<f32>(at, load<f32>(at) + load<f32>(filter) * load<f32>(y));
      filter += 4;
      y += 4;
    }
  }
}
