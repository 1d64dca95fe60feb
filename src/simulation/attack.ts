import type { Config } from "../coordinator/config.ts";
import { derive, permutation } from "../model/rng.ts";
import { mapParams } from "../model/tensor.ts";
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
 * (sign-flip), or of the same (large-norm, as to replace the model: Bagdasaryan et al., 2020). All that follows is the
 * production client: bounds, residual, codec.
 */
export function attacking(trainer: Trainer, attack: Attack): Trainer {
  const factor = attack.kind === "sign-flip" ? -(attack.factor ?? 5) : (attack.factor ?? 100);
  return {
    ...trainer,
    async train(task, ...rest) {
      const result = await trainer.train(task, ...rest);
      const params = mapParams(result.params, ({ data }, name) => {
        const before = task.params.get(name)!.data;
        return data.map((v, i) => before[i]! + factor * (v - before[i]!));
      });
      return { ...result, params };
    },
  };
}
