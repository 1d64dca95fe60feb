// Packing for gemm: A in panels of four rows, B in panels of eight columns, each panel depth-major so that the
// micro kernel reads straight ahead. Overhanging rows and columns are zeros.

export const TILE_ROWS: i32 = 4;
export const TILE_COLS: i32 = 8;

/** Panels of `TILE_COLS` columns of B (depth x cols). */
export function packColumns(b: usize, rowStride: i32, colStride: i32, depth: i32, cols: i32, out: usize): void {
  let j = 0;
  for (; j + TILE_COLS <= cols; j += TILE_COLS) {
    let from = b + (<usize>(j * colStride) << 2);
    const end = out + (<usize>(depth * TILE_COLS) << 2);
    if (colStride == 1) {
      const stride = <usize>rowStride << 2;
      while (out < end) {
        v128.store(out, v128.load(from));
        v128.store(out, v128.load(from, 16), 16);
        from += stride;
        out += 32;
      }
    } else if (rowStride == 1) {
      const stride = <usize>colStride << 2;
      let k = 0;
      for (; k + 4 <= depth; k += 4) {
        transpose4x4(from, stride, out, 32);
        transpose4x4(from + stride * 4, stride, out + 16, 32);
        from += 16;
        out += 128;
      }
      for (; k < depth; k++) {
        gather(from, colStride, TILE_COLS, out);
        from += 4;
        out += 32;
      }
    } else {
      while (out < end) {
        gather(from, colStride, TILE_COLS, out);
        from += <usize>rowStride << 2;
        out += 32;
      }
    }
  }
  if (j < cols) packEdge(b + (<usize>(j * colStride) << 2), rowStride, colStride, depth, cols - j, TILE_COLS, out);
}

/** Panels of `TILE_ROWS` rows of A (rows x depth). */
export function packRows(a: usize, rowStride: i32, colStride: i32, rows: i32, depth: i32, out: usize): void {
  let i = 0;
  for (; i + TILE_ROWS <= rows; i += TILE_ROWS) {
    let from = a + (<usize>(i * rowStride) << 2);
    const end = out + (<usize>(depth * TILE_ROWS) << 2);
    if (colStride == 1) {
      const stride = <usize>rowStride << 2;
      let k = 0;
      for (; k + 4 <= depth; k += 4) {
        transpose4x4(from, stride, out, 16);
        from += 16;
        out += 64;
      }
      for (; k < depth; k++) {
        gather(from, rowStride, TILE_ROWS, out);
        from += 4;
        out += 16;
      }
    } else if (rowStride == 1) {
      const stride = <usize>colStride << 2;
      while (out < end) {
        v128.store(out, v128.load(from));
        from += stride;
        out += 16;
      }
    } else {
      while (out < end) {
        gather(from, rowStride, TILE_ROWS, out);
        from += <usize>colStride << 2;
        out += 16;
      }
    }
  }
  if (i < rows) packEdge(a + (<usize>(i * rowStride) << 2), colStride, rowStride, depth, rows - i, TILE_ROWS, out);
}

/** One panel of fewer than `width` lines, filled up with zeros. */
function packEdge(from: usize, depthStride: i32, lineStride: i32, depth: i32, lines: i32, width: i32, out: usize): void {
  memory.fill(out, 0, <usize>(depth * width) << 2);
  for (let k = 0; k < depth; k++) {
    gather(from, lineStride, lines, out);
    from += <usize>depthStride << 2;
    out += <usize>width << 2;
  }
}

@inline
function gather(from: usize, stride: i32, count: i32, out: usize): void {
  for (let i = 0; i < count; i++) store<f32>(out + (<usize>i << 2), load<f32>(from + (<usize>(i * stride) << 2)));
}

/** Four rows of four, written as four columns; strides in bytes. */
@inline
export function transpose4x4(from: usize, stride: usize, to: usize, toStride: usize): void {
  const r0 = v128.load(from), r1 = v128.load(from + stride);
  const r2 = v128.load(from + stride * 2), r3 = v128.load(from + stride * 3);
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(t0, t1, 0, 2));
  v128.store(to + toStride, v128.shuffle<f64>(t0, t1, 1, 3));
  v128.store(to + toStride * 2, v128.shuffle<f64>(t2, t3, 0, 2));
  v128.store(to + toStride * 3, v128.shuffle<f64>(t2, t3, 1, 3));
}
