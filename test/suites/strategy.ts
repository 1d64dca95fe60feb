import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Aggregate } from "../../src/aggregation/aggregate.ts";
import type { UpdateMessage } from "../../src/model/message.ts";
import type { Params } from "../../src/model/tensor.ts";
import { anyUpdates, changed, denseUpdates, flat, paramsOf, scaled, small, updateOf } from "./updates.ts";

export interface StrategySubject {
  /** In whatever order the updates come. */
  readonly combine: (
    updates: readonly UpdateMessage[],
    attackers: number,
    previous: Params | null,
  ) => Aggregate;
  readonly fewest: (attackers: number) => number;
  /** Whether equal updates come back as they are. */
  readonly averages: boolean;
  /** Whether updates that are a power of two times larger make the result that much larger, to the bit. */
  readonly scales: boolean;
  /** Whether updates moved by one vector, and the previous aggregate with them, move the result by it. */
  readonly translates: boolean;
  /**
   * What f hostile updates, wherever they are, leave true of the result: every coordinate lies between honest values,
   * or the result lies within so many times the honest updates' largest distance from the previous aggregate.
   */
  readonly bounded: "between honest values" | number | null;
}

/** What every way to make one update of many promises. */
export function strategySuite(
  name: string,
  { combine, fewest, averages, scales, translates, bounded }: StrategySubject,
): void {
  const attackers = fc.integer({ min: 0, max: 2 });
  const more = fc.integer({ min: 0, max: 3 });
  const cases = (of: (n: number) => fc.Arbitrary<UpdateMessage[]>) =>
    fc.tuple(attackers, more).chain(([f, extra]) => fc.tuple(of(fewest(f) + extra), fc.constant(f)));
  const previous = fc
    .array(fc.integer({ min: -32, max: 32 }), { minLength: 8, maxLength: 8 })
    .map((values) => paramsOf(values.map((v) => v / 16)));

  describe(name, () => {
    it("comes to the same bits in any order of arrival, and changes nothing it was given", () => {
      fc.assert(
        fc.property(cases(anyUpdates), fc.infiniteStream(fc.nat()), ([updates, f], keys) => {
          const before = structuredClone(updates);
          const keyed = updates.map((update) => ({ update, key: keys.next().value! }));
          const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ update }) => update);
          const one = combine(updates, f, null);
          const other = combine(shuffled, f, null);
          expect(flat(one.delta)).toEqual(flat(other.delta));
          expect(one.covered).toEqual(other.covered);
          expect(updates).toEqual(before);
        }),
      );
    });

    it("comes to numbers, in the manifest's shapes, whatever was sent", () => {
      fc.assert(
        fc.property(cases(anyUpdates), previous, ([updates, f], last) => {
          const { delta } = combine(updates, f, last);
          expect([...delta].map(([tensor, { shape }]) => ({ name: tensor, shape }))).toEqual(small.tensors);
          expect(flat(delta).every(Number.isFinite)).toBe(true);
        }),
      );
    });

    it("moves only coordinates that somebody owns, and covers no others", () => {
      fc.assert(
        fc.property(cases(anyUpdates), previous, ([updates, f], last) => {
          const { delta, covered } = combine(updates, f, last);
          for (const [tensor, { data }] of delta) {
            const mask = covered.get(tensor)!;
            const owned = new Set(updates.flatMap((u) => [...(u.tensors.get(tensor)!.mask ?? data.keys())]));
            for (const at of mask ?? []) expect(owned.has(at)).toBe(true);
            if (mask === null) expect(owned.size).toBe(data.length);
            else for (const [at, v] of data.entries()) if (v !== 0) expect(mask).toContain(at);
          }
        }),
      );
    });

    if (averages)
      it("gives equal updates back", () => {
        fc.assert(
          fc.property(cases(denseUpdates), ([updates, f]) => {
            const equal = updates.map(({ clientId }) => ({ ...updates[0]!, clientId }));
            const sent = flat(new Map([...updates[0]!.tensors].map(dense)));
            expectNear(flat(combine(equal, f, null).delta), sent, 1e-6);
          }),
        );
      });

    if (scales)
      it("scales with the updates, to the bit for powers of two", () => {
        fc.assert(
          fc.property(cases(anyUpdates), fc.integer({ min: -8, max: 8 }), ([updates, f], exponent) => {
            const factor = 2 ** exponent;
            // tiny values would leave the range of normal numbers, where scaling is exact
            const normal = updates.map((u) => changed(u, (v) => (Math.abs(v) < 1e-6 ? 0.5 : v)));
            const larger = normal.map((u) => changed(u, (v) => factor * v));
            expect(flat(combine(larger, f, null).delta)).toEqual(
              flat(scaled(combine(normal, f, null).delta, factor)),
            );
          }),
        );
      });

    if (translates)
      it("moves with the updates", () => {
        fc.assert(
          fc.property(cases(denseUpdates), previous, previous, ([updates, f], last, by) => {
            const move = flat(by);
            const moved = updates.map((u) => changed(u, (v, at) => v + move[at]!));
            const lastMoved = paramsOf(flat(last).map((v, at) => v + move[at]!));
            const expected = flat(combine(updates, f, last).delta).map((v, at) => v + move[at]!);
            expectNear(flat(combine(moved, f, lastMoved).delta), expected, 1e-4);
          }),
        );
      });

    if (bounded !== null)
      it(`stays with the honest, wherever f others are: ${bounded}`, () => {
        const far = fc.constantFrom(1, -1, 40, 1e4, -1e6);
        fc.assert(
          fc.property(cases(denseUpdates), previous, far, ([updates, f], last, distance) => {
            const hostile = updates
              .slice(0, f)
              .map((u, i) => updateOf(u.clientId, Array(8).fill(distance * (i + 1))));
            const honest = updates.slice(f);
            const result = flat(combine([...hostile, ...honest], f, last).delta);
            const values = honest.map((u) => flat(new Map([...u.tensors].map(dense))));
            if (typeof bounded === "number") {
              const centre = flat(last);
              const radius = Math.max(...values.map((v) => distanceOf(v, centre)));
              expect(distanceOf(result, centre)).toBeLessThanOrEqual(bounded * radius * (1 + 1e-5));
            } else
              for (const [at, v] of result.entries()) {
                const column = values.map((honestValues) => honestValues[at]!);
                expect(v).toBeGreaterThanOrEqual(Math.min(...column) - 1e-6);
                expect(v).toBeLessThanOrEqual(Math.max(...column) + 1e-6);
              }
          }),
        );
      });
  });
}

const dense = ([name, { delta }]: [string, { delta: { values: Float32Array } }]) =>
  [name, { shape: [delta.values.length], data: delta.values }] as const;

function expectNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  const largest = Math.max(1, ...expected.map(Math.abs));
  for (const [at, v] of actual.entries())
    expect(Math.abs(v - expected[at]!), `coordinate ${at}`).toBeLessThanOrEqual(tolerance * largest);
}

const distanceOf = (a: readonly number[], b: readonly number[]): number =>
  Math.hypot(...a.map((v, i) => v - b[i]!));
