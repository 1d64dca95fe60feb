import fc from "fast-check";
import { kept, type Reading } from "../../src/aggregation/robust/reading.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { TensorUpdate, UpdateMessage } from "../../src/model/message.ts";
import { mapParams, type Params, sizeOf } from "../../src/model/tensor.ts";

/** A small model, and updates to it that a person can write down. */
export const small: Manifest = {
  tensors: [
    { name: "w", shape: [2, 3] },
    { name: "b", shape: [2] },
  ],
};

/** Sparse when `sent` lists coordinates, over both tensors in a row: 0 to 5 are of w, 6 and 7 of b. */
export function updateOf(
  clientId: string,
  values: readonly number[],
  sent: readonly number[] | null = null,
  owned: readonly number[] | null = null,
  numExamples = 1,
): UpdateMessage {
  let offset = 0;
  const tensors = small.tensors.map(({ name, shape }): [string, TensorUpdate] => {
    const from = offset;
    const length = sizeOf(shape);
    offset += length;
    const here = (list: readonly number[]) => list.filter((at) => at >= from && at < from + length);
    const positions = (list: readonly number[]) => Uint32Array.from(here(list), (at) => at - from);
    const places = sent ?? [...values.keys()];
    const delta = {
      length,
      support: sent && positions(sent),
      values: Float32Array.from(here(places), (at) => values[places.indexOf(at)]!),
    };
    return [name, { mask: owned && positions(owned), delta }];
  });
  return {
    clientId,
    round: 1,
    baseVersion: 0,
    numExamples,
    numSteps: 1,
    trainLoss: 0,
    tensors: new Map(tensors),
  };
}

export const paramsOf = (values: readonly number[]): Params =>
  new Map([
    ["w", { shape: [2, 3], data: Float32Array.from(values.slice(0, 6)) }],
    ["b", { shape: [2], data: Float32Array.from(values.slice(6)) }],
  ]);

/** All coordinates in a row. */
export const flat = (params: Params): number[] => [...params.values()].flatMap(({ data }) => [...data]);

export const scaled = (params: Params, factor: number): Params =>
  mapParams(params, ({ data }) => data.map((v) => factor * v));

/** Applies `change` to every value that is sent. */
export const changed = (
  update: UpdateMessage,
  change: (value: number, at: number) => number,
): UpdateMessage => {
  let offset = 0;
  const tensors = [...update.tensors].map(([name, { mask, delta }]): [string, TensorUpdate] => {
    const from = offset;
    offset += delta.length;
    const values = delta.values.map((v, i) => change(v, from + (delta.support?.[i] ?? i)));
    return [name, { mask, delta: { ...delta, values } }];
  });
  return { ...update, tensors: new Map(tensors) };
};

const NUM_COORDINATES = 8;
const value = fc.integer({ min: -64, max: 64 }).map((v) => v / 16);

/** Dense updates of full owners, with values that add up without rounding. */
export const denseUpdates = (n: number): fc.Arbitrary<UpdateMessage[]> =>
  fc
    .array(fc.array(value, { minLength: NUM_COORDINATES, maxLength: NUM_COORDINATES }), {
      minLength: n,
      maxLength: n,
    })
    .map((all) => all.map((values, i) => updateOf(clientId(i), values)));

/** Any updates: dense, sparse, empty, of clients that own all, some or nothing of it. */
export const anyUpdates = (n: number): fc.Arbitrary<UpdateMessage[]> => {
  const places = fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]);
  const one = fc.record({
    values: fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 8, maxLength: 8 }),
    owned: fc.option(places, { nil: null, freq: 2 }),
    sent: fc.option(places, { nil: null, freq: 4 }),
    numExamples: fc.integer({ min: 1, max: 2 ** 15 }),
  });
  return fc.array(one, { minLength: n, maxLength: n }).map((all) =>
    all.map(({ values, owned, sent, numExamples }, i) => {
      const support =
        owned === null ? sent : (sent ?? owned).filter((at) => owned.includes(at) && values[at] !== 0);
      return updateOf(
        clientId(i),
        support === null ? values : support.map((at) => values[at]!),
        support,
        owned,
        numExamples,
      );
    }),
  );
};

const clientId = (i: number): string => `client-${String(i).padStart(2, "0")}`;

/** As a round's reports are read: what was given before holds nothing any more once another is asked for. */
export function readingsOf(updates: readonly UpdateMessage[]): readonly Reading[] {
  let last: UpdateMessage | null = null;
  return updates.map((update) => ({
    clientId: update.clientId,
    masks: new Map([...update.tensors].map(([name, { mask }]) => [name, mask])),
    read: () => {
      for (const { delta } of last?.tensors.values() ?? []) {
        delta.values.fill(Number.NaN);
        delta.support?.fill(0);
      }
      last = kept(update);
      return last;
    },
  }));
}
