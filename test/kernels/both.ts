import { expect } from "vitest";
import type { CodecKernels } from "../../src/kernels/codec.ts";
import { scalarCodecKernels as scalar } from "../../src/kernels/codec-scalar.ts";
import { simdCodecKernels } from "../../src/kernels/codec-simd.ts";
import { digestsOf } from "../suites/flat-vectors.ts";

/** Both ways give the same bits; what comes out of the twin. */
export function both<T>(run: (kernels: CodecKernels) => T): T {
  const [expected, actual] = [run(scalar), run(simdCodecKernels()!)];
  expect(digestsOf(actual)).toEqual(digestsOf(expected));
  return expected;
}
