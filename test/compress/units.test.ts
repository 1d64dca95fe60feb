import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import type { Matrix } from "../../src/compress/matrix.ts";
import { planGroups } from "../../src/compress/plan.ts";
import { coordinatesOf, largestUnits, type UnitLayout } from "../../src/compress/units.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { toDense } from "../../src/model/tensor.ts";
import { bitsOf, expectValidSparse, squared } from "../suites/sparse.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const square = [{ rows: 3, cols: 3 }];
const lengthOf = (matrices: readonly Matrix[]): number =>
  matrices.reduce((sum, { rows, cols }) => sum + rows * cols, 0);

describe("the largest units", () => {
  // rows have squares 5, 9, 2; columns 9, 2, 5
  const vector = Float32Array.of(2, 1, 0, 2, 1, 2, 1, 0, 1);

  it("of one matrix are those of largest norm, by hand", () => {
    const largest = (axis: UnitLayout["axis"], density: number) => [
      ...largestUnits(vector, { axis, matrices: square }, density),
    ];
    expect(largest("rows", 1 / 3)).toEqual([1]);
    expect(largest("rows", 2 / 3)).toEqual([0, 1]);
    expect(largest("columns", 1 / 3)).toEqual([0]);
    expect(largest("columns", 2 / 3)).toEqual([0, 2]);
    expect(largest("columns", 1)).toEqual([0, 1, 2]);
    expect(largest("rows", 0.5)).toEqual([0, 1]); // half of three is rounded up
    expect(largest("rows", 1e-9)).toEqual([1]); // one at least
  });

  it("of several are jointly those of largest mean square", () => {
    // a kernel of 2 by 2 and its bias of 2: columns of two, and of one
    const layout: UnitLayout = {
      axis: "columns",
      matrices: [
        { rows: 2, cols: 2 },
        { rows: 1, cols: 2 },
      ],
    };
    const both = Float32Array.of(3, 1, 3, 1, 2, 0.5); // mean squares 9, 1, 4, 0.25
    expect([...largestUnits(both, layout, 0.5)]).toEqual([0, 2]);
    expect([...largestUnits(both, layout, 0.9)]).toEqual([0, 1, 2]);
  });

  it("are of equals the first, and never zeros", () => {
    const layout: UnitLayout = { axis: "rows", matrices: square };
    expect([...largestUnits(new Float32Array(9).fill(-1), layout, 0.6)]).toEqual([0, 1]);
    expect([...largestUnits(Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0), layout, 1)]).toEqual([1]);
    expect([...largestUnits(new Float32Array(9), layout, 1)]).toEqual([]);
  });

  it("keep at least their share of one matrix: lost is at most (1 - k / n) of the square", () => {
    const rng = derive(1, "units");
    for (const axis of ["rows", "filters"] as const)
      for (const density of [0.1, 0.3, 0.5]) {
        const matrix = Float32Array.from({ length: 600 }, () => gaussian(rng) ** 3);
        const subject = codec({ select: { [axis]: density } as never, values: "float32" }, false, [
          { rows: 20, cols: 30 },
        ]);
        const sent = toDense(subject.encode(matrix, 0).sent);
        expect(squared(matrix.map((v, i) => v - sent[i]!))).toBeLessThanOrEqual(
          (1 - density) * squared(matrix),
        );
      }
  });
});

it("coordinates of units rise, by hand", () => {
  const matrices = [
    { rows: 2, cols: 3 },
    { rows: 3, cols: 1 },
  ];
  const at = (axis: UnitLayout["axis"], ...units: number[]) => [
    ...coordinatesOf(Uint32Array.from(units), { axis, matrices }),
  ];
  expect(at("rows", 1, 3)).toEqual([3, 4, 5, 7]);
  expect(at("columns", 0, 2)).toEqual([0, 2, 3, 5]);
  expect(at("columns", 1, 3)).toEqual([1, 4, 6, 7, 8]);
});

const layouts = fc.record({
  matrices: fc.array(
    fc.record({ rows: fc.integer({ min: 1, max: 12 }), cols: fc.integer({ min: 1, max: 12 }) }),
    { minLength: 1, maxLength: 5 },
  ),
  select: fc
    .tuple(fc.constantFrom("rows", "filters"), fc.double({ min: 0.01, max: 1, noNaN: true }))
    .map(([axis, density]) => ({ [axis]: density }) as CodecSpec["select"]),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});

