import { addLine, copyLine } from "./lines";

// Rows chosen by number: embeddings and their gradients. Indices are int32.

/** out[outer, numIndices, inner] = x[outer, length, inner] at the indices; each must lie in 0..length-1. */
export function gatherRows(
  x: usize,
  indices: usize,
  outer: i32,
  length: i32,
  numIndices: i32,
  inner: i32,
  out: usize,
): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < numIndices; i++) {
      const index = load<i32>(indices + (<usize>i << 2));
      copyLine(x + (<usize>((o * length + index) * inner) << 2), out, inner);
      out += <usize>inner << 2;
    }
  }
}

/** out[numSegments, inner]: the sums of the rows of x[count, inner] that carry each segment's number; others are left out. */
export function segmentSum(x: usize, segments: usize, count: i32, inner: i32, numSegments: i32, out: usize): void {
  memory.fill(out, 0, <usize>(numSegments * inner) << 2);
  for (let i = 0; i < count; i++) {
    const segment = load<i32>(segments + (<usize>i << 2));
    if (segment >= 0 && segment < numSegments) addLine(x, out + (<usize>(segment * inner) << 2), inner);
    x += <usize>inner << 2;
  }
}
