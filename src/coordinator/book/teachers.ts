import { kept, type Reading } from "../../aggregation/robust/reading.ts";
import { localSteps } from "../../model/local-steps.ts";
import type { Model } from "../../model/message.ts";
import type { TrainSettings } from "../../model/protocol.ts";
import { type Params, type SparseVector, toDense } from "../../model/tensor.ts";

/** What the reports of a round stood for, as little as it takes to make their models of it. */
export interface Teachers {
  readonly base: Params;
  readonly moves: readonly Move[];
}

/** Where a client's training led: `steps` times the deltas. */
interface Move {
  readonly steps: number;
  /** Of every tensor, in the manifest's order. */
  readonly deltas: readonly SparseVector[];
}

/**
 * Of reports that were trained from the newest model: a late one's delta leads from an older model to its client's, which
 * nobody has any more, and from the newest one to nowhere. With none left there are no teachers but the global model.
 */
export const teachersOf = (
  { version, params }: Model,
  readings: readonly Reading[],
  train: TrainSettings,
): Teachers => ({
  base: params,
  moves: readings.flatMap(({ read }) => {
    const update = read();
    if (update.baseVersion !== version) return [];
    const { numSteps, tensors } = kept(update);
    const steps = train.perStep ? localSteps(train, numSteps) : 1;
    return [{ steps, deltas: [...params.keys()].map((name) => tensors.get(name)!.delta) }];
  }),
});

export const teacherModels = ({ base, moves }: Teachers): readonly Params[] =>
  moves.map(
    ({ steps, deltas }) =>
      new Map(
        [...base].map(([name, { shape, data }], i) => {
          const delta = toDense(deltas[i]!);
          return [name, { shape, data: data.map((v, j) => v + steps * delta[j]!) }];
        }),
      ),
  );