describe("a codec of units", () => {
  it.each(["float32", "ternary", { uniform: 4 }, { qsgd: 3 }, { eden: 2 }] as const)(
    "%j: sends whole units of several matrices, to the bit",
    (values) => {
      fc.assert(
        fc.property(layouts, ({ matrices, select, seed }) => {
          const length = lengthOf(matrices);
          const rng = derive(seed, "vector");
          const vector = Float32Array.from({ length }, () => (rng.below(4) === 0 ? 0 : gaussian(rng)));
          const subject = codec({ select, values }, true, matrices);
          const { payload, sent } = subject.encode(vector, seed);
          expectValidSparse(sent, length);
          expect(bitsOf(subject.decode(payload, length))).toEqual(bitsOf(sent));
          expect(bitsOf(decodeAny(payload, length, "payload"))).toEqual(bitsOf(sent));
          const lost = toDense(sent).map((v, i) => vector[i]! - v);
          expect(squared(lost)).toBeLessThanOrEqual(squared(vector) * (1 + 1e-6));
          if (values === "float32") {
            // Of every unit all or nothing.
            const axis = "rows" in (select as object) ? "rows" : "columns";
            const wanted = largestUnits(vector, { axis, matrices }, Object.values(select)[0] as number);
            const whole = new Float32Array(length);
            for (const at of coordinatesOf(wanted, { axis, matrices })) whole[at] = vector[at]!;
            expect([...toDense(sent)].map((v) => v + 0)).toEqual([...whole].map((v) => v + 0));
          }
        }),
        { numRuns: 150 },
      );
    },
  );

  it("carries a list of units, not of coordinates", () => {
    const rng = derive(2, "units");
    const vector = Float32Array.from({ length: 64 * 100 }, () => gaussian(rng));
    const encode = (select: CodecSpec["select"]) =>
      codec({ select, values: "ternary" }, true, [{ rows: 64, cols: 100 }]).encode(vector, 0).payload.length;
    // coders, axis, code, rows, cols, count, parameter and mu; 6 rows of 100 signs; some 4 bits a row
    expect(encode({ rows: 0.1 })).toBeLessThan(1 + 6 + 4 + 75 + 5);
    // 10 columns of 64 signs, and some 5 bits a column
    expect(encode({ filters: 0.1 })).toBeLessThan(1 + 6 + 4 + 80 + 8);
  });

  it("sends no positions when all units are sent, and two bytes when there is nothing", () => {
    const whole = codec({ select: { filters: 1 }, values: "float32" }, false, square);
    expect(whole.encode(new Float32Array(9).fill(2), 0).payload.length).toBe(1 + 36);
    expect([...whole.encode(new Float32Array(9), 0).payload]).toEqual([0x10, 0]);
  });

  it("refuses matrices that are not the vector, and no units", () => {
    const code = (length: number, ...bytes: number[]) =>
      wireErrorCode(() => decodeAny(Uint8Array.from(bytes), length, "payload"));
    const mu = [0, 0, 0x80, 0x3f];
    expect(code(6, 0x92, 0, 0, 2, 4, 1, 0, ...mu, 0xff)).toBe("bad-shape");
    expect(code(6, 0x92, 0, 0, 2, 2, 1, 3, 1, 0, ...mu, 0xff)).toBe("bad-shape");
    expect(code(6, 0x92, 0, 0, 7, 1, 1, 0, ...mu, 0xff)).toBe("bad-field");
    expect(code(6, 0x92, 0, 0, 2, 2)).toBe("truncated");
    expect(code(6, 0x92, 2, 0, 2, 3, 1, 0, ...mu, 0xff)).toBe("bad-field");
    expect(code(6, 0x92, 0, 2, 2, 3, 1, 0, ...mu, 0xff)).toBe("bad-field");
    expect(code(6, 0x92, 0, 0, 2, 3, 0)).toBe("bad-field");
    expect(code(6, 0x92, 0, 0, 2, 3, 3, 0, ...mu, 0xff)).toBe("bad-positions");
    expect(code(6, 0x92, 0, 1, 2, 3, ...mu, 0x00)).toBe("bad-positions");
    expect(code(5000, 0x92, 0, 0, ...Array<number>(10_000).fill(1), 1, 0, ...mu, 0xff)).toBe("too-large");
  });
});

it("a plan's rule of units is joint over its tensors, a bias by its entries", () => {
  const manifest = {
    tensors: [
      { name: "conv/kernel", shape: [2, 2, 1, 3] },
      { name: "conv/bias", shape: [3] },
    ],
  };
  const rule = {
    tensors: "*",
    codec: { select: { filters: 0.4 }, values: "float32" },
    errorFeedback: true,
  } as const;
  const [group] = planGroups([rule], manifest, "uplink");
  const kernel = Float32Array.from({ length: 12 }, (_, i) => (i % 3 === 1 ? 2 : 0.1));
  const { sent } = group!.codec.encode(Float32Array.of(...kernel, 0, 5, 0), 0);
  expect([...sent.support!]).toEqual([1, 4, 7, 10, 13]);
});
