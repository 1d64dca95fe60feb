import { Geometry } from "./geometry";
import { copyLine } from "./lines";

/**
 * The windows of one single-channel image, transposed: row k holds, for every output pixel, the value under filter
 * coordinate k. Each row is the image shifted, so it is copied in whole lines where `gatherWindows` would copy
 * filterWidth values at a time. `stride` counts the floats from one row to the next.
 */
export function gatherPlanes(image: usize, g: Geometry, planes: usize, stride: i32): void {
  for (let a = 0; a < g.filterHeight; a++) {
    for (let b = 0; b < g.filterWidth; b++) {
      const shift = b * g.dilationWidth - g.padLeft;
      const first = firstInside(shift, g.strideWidth);
      const end = max(first, min(g.outWidth, firstInside(shift - g.inWidth, g.strideWidth)));
      let to = planes + (<usize>((a * g.filterWidth + b) * stride) << 2);
      for (let i = 0; i < g.outHeight; i++) {
        const y = i * g.strideHeight + a * g.dilationHeight - g.padTop;
        if (y < 0 || y >= g.inHeight) memory.fill(to, 0, <usize>g.outWidth << 2);
        else shiftLine(image + (<usize>(y * g.inWidth + shift) << 2), to, first, end, g.outWidth, g.strideWidth);
        to += <usize>g.outWidth << 2;
      }
    }
  }
}

/** The smallest j >= 0 with j * stride + shift >= 0. */
@inline
function firstInside(shift: i32, stride: i32): i32 {
  return shift >= 0 ? 0 : (stride - 1 - shift) / stride;
}

/** to[j] = from[j * stride] for first <= j < end, else zero. */
@inline
function shiftLine(from: usize, to: usize, first: i32, end: i32, count: i32, stride: i32): void {
  for (let j = 0; j < min(first, count); j++) store<f32>(to + (<usize>j << 2), 0);
  if (stride == 1) copyLine(from + (<usize>first << 2), to + (<usize>first << 2), end - first);
  else for (let j = first; j < end; j++) store<f32>(to + (<usize>j << 2), load<f32>(from + (<usize>(j * stride) << 2)));
  for (let j = end; j < count; j++) store<f32>(to + (<usize>j << 2), 0);
}
