import { assert } from "../model/assert.ts";
import type { CodecSpec } from "../model/protocol.ts";
import { deriveSeed } from "../model/rng.ts";
import type { Positions } from "../model/tensor.ts";
import type { Matrix } from "./matrix.ts";
import { type Blocks, blockAt } from "./positions/blocks.ts";
import { drawPositions } from "./positions/seed.ts";
import { blockedPositions, type Coded, codedUnits, seededPositions } from "./positions.ts";
import { countOfDensity, topK } from "./select.ts";
import { coordinatesOf, largestUnits, numUnits, type UnitLayout } from "./units.ts";

/** Which coordinates are sent, rising (null: all); and, where the selection has one, the coder that knows its form. */
export interface Selected {
  readonly positions: Positions | null;
  readonly coded: Coded | null;
}

/** Selects in a vector of finite numbers; `seed` is for what is left to chance, `matrices` make up the vector. */
export function select(
  spec: CodecSpec["select"],
  vector: Float32Array,
  seed: number,
  matrices: readonly Matrix[],
): Selected {
  const { length } = vector;
  if (spec === "all") return { positions: null, coded: null };
  if ("topK" in spec) return { positions: topK(vector, countOfDensity(spec.topK, length)), coded: null };
  if ("threshold" in spec) return { positions: aboveThreshold(vector, spec.threshold), coded: null };
  if ("randomK" in spec) {
    const count = countOfDensity(spec.randomK, length);
    const positionSeed = deriveSeed(seed, "positions");
    return count === length
      ? { positions: null, coded: null }
      : {
          positions: drawPositions(positionSeed, count, length),
          coded: seededPositions(positionSeed, count),
        };
  }
  if ("rows" in spec) return selectUnits(vector, { axis: "rows", matrices }, spec.rows);
  if ("filters" in spec) return selectUnits(vector, { axis: "columns", matrices }, spec.filters);
  assert("blocks" in spec, "a low-rank codec selects nothing, and a budget is for a whole frame");
  const positions = largestOfBlocks(vector, spec.blocks);
  return positions.length === length
    ? { positions: null, coded: null }
    : { positions, coded: blockedPositions(positions, length, spec.blocks) };
}

function selectUnits(vector: Float32Array, layout: UnitLayout, density: number): Selected {
  const units = largestUnits(vector, layout, density);
  return units.length === numUnits(layout)
    ? { positions: null, coded: null }
    : {
        positions: coordinatesOf(units, layout),
        coded: units.length === 0 ? null : codedUnits(units, layout),
      };
}

/** The coordinates of magnitude `threshold` (above 0) or more (Strom, 2015). */
function aboveThreshold(vector: Float32Array, threshold: number): Positions {
  const positions = new Uint32Array(vector.length);
  let count = 0;
  for (let i = 0; i < vector.length; i++) if (Math.abs(vector[i]!) >= threshold) positions[count++] = i;
  return positions.slice(0, count);
}

/** The largest magnitudes of every block (N:M sparsity; Zhou et al., 2021); of equals, those that come first. */
function largestOfBlocks(vector: Float32Array, blocks: Blocks): Positions {
  const { length } = vector;
  const positions = new Uint32Array(Math.ceil(length / blocks.of) * blocks.keep);
  const isTaken = new Uint8Array(blocks.of);
  let count = 0;
  for (let start = 0; start < length; start += blocks.of) {
    const { size, keep } = blockAt(blocks, start, length);
    isTaken.fill(0);
    for (let taken = 0; taken < keep; taken++) {
      let best = -1;
      for (let i = 0; i < size; i++)
        if (!isTaken[i] && (best < 0 || Math.abs(vector[start + i]!) > Math.abs(vector[start + best]!)))
          best = i;
      isTaken[best] = 1;
    }
    for (let i = 0; i < size; i++) if (isTaken[i]) positions[count++] = start + i;
  }
  return positions.slice(0, count);
}
