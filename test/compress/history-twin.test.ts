import fc from "fast-check";
import { expect, it } from "vitest";
import { type HistoryPlanes, NUM_TABLES, scalarHistory, TABLE } from "../../src/kernels/codec-history.ts";
import { simdCodecKernels } from "../../src/kernels/codec-simd.ts";

const plane = (length: number, max: number) => fc.uint8Array({ minLength: length, maxLength: length, max });

const planes = (length: number): fc.Arbitrary<HistoryPlanes> =>
  fc.record({
    layer: fc.nat(15),
    slow: plane(length, 31),
    fast: plane(length, 31),
    row: plane(length, 31),
    column: plane(length, 31),
    age: plane(length, 15),
  });

const mixer = fc.record({
  base: fc.integer({ min: -12_000, max: 4_000 }),
  tables: fc
    .int32Array({ minLength: 64, maxLength: 64, min: -4095, max: 4095 })
    .map((some) => Int32Array.from({ length: NUM_TABLES * TABLE }, (_, i) => some[(i * 7) % 64]!)),
  weights: fc.int32Array({
    minLength: NUM_TABLES,
    maxLength: NUM_TABLES,
    min: -(2 ** 27) + 1,
    max: 2 ** 27 - 1,
  }),
});

/** Longer than one part of the arena, once in a while. */
const length = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(40_000));

it("makes the same classes, weights and counts in WebAssembly and in TypeScript", () => {
  const simd = simdCodecKernels()!;
  const given = length.chain((n) => fc.record({ planes: planes(n), mixer, sent: plane(n, 1) }));
  fc.assert(
    fc.property(given, ({ planes, mixer, sent }) => {
      const both = [simd, scalarHistory].map((kernels) => {
        const classes = new Uint8Array(sent.length);
        kernels.classesOf(planes, mixer, classes);
        const weights = mixer.weights.slice();
        const hits = new Uint32Array(2 * NUM_TABLES * TABLE);
        kernels.learn(planes, { ...mixer, weights }, sent, hits);
        return { classes, weights, hits };
      });
      expect(both[0]!.weights).toEqual(both[1]!.weights);
      expect(Buffer.compare(both[0]!.classes, both[1]!.classes)).toBe(0);
      expect(both[0]!.hits.every((hit, i) => hit === both[1]!.hits[i])).toBe(true);
    }),
    { numRuns: 60 },
  );
});
