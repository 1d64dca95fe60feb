import type { Positions } from "../model/tensor.ts";
import type { ByteReader } from "./bytes.ts";
import type { TensorPrior } from "./history/prior.ts";
import type { LowRank } from "./low-rank.ts";
import { allPositions, readAllPositions } from "./positions/all.ts";
import { bitmap, readBitmap } from "./positions/bitmap.ts";
import { type Blocks, blockPositions, readBlockPositions } from "./positions/blocks.ts";
import type { PositionCode, PositionReader } from "./positions/coder.ts";
import { eliasFano, readEliasFano } from "./positions/elias-fano.ts";
import { golombRice, readGolombRice } from "./positions/golomb-rice.ts";
import {
  historyPositions,
  historySigns,
  readHistoryPositions,
  readHistorySigns,
} from "./positions/history.ts";
import { lowRankPositions, readLowRank } from "./positions/low-rank.ts";
import { rangeGaps, readRangeGaps } from "./positions/range.ts";
import { readRunLengths, runLengths } from "./positions/runs.ts";
import { readSeedPositions, seedPositions } from "./positions/seed.ts";
import { readUnitPositions, unitPositions } from "./positions/units.ts";
import type { UnitLayout } from "./units.ts";

/**
 * The wire ids of the position coders, 0 to 15: pinned in docs/wire-format.md, never reused. `zeros` is whether a
 * position may stand for a coordinate that turned out to be zero.
 */
const POSITION_FORMATS = {
  0: { name: "all", zeros: true, readHead: (_: ByteReader, length: number) => readAllPositions(length) },
  1: { name: "golomb-rice", zeros: false, readHead: readGolombRice },
  2: { name: "bitmap", zeros: false, readHead: (_: ByteReader, length: number) => readBitmap(length) },
  3: { name: "seed", zeros: true, readHead: readSeedPositions },
  4: { name: "runs", zeros: false, readHead: readRunLengths },
  5: { name: "elias-fano", zeros: false, readHead: readEliasFano },
  6: { name: "blocks", zeros: true, readHead: readBlockPositions },
  7: { name: "range", zeros: false, readHead: readRangeGaps },
  8: { name: "low-rank", zeros: true, readHead: readLowRank },
  9: { name: "units", zeros: true, readHead: readUnitPositions },
  10: { name: "history", zeros: false, readHead: readHistoryPositions },
  11: { name: "history-signs", zeros: false, readHead: readHistorySigns },
} as const;

export type PositionCoderId = keyof typeof POSITION_FORMATS;

/** A code with the id of its coder. */
export type Coded = PositionCode & { readonly id: PositionCoderId };

export const isPositionCoderId = (id: number): id is PositionCoderId => id in POSITION_FORMATS;

export const positionCoderName = (id: PositionCoderId): string => POSITION_FORMATS[id].name;

export const isLowRank = (id: PositionCoderId): boolean => id === 8;

export const needsPrior = (id: PositionCoderId): boolean => id === 10 || id === 11;

/** Whether the positions' bits have the values' in them, a sign each. */
export const holdsSigns = (id: PositionCoderId): boolean => id === 11;

export const mayHoldZeros = (id: PositionCoderId): boolean => POSITION_FORMATS[id].zeros;

/**
 * The shortest way to write a support (null: all); of equals, the lower id. In a long list the range coder has to save a
 * hundredth: it is read at a tenth of the others' speed, which a coordinator pays for every client. With a `prior`, by it
 * too, if that is shorter.
 */
export function shortestPositions(
  support: Positions | null,
  length: number,
  prior: TensorPrior | null = null,
): Coded {
  if (support === null) return { id: 0, ...allPositions };
  const gaps: Coded = { id: 1, ...golombRice(support) };
  if (support.length === 0) return gaps;
  const others: readonly Coded[] = [
    { id: 2, ...bitmap(support, length) },
    { id: 4, ...runLengths(support) },
    { id: 5, ...eliasFano(support, length) },
    { id: 7, ...rangeGaps(support) },
    ...(prior === null ? [] : [{ id: 10 as const, ...historyPositions(support, prior) }]),
  ];
  const handicap = support.length < LONG ? 1 : 1.01;
  const cost = ({ id, headBytes, bits }: Coded): number => (8 * headBytes + bits) * (id === 7 ? handicap : 1);
  return others.reduce((best, other) => (cost(other) < cost(best) ? other : best), gaps);
}

const LONG = 2 ** 12;

/** With the signs of their values, of which `minus` has a 1 for each that is negative. */
export const signedPositions = (support: Positions, minus: Uint8Array, prior: TensorPrior): Coded => ({
  id: 11,
  ...historySigns(support, minus, prior),
});

/** `count` positions that follow from a seed. */
export const seededPositions = (seed: number, count: number): Coded => ({
  id: 3,
  ...seedPositions(seed, count),
});

/** A support that has the same number of positions in every block. */
export const blockedPositions = (support: Positions, length: number, blocks: Blocks): Coded => ({
  id: 6,
  ...blockPositions(support, length, blocks),
});

/** Whole rows or columns. */
export const codedUnits = (units: Positions, layout: UnitLayout): Coded => ({
  id: 9,
  ...unitPositions(units, layout),
});

/** Everything, by the factors of a matrix. */
export const lowRankCoded = (shape: LowRank): Coded => ({ id: 8, ...lowRankPositions(shape) });

export const readPositionsHead = (
  reader: ByteReader,
  id: PositionCoderId,
  length: number,
  prior: TensorPrior | null = null,
): PositionReader => POSITION_FORMATS[id].readHead(reader, length, prior);
