import { packColumns, packRows, TILE_COLS, TILE_ROWS } from "./pack";

// Matrix product of float32 matrices after Goto and van de Geijn (2008): blocks of A and B are packed into panels
// that stay in the caches, and a micro kernel multiplies one panel pair into a 4x8 tile held in eight registers.
// A and B take any strides, which covers both transposes; C is row major.

const DEPTH_BLOCK: i32 = 256;
const ROW_BLOCK: i32 = 128;
const COL_BLOCK: i32 = 512;

/** Bytes of scratch memory that `gemm` needs. */
export function gemmScratchBytes(): i32 {
  return (ROW_BLOCK * DEPTH_BLOCK + COL_BLOCK * DEPTH_BLOCK + TILE_ROWS * TILE_COLS) << 2;
}

/** C = A·B, or C += A·B when `accumulate`. A is rows x depth, B is depth x cols; strides count elements. */
export function gemm(
  rows: i32,
  cols: i32,
  depth: i32,
  a: usize,
  aRowStride: i32,
  aColStride: i32,
  b: usize,
  bRowStride: i32,
  bColStride: i32,
  c: usize,
  cRowStride: i32,
  accumulate: bool,
  scratch: usize,
): void {
  if (depth == 0 && !accumulate) {
    for (let i = 0; i < rows; i++) memory.fill(c + (<usize>(i * cRowStride) << 2), 0, <usize>cols << 2);
  }
  const rowPanels = scratch;
  const colPanels = rowPanels + (<usize>(ROW_BLOCK * DEPTH_BLOCK) << 2);
  const edgeTile = colPanels + (<usize>(COL_BLOCK * DEPTH_BLOCK) << 2);
  for (let col0 = 0; col0 < cols; col0 += COL_BLOCK) {
    const numCols = min(COL_BLOCK, cols - col0);
    for (let depth0 = 0; depth0 < depth; depth0 += DEPTH_BLOCK) {
      const numDeep = min(DEPTH_BLOCK, depth - depth0);
      const add = accumulate || depth0 > 0;
      packColumns(
        b + (<usize>(depth0 * bRowStride + col0 * bColStride) << 2),
        bRowStride,
        bColStride,
        numDeep,
        numCols,
        colPanels,
      );
      for (let row0 = 0; row0 < rows; row0 += ROW_BLOCK) {
        const numRows = min(ROW_BLOCK, rows - row0);
        packRows(
          a + (<usize>(row0 * aRowStride + depth0 * aColStride) << 2),
          aRowStride,
          aColStride,
          numRows,
          numDeep,
          rowPanels,
        );
        multiplyPanels(
          numRows,
          numCols,
          numDeep,
          rowPanels,
          colPanels,
          c + (<usize>(row0 * cRowStride + col0) << 2),
          cRowStride,
          add,
          edgeTile,
        );
      }
    }
  }
}

/** Bytes of a matrix that `packMatrix` has packed. */
export function packedBytes(depth: i32, cols: i32): i32 {
  return ((cols + TILE_COLS - 1) / TILE_COLS) * TILE_COLS * (depth << 2);
}

/** B packed for `gemmPacked`: worth it when one B meets many A, as in a recurrence. */
export function packMatrix(b: usize, rowStride: i32, colStride: i32, depth: i32, cols: i32, packed: usize): void {
  for (let col0 = 0; col0 < cols; col0 += COL_BLOCK) {
    const numCols = min(COL_BLOCK, cols - col0);
    for (let depth0 = 0; depth0 < depth; depth0 += DEPTH_BLOCK) {
      const numDeep = min(DEPTH_BLOCK, depth - depth0);
      packColumns(b + (<usize>(depth0 * rowStride + col0 * colStride) << 2), rowStride, colStride, numDeep, numCols, packed);
      packed += packedBytes(numDeep, numCols);
    }
  }
}

