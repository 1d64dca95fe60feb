import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClientState, decodeState, encodeState } from "../../src/client/state.ts";
import { firstHistory, foldHistory, type History } from "../../src/compress/history.ts";
import { WireError } from "../../src/model/error.ts";
import { mapParams, type Params } from "../../src/model/tensor.ts";

/** The model as its own broadcast, some times over. */
function historyOf(params: Params, folds: number): History {
  const sent = new Map(
    [...params].map(([name, { data }]) => [name, { length: data.length, support: null, values: data }]),
  );
  let history = firstHistory(params);
  for (let i = 0; i < folds; i++) history = foldHistory(history, sent);
  return history;
}

const floats = fc.float32Array({ maxLength: 20, noNaN: true });
const residual = fc.array(fc.option(floats, { nil: null }), { maxLength: 4 });
const state: fc.Arbitrary<ClientState> = fc
  .record({
    runId: fc.string(),
    held: fc
      .record({
        version: fc.nat(),
        digest: fc.string(),
        tensors: fc.uniqueArray(fc.tuple(fc.string(), floats), { selector: ([name]) => name, maxLength: 4 }),
        folds: fc.option(fc.nat(3), { nil: null }),
      })
      .map(({ version, digest, tensors, folds }) => {
        const params = new Map(tensors.map(([name, data]) => [name, { shape: [data.length], data }]));
        return { version, digest, params, history: folds === null ? null : historyOf(params, folds) };
      }),
    residual: fc.option(residual, { nil: null }),
    lastRound: fc.option(fc.nat(), { nil: null }),
    discarded: fc.array(floats, { maxLength: 3 }),
    pending: fc.option(
      fc.record({
        report: fc.record({ round: fc.nat(), digest: fc.string() }),
        frame: fc.uint8Array({ maxLength: 40 }),
        plain: fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: null }),
        residualBefore: residual,
        delta: fc.array(floats, { maxLength: 3 }),
      }),
      { nil: null },
    ),
    owned: fc.option(fc.string(), { nil: null }),
    controls: fc.record({ shared: fc.boolean(), own: fc.boolean(), pending: fc.boolean() }),
  })
  .map(({ owned, controls: has, pending, ...kept }): ClientState => {
    const shifted = (by: number) => mapParams(kept.held.params, ({ data }) => data.map((v) => v / by));
    const masks = [...kept.held.params].map(
      ([name, { data }]) => [name, data.length > 1 ? Uint32Array.of(1) : null] as const,
    );
    return {
      ...kept,
      controls: { shared: has.shared ? shifted(2) : null, own: has.own ? shifted(-4) : null },
      pending: pending && { ...pending, ownControl: has.pending ? shifted(8) : null },
      masks: owned === null || masks.length === 0 ? null : { digest: owned, masks: new Map(masks) },
    };
  });

test("property: a state survives its file", () => {
  fc.assert(
    fc.property(state, (kept) => {
      expect(decodeState(encodeState(kept))).toEqual(kept);
    }),
    { numRuns: 120 },
  );
});

test("property: a damaged or cut file is refused, never misread", () => {
  fc.assert(
    fc.property(state, fc.nat(), fc.boolean(), (kept, at, cut) => {
      const bytes = encodeState(kept);
      const damaged = cut ? bytes.slice(0, at % bytes.length) : bytes.slice();
      if (!cut) damaged[at % bytes.length]! ^= 1 << (at % 8);
      expect(() => decodeState(damaged)).toThrow(WireError);
    }),
    { numRuns: 120 },
  );
});
