import { Geometry, windowSize } from "./geometry";
import { addLine, copyLine } from "./lines";

// A convolution as a matrix product: every output pixel's window is one row of a matrix ("im2col"), filter row by
// filter row, channels last, so that a row matches the filter's own layout.

/** The windows of one image, outPixels x windowSize; outside the image they are zero. */
export function gatherWindows(image: usize, g: Geometry, windows: usize): void {
  const channels = g.inChannels;
  const lineBytes = <usize>(g.filterWidth * channels) << 2;
  const pixelBytes = <usize>channels << 2;
  let to = windows;
  for (let i = 0; i < g.outHeight; i++) {
    for (let j = 0; j < g.outWidth; j++) {
      const x0 = j * g.strideWidth - g.padLeft;
      const whole = g.dilationWidth == 1 && x0 >= 0 && x0 + g.filterWidth <= g.inWidth;
      for (let a = 0; a < g.filterHeight; a++) {
        const y = i * g.strideHeight + a * g.dilationHeight - g.padTop;
        if (y < 0 || y >= g.inHeight) {
          memory.fill(to, 0, lineBytes);
          to += lineBytes;
          continue;
        }
        const row = image + (<usize>(y * g.inWidth * channels) << 2);
        if (whole) {
          copyLine(row + (<usize>(x0 * channels) << 2), to, g.filterWidth * channels);
          to += lineBytes;
          continue;
        }
        for (let b = 0; b < g.filterWidth; b++) {
          const x = x0 + b * g.dilationWidth;
          if (x < 0 || x >= g.inWidth) memory.fill(to, 0, pixelBytes);
          else copyLine(row + (<usize>(x * channels) << 2), to, channels);
          to += pixelBytes;
        }
      }
    }
  }
}

/** The transpose of `gatherWindows`: adds every window's values back to the image. */
export function scatterWindows(windows: usize, g: Geometry, image: usize): void {
  const channels = g.inChannels;
  const lineBytes = <usize>(g.filterWidth * channels) << 2;
  let from = windows;
  for (let i = 0; i < g.outHeight; i++) {
    for (let j = 0; j < g.outWidth; j++) {
      const x0 = j * g.strideWidth - g.padLeft;
      const whole = g.dilationWidth == 1 && x0 >= 0 && x0 + g.filterWidth <= g.inWidth;
      for (let a = 0; a < g.filterHeight; a++) {
        const y = i * g.strideHeight + a * g.dilationHeight - g.padTop;
        if (y >= 0 && y < g.inHeight) {
          const row = image + (<usize>(y * g.inWidth * channels) << 2);
          if (whole) {
            addLine(from, row + (<usize>(x0 * channels) << 2), g.filterWidth * channels);
          } else {
            for (let b = 0; b < g.filterWidth; b++) {
              const x = x0 + b * g.dilationWidth;
              if (x < 0 || x >= g.inWidth) continue;
              addLine(from + (<usize>(b * channels) << 2), row + (<usize>(x * channels) << 2), channels);
            }
          }
        }
        from += lineBytes;
      }
    }
  }
}
