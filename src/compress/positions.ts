import type { Positions } from "../model/tensor.ts";
import type { ByteReader } from "./bytes.ts";
import { allPositions, readAllPositions } from "./positions/all.ts";
import { bitmap, readBitmap } from "./positions/bitmap.ts";
import type { PositionCode, PositionReader } from "./positions/coder.ts";
import { golombRice, readGolombRice } from "./positions/golomb-rice.ts";

/** The wire ids of the position coders, 0 to 15: pinned in docs/wire-format.md, never reused. */
const POSITION_FORMATS = {
  0: { name: "all", readHead: (_: ByteReader, length: number) => readAllPositions(length) },
  1: { name: "golomb-rice", readHead: readGolombRice },
  2: { name: "bitmap", readHead: (_: ByteReader, length: number) => readBitmap(length) },
} as const;

export type PositionCoderId = keyof typeof POSITION_FORMATS;

export const isPositionCoderId = (id: number): id is PositionCoderId => id in POSITION_FORMATS;

export const positionCoderName = (id: PositionCoderId): string => POSITION_FORMATS[id].name;

/** The shortest way to write a support (null: all); of equals, the lower id. */
export function shortestPositions(
  support: Positions | null,
  length: number,
): PositionCode & { readonly id: PositionCoderId } {
  if (support === null) return { id: 0, ...allPositions };
  const gaps = golombRice(support);
  const map = bitmap(support, length);
  const cost = ({ headBytes, bits }: PositionCode): number => 8 * headBytes + bits;
  return support.length === 0 || cost(gaps) <= cost(map) ? { id: 1, ...gaps } : { id: 2, ...map };
}

export const readPositionsHead = (reader: ByteReader, id: PositionCoderId, length: number): PositionReader =>
  POSITION_FORMATS[id].readHead(reader, length);
