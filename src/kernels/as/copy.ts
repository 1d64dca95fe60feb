import { transpose4x4 } from "./pack";

// Copies of 4-byte values between layouts.

/**
 * Fills `to`, contiguous in row-major order, from `from` at any strides (0 repeats). `layout` holds `rank` int32
 * lengths and then `rank` int32 strides, in values. One copy serves transpose, slice, split, unpack and tile.
 */
export function copyStrided(from: usize, rank: i32, layout: usize, to: usize): void {
  if (rank == 0) {
    store<u32>(to, load<u32>(from));
    return;
  }
  const strides = layout + (<usize>rank << 2);
  const cols = load<i32>(layout + (<usize>(rank - 1) << 2));
  const colStride = load<i32>(strides + (<usize>(rank - 1) << 2));
  if (rank == 1) {
    copyRow(from, to, cols, colStride);
    return;
  }
  const rows = load<i32>(layout + (<usize>(rank - 2) << 2));
  const rowStride = load<i32>(strides + (<usize>(rank - 2) << 2));
  let outer = 1;
  for (let axis = 0; axis < rank - 2; axis++) outer *= load<i32>(layout + (<usize>axis << 2));
  for (let o = 0; o < outer; o++) {
    let rest = o, offset = 0;
    for (let axis = rank - 3; axis >= 0; axis--) {
      const length = load<i32>(layout + (<usize>axis << 2));
      offset += (rest % length) * load<i32>(strides + (<usize>axis << 2));
      rest /= length;
    }
    copyMatrix(from + (<usize>offset << 2), rows, rowStride, cols, colStride, to);
    to += <usize>(rows * cols) << 2;
  }
}

function copyMatrix(from: usize, rows: i32, rowStride: i32, cols: i32, colStride: i32, to: usize): void {
  if (rowStride == 1 && colStride != 1) {
    transpose(from, rows, cols, colStride, to);
    return;
  }
  for (let r = 0; r < rows; r++) {
    copyRow(from, to, cols, colStride);
    from += <usize>rowStride << 2;
    to += <usize>cols << 2;
  }
}

@inline
function copyRow(from: usize, to: usize, count: i32, stride: i32): void {
  if (stride != 1) {
    const step = <usize>stride << 2;
    for (let i = 0; i < count; i++) {
      store<u32>(to, load<u32>(from));
      from += step;
      to += 4;
    }
    return;
  }
  if (count >= 64) {
    memory.copy(to, from, <usize>count << 2);
    return;
  }
  for (; count >= 4; count -= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
  }
  for (; count > 0; count--) {
    store<u32>(to, load<u32>(from));
    from += 4;
    to += 4;
  }
}

/** to[r, c] = from[r + c * stride], in tiles of four by four. */
function transpose(from: usize, rows: i32, cols: i32, stride: i32, to: usize): void {
  const step = <usize>stride << 2, pitch = <usize>cols << 2;
  let c = 0;
  for (; c + 4 <= cols; c += 4) {
    let source = from + <usize>c * step, target = to + (<usize>c << 2);
    let r = 0;
    for (; r + 4 <= rows; r += 4) {
      transpose4x4(source, step, target, pitch);
      source += 16;
      target += pitch * 4;
    }
    for (; r < rows; r++) {
      for (let k: usize = 0; k < 4; k++) store<u32>(target + (k << 2), load<u32>(source + k * step));
      source += 4;
      target += pitch;
    }
  }
  for (; c < cols; c++) {
    for (let r = 0; r < rows; r++)
      store<u32>(to + <usize>r * pitch + (<usize>c << 2), load<u32>(from + <usize>c * step + (<usize>r << 2)));
  }
}
