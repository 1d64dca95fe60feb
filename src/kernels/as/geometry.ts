/**
 * The shape of a convolution or pooling, as the caller lays it out in memory: consecutive 32-bit integers in this
 * order. Images are NHWC. For pooling, outChannels equals inChannels.
 */
@unmanaged
export class Geometry {
  batch: i32;
  inHeight: i32;
  inWidth: i32;
  inChannels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  filterHeight: i32;
  filterWidth: i32;
  strideHeight: i32;
  strideWidth: i32;
  dilationHeight: i32;
  dilationWidth: i32;
  padTop: i32;
  padLeft: i32;
}

/** Values in one window over all input channels. */
@inline
export function windowSize(g: Geometry): i32 {
  return g.filterHeight * g.filterWidth * g.inChannels;
}

@inline
export function inImageSize(g: Geometry): i32 {
  return g.inHeight * g.inWidth * g.inChannels;
}

@inline
export function outPixels(g: Geometry): i32 {
  return g.outHeight * g.outWidth;
}
