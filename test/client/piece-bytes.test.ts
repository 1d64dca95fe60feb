import { expect, test } from "vitest";
import { FIRST_PIECE_BYTES, nextPieceBytes } from "../../src/client/piece-bytes.ts";

/** Sizes of pieces on a link of so many bytes a second. */
function piecesOn(bytesPerSecond: number, numPieces: number): readonly number[] {
  const sizes = [FIRST_PIECE_BYTES];
  while (sizes.length < numPieces) {
    const last = sizes.at(-1)!;
    sizes.push(nextPieceBytes(last, (1000 * last) / bytesPerSecond));
  }
  return sizes;
}

test("pieces grow where they leave soon, to 16 KiB", () => {
  expect(piecesOn(1e6, 5)).toEqual([3072, 6144, 12_288, 16_384, 16_384]);
});

test("pieces shrink where they leave late, but not below 1 KiB", () => {
  expect(piecesOn(256, 4)).toEqual([3072, 1536, 1024, 1024]);
  expect(piecesOn(2000, 3)).toEqual([3072, 3072, 3072]);
});
