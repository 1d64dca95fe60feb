import { derive } from "../model/rng.ts";
import type { Matrix } from "./matrix.ts";

/** A matrix, row by row, as the product of two thin ones: P [rows, rank] times Q [cols, rank] transposed. */
export interface LowRank extends Matrix {
  readonly rank: number;
}

/** Columns of the factors at most: the product takes so many multiplications a coordinate, whoever sent the factors. */
export const MAX_RANK = 32;

/** Numbers in both factors: P row by row, then Q row by row. */
export const numFactors = ({ rows, cols, rank }: LowRank): number => rank * (rows + cols);

/**
 * Rounds of subspace iteration, from a random start. PowerSGD does one, from the Q of the step before, which here would
 * be the row space of the last broadcast. That was tried, both ways and either way: it costs as much, and loses points of
 * accuracy to two rounds at random. What was broadcast is what is owed least, and what lies outside of the start stays
 * outside: with error feedback more of it in every round.
 */
const NUM_ROUNDS = 2;

/**
 * Factors near the best of their rank, by subspace iteration as in PowerSGD (Vogels, Karimireddy and Jaggi, 2019): P is
 * an orthonormal basis of M Q, Q then Mᵀ P, which makes the product the projection of M on that basis. Both are then
 * scaled to the same mean square.
 */
export function powerFactors(matrix: Float32Array, shape: LowRank, seed: number): Float32Array {
  const { rows, cols, rank } = shape;
  const rng = derive(seed, "low-rank");
  let q = Float64Array.from({ length: cols * rank }, () => 2 * rng.uniform() - 1);
  let p = new Float64Array(rows * rank);
  for (let round = 0; round < NUM_ROUNDS; round++) {
    p = new Float64Array(rows * rank);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        const m = matrix[i * cols + j]!;
        if (m !== 0) for (let k = 0; k < rank; k++) p[i * rank + k]! += m * q[j * rank + k]!;
      }
    orthonormalize(p, rows, rank);
    q = new Float64Array(cols * rank);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        const m = matrix[i * cols + j]!;
        if (m !== 0) for (let k = 0; k < rank; k++) q[j * rank + k]! += m * p[i * rank + k]!;
      }
  }
  // as much in Q as in P, since both are quantized by one scale
  const squares = (of: Float64Array): number => of.reduce((sum, v) => sum + v * v, 0);
  const [ofP, ofQ] = [squares(p) / rows, squares(q) / cols];
  const share = ofP > 0 && ofQ > 0 ? Math.sqrt(Math.sqrt(ofQ / ofP)) : 1;
  const factors = new Float32Array(numFactors(shape));
  factors.set(p.map((v) => v * share));
  factors.set(
    q.map((v) => v / share),
    rows * rank,
  );
  return factors;
}

/** Columns of length one at right angles (modified Gram-Schmidt); a column that depends on those before it is zero. */
function orthonormalize(p: Float64Array, rows: number, rank: number): void {
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += p[i * rank + a]! * p[i * rank + b]!;
    return sum;
  };
  for (let k = 0; k < rank; k++) {
    const before = dot(k, k);
    // twice is enough (Giraud et al., 2005)
    for (let pass = 0; pass < 2; pass++)
      for (let other = 0; other < k; other++) {
        const along = dot(k, other);
        for (let i = 0; i < rows; i++) p[i * rank + k]! -= along * p[i * rank + other]!;
      }
    const square = dot(k, k);
    const scale = square > 1e-20 * before ? 1 / Math.sqrt(square) : 0;
    for (let i = 0; i < rows; i++) p[i * rank + k]! *= scale;
  }
}

/** P Qᵀ, every number summed in float64 from the first column on and rounded once; zeros are positive. */
export function product(factors: Float32Array, { rows, cols, rank }: LowRank): Float32Array {
  const matrix = new Float32Array(rows * cols);
  const q = rows * rank;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += factors[i * rank + k]! * factors[q + j * rank + k]!;
      matrix[i * cols + j] = Math.fround(sum) + 0;
    }
  return matrix;
}
