import fc from "fast-check";
import { expect } from "vitest";
import type { SparseVector } from "../../src/model/tensor.ts";

/** Everything a decoded vector promises, whatever the bytes were. */
export function expectValidSparse({ length, support, values }: SparseVector, expectedLength: number): void {
  expect(length).toBe(expectedLength);
  expect(values.length).toBe(support === null ? length : support.length);
  expect(values.every(Number.isFinite)).toBe(true);
  if (support === null) return;
  let last = -1;
  for (let i = 0; i < support.length; i++) {
    if (!(support[i]! > last && support[i]! < length && values[i] !== 0))
      expect.fail(`entry ${i} is out of order`);
    last = support[i]!;
  }
}

/** The bits of a sparse vector: tells minus zero from zero, and null from a support that covers everything. */
export const bitsOf = ({ length, support, values }: SparseVector) => ({
  length,
  support: support === null ? null : [...support],
  values: [...new Uint32Array(values.slice().buffer)],
});

export const squared = (vector: Float32Array): number => vector.reduce((sum, v) => sum + v * v, 0);

/** Vectors like deltas and unlike them: ties, zeros, denormals, huge and tiny magnitudes side by side. */
export const vectors = (maxLength = 300): fc.Arbitrary<Float32Array> => {
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.float({ min: -1, max: 1, noNaN: true }) },
    { weight: 2, arbitrary: fc.constantFrom(0, -0, 0.5, -0.5, 1e-3) },
    { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  );
  return fc.array(value, { minLength: 1, maxLength, size: "max" }).map((values) => Float32Array.from(values));
};
