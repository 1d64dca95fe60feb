import { assert } from "../model/assert.ts";
import type { Params, Positions, Tensor } from "../model/tensor.ts";
import { mapParams } from "../model/tensor.ts";
import type { Aggregate } from "./aggregate.ts";
import { forEachTensor, quantum, type Tally } from "./tally.ts";

/**
 * Senders over owners: `ΔW_j = Σ nᵢ·sentᵢⱼ·Δᵢⱼ / Σ nᵢ·ownedᵢⱼ`. What an owner left out of its payload is a zero
 * (plain FedAvg under error feedback); what a client does not own is no vote (HeteroFL, Diao et al., 2021). A
 * coordinate that nobody owned keeps its value: delta 0.
 */
export const sendersOverOwners = (tally: Tally): Aggregate => meanOver(tally, (i) => tally.owners[i]!);

/**
 * What the sum of a coordinate is divided by: the weight of its owners; of everybody, so that what a client has no part
 * in is a zero (zero-filling); or of those who sent it (overlap averaging, as of whole weights in HeteroFL, Hermes and
 * FedDST). All but the owners are for comparison only: `fedpress study masks`.
 */
export type Denominator = "owners" | "everybody" | "senders";

export const means: Readonly<Record<Denominator, (tally: Tally) => Aggregate>> = {
  owners: sendersOverOwners,
  everybody: (tally) => meanOver(tally, () => null),
  senders: (tally) => {
    const { senders } = tally;
    assert(senders !== null, "the senders were counted");
    return meanOver(tally, (_, start, length) => senders.subarray(start, start + length));
  },
};

/** `weightsOf` gives a tensor's weights by coordinate, or null when it is everybody's. */
function meanOver(
  tally: Tally,
  weightsOf: (i: number, start: number, length: number) => Float64Array | null,
): Aggregate {
  const delta = new Map<string, Tensor>();
  const covered = new Map<string, Positions | null>();
  forEachTensor(tally, ({ name, start, length }, i) => {
    const weights = weightsOf(i, start, length);
    const data = new Float32Array(length);
    tally.sums.means(start, quantum(tally.grid, i), weights ?? tally.total, data);
    delta.set(name, { shape: tally.manifest.tensors[i]!.shape, data });
    covered.set(name, weights === null ? null : positive(weights));
  });
  return { delta, covered };
}

/**
 * FedNova (Wang et al., "Tackling the Objective Inconsistency Problem", 2020): the updates are deltas a local step, and
 * their mean counts for the mean number of steps, so that who takes more of them does not pull the model its way.
 */
export function stepsTimesMean(tally: Tally): Aggregate {
  const { delta, covered } = sendersOverOwners(tally);
  const steps = Number(tally.steps) / tally.total / STEPS_UNIT;
  const scaled: Params = mapParams(delta, ({ data }) => data.map((v) => steps * v));
  return { delta: scaled, covered };
}

/** What `Tally.steps` counts a local step for. */
export const STEPS_UNIT = 2 ** 8;

/** Null when all are. */
function positive(weights: Float64Array): Positions | null {
  const places = new Uint32Array(weights.length);
  let count = 0;
  for (let i = 0; i < weights.length; i++) if (weights[i]! > 0) places[count++] = i;
  return count === weights.length ? null : places.slice(0, count);
}
