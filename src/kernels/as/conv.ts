import { gemm } from "./gemm";
import { Geometry, inImageSize, outPixels, windowSize } from "./geometry";
import { gatherPlanes } from "./planes";
import { gatherWindows, scatterWindows } from "./windows";

// Two-dimensional convolution and its gradients, NHWC, filter [height, width, in, out]. Several images share one
// matrix product, so that packing the filter is paid once for many output pixels; their windows fit the cache.

const CHUNK_FLOATS: i32 = 1 << 16;

@inline
function imagesPerChunk(g: Geometry): i32 {
  return min(g.batch, max(1, CHUNK_FLOATS / max(1, outPixels(g) * windowSize(g))));
}

/** A 1x1 window at every pixel: the images are their own windows. */
@inline
function isPointwise(g: Geometry): bool {
  return (
    g.filterHeight == 1 && g.filterWidth == 1 && g.strideHeight == 1 && g.strideWidth == 1 &&
    g.padTop == 0 && g.padLeft == 0 && g.outHeight == g.inHeight && g.outWidth == g.inWidth
  );
}

/** Bytes of window memory that the three functions below need for this geometry. */
export function convWindowBytes(g: Geometry): i32 {
  return isPointwise(g) ? 0 : (imagesPerChunk(g) * outPixels(g) * windowSize(g)) << 2;
}

/** y = x * filter */
export function convForward(g: Geometry, x: usize, filter: usize, y: usize, windows: usize, scratch: usize): void {
  const size = windowSize(g), channels = g.outChannels, pixels = outPixels(g);
  if (isPointwise(g)) {
    gemm(g.batch * pixels, channels, size, x, size, 1, filter, channels, 1, y, channels, false, scratch);
    return;
  }
  const step = imagesPerChunk(g);
  for (let n = 0; n < g.batch; n += step) {
    const images = min(step, g.batch - n);
    const planar = gatherChunk(g, x, n, images, windows);
    const out = y + (<usize>(n * pixels * channels) << 2);
    const rowStride = planar ? 1 : size, colStride = planar ? images * pixels : 1;
    gemm(
      images * pixels, channels, size, windows, rowStride, colStride, filter, channels, 1,
      out, channels, false, scratch,
    );
  }
}

/** dFilter = the gradient of the filter, given the output's gradient dy */
export function convFilterGradient(g: Geometry, x: usize, dy: usize, dFilter: usize, windows: usize, scratch: usize): void {
  const size = windowSize(g), channels = g.outChannels, pixels = outPixels(g);
  if (isPointwise(g)) {
    gemm(size, channels, g.batch * pixels, x, 1, size, dy, channels, 1, dFilter, channels, false, scratch);
    return;
  }
  const step = imagesPerChunk(g);
  for (let n = 0; n < g.batch; n += step) {
    const images = min(step, g.batch - n);
    const planar = gatherChunk(g, x, n, images, windows);
    const out = dy + (<usize>(n * pixels * channels) << 2);
    const rowStride = planar ? images * pixels : 1, colStride = planar ? 1 : size;
    gemm(
      size, channels, images * pixels, windows, rowStride, colStride, out, channels, 1,
      dFilter, channels, n > 0, scratch,
    );
  }
}

/** dx = the gradient of the input, given the output's gradient dy */
export function convInputGradient(g: Geometry, dy: usize, filter: usize, dx: usize, windows: usize, scratch: usize): void {
  const size = windowSize(g), channels = g.outChannels, pixels = outPixels(g), imageSize = inImageSize(g);
  if (isPointwise(g)) {
    gemm(g.batch * pixels, size, channels, dy, channels, 1, filter, 1, channels, dx, size, false, scratch);
    return;
  }
  memory.fill(dx, 0, <usize>(g.batch * imageSize) << 2);
  const step = imagesPerChunk(g);
  for (let n = 0; n < g.batch; n += step) {
    const images = min(step, g.batch - n);
    const out = dy + (<usize>(n * pixels * channels) << 2);
    gemm(images * pixels, size, channels, out, channels, 1, filter, 1, channels, windows, size, false, scratch);
    for (let m = 0; m < images; m++) {
      scatterWindows(
        windows + (<usize>(m * pixels * size) << 2),
        g,
        dx + (<usize>((n + m) * imageSize) << 2),
      );
    }
  }
}

/** Fills `windows` for a chunk; true when they lie transposed, windowSize x pixels. */
function gatherChunk(g: Geometry, x: usize, first: i32, images: i32, windows: usize): bool {
  const pixels = outPixels(g), planar = g.inChannels == 1;
  for (let m = 0; m < images; m++) {
    const image = x + (<usize>((first + m) * inImageSize(g)) << 2);
    if (planar) gatherPlanes(image, g, windows + (<usize>(m * pixels) << 2), images * pixels);
    else gatherWindows(image, g, windows + (<usize>(m * pixels * windowSize(g)) << 2));
  }
  return planar;
}
