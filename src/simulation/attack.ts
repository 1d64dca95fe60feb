import { paramsNorm } from "../aggregation/norm.ts";
import type { Config } from "../coordinator/config/config.ts";
import { derive, permutation, type Rng } from "../model/rng.ts";
import { deltaOf, mapParams, type Params } from "../model/tensor.ts";
import type { Trainer } from "../trainer/trainer.ts";

type Attack = NonNullable<Config["attack"]>;

/** Which of the clients, by their places from 0, attack: drawn by the seed. */
export function attackersOf(attack: Config["attack"], numClients: number, seed: number): ReadonlySet<number> {
  if (attack === null) return new Set();
  const order = permutation(numClients, derive(seed, "attack"));
  return new Set(order.subarray(0, Math.round(attack.share * numClients)));
}

/**
 * A trainer that learns as all do and then reports something else: `factor` times the opposite of what it learned
 * (sign-flip), or a random direction, `factor` times as long as what it learned (large-norm). All that follows is the
 * production client: bounds, residual, codec.
 */
export function attacking(trainer: Trainer, { kind, factor }: Attack): Trainer {
  return {
    ...trainer,
    async train(task, ...rest) {
      const result = await trainer.train(task, ...rest);
      const learned = deltaOf(task.params, result.params);
      const delta =
        kind === "sign-flip"
          ? scaled(learned, -(factor ?? 5))
          : ofNorm((factor ?? 100) * paramsNorm(learned), learned, derive(task.seed, "attack"));
      return {
        ...result,
        params: mapParams(task.params, ({ data }, name) => plus(data, delta.get(name)!.data)),
      };
    },
  };
}

const scaled = (params: Params, factor: number): Params =>
  mapParams(params, ({ data }) => data.map((v) => factor * v));

function ofNorm(norm: number, like: Params, rng: Rng): Params {
  const direction = mapParams(like, ({ data }) => data.map(() => rng.uniform() - 0.5));
  return scaled(direction, norm / paramsNorm(direction));
}

const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((v, i) => v + b[i]!);