/** `gemm` with B packed before; A's columns lie side by side. */
export function gemmPacked(
  rows: i32,
  cols: i32,
  depth: i32,
  a: usize,
  aRowStride: i32,
  packed: usize,
  c: usize,
  cRowStride: i32,
  accumulate: bool,
  scratch: usize,
): void {
  const edgeTile = scratch + (<usize>(ROW_BLOCK * DEPTH_BLOCK + COL_BLOCK * DEPTH_BLOCK) << 2);
  for (let col0 = 0; col0 < cols; col0 += COL_BLOCK) {
    const numCols = min(COL_BLOCK, cols - col0);
    for (let depth0 = 0; depth0 < depth; depth0 += DEPTH_BLOCK) {
      const numDeep = min(DEPTH_BLOCK, depth - depth0);
      for (let row0 = 0; row0 < rows; row0 += ROW_BLOCK) {
        const numRows = min(ROW_BLOCK, rows - row0);
        packRows(a + (<usize>(row0 * aRowStride + depth0) << 2), aRowStride, 1, numRows, numDeep, scratch);
        const to = c + (<usize>(row0 * cRowStride + col0) << 2);
        multiplyPanels(numRows, numCols, numDeep, scratch, packed, to, cRowStride, accumulate || depth0 > 0, edgeTile);
      }
      packed += packedBytes(numDeep, numCols);
    }
  }
}

/** Every row panel times every column panel; tiles that overhang the edge go through `edgeTile`. */
function multiplyPanels(
  numRows: i32,
  numCols: i32,
  numDeep: i32,
  rowPanels: usize,
  colPanels: usize,
  c: usize,
  cRowStride: i32,
  add: bool,
  edgeTile: usize,
): void {
  for (let j = 0; j < numCols; j += TILE_COLS) {
    const colPanel = colPanels + (<usize>(j * numDeep) << 2);
    const tileCols = min(TILE_COLS, numCols - j);
    for (let i = 0; i < numRows; i += TILE_ROWS) {
      const rowPanel = rowPanels + (<usize>(i * numDeep) << 2);
      const tileRows = min(TILE_ROWS, numRows - i);
      const tile = c + (<usize>(i * cRowStride + j) << 2);
      if (tileRows == TILE_ROWS && tileCols == TILE_COLS) {
        multiplyTile(numDeep, rowPanel, colPanel, tile, cRowStride, add);
      } else {
        multiplyTile(numDeep, rowPanel, colPanel, edgeTile, TILE_COLS, false);
        copyTile(edgeTile, tile, cRowStride, tileRows, tileCols, add);
      }
    }
  }
}

@inline
function multiplyTile(depth: i32, a: usize, b: usize, c: usize, cRowStride: i32, add: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  const end = a + (<usize>depth << 4);
  while (a < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let ai = v128.load32_splat(a);
    c00 = f32x4.add(c00, f32x4.mul(ai, b0));
    c01 = f32x4.add(c01, f32x4.mul(ai, b1));
    ai = v128.load32_splat(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(ai, b0));
    c11 = f32x4.add(c11, f32x4.mul(ai, b1));
    ai = v128.load32_splat(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(ai, b0));
    c21 = f32x4.add(c21, f32x4.mul(ai, b1));
    ai = v128.load32_splat(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(ai, b0));
    c31 = f32x4.add(c31, f32x4.mul(ai, b1));
    a += 16;
    b += 32;
  }
  const stride = <usize>cRowStride << 2;
  storeRow(c, c00, c01, add);
  storeRow(c + stride, c10, c11, add);
  storeRow(c + stride * 2, c20, c21, add);
  storeRow(c + stride * 3, c30, c31, add);
}

@inline
function storeRow(at: usize, left: v128, right: v128, add: bool): void {
  if (add) {
    left = f32x4.add(v128.load(at), left);
    right = f32x4.add(v128.load(at, 16), right);
  }
  v128.store(at, left);
  v128.store(at, right, 16);
}

function copyTile(tile: usize, c: usize, cRowStride: i32, rows: i32, cols: i32, add: bool): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      const from = tile + (<usize>(i * TILE_COLS + j) << 2);
      const to = c + (<usize>(i * cRowStride + j) << 2);
      store<f32>(to, add ? load<f32>(to) + load<f32>(from) : load<f32>(from));
    }
  }
}
