import { mapParams, type Params, zerosLike } from "../model/tensor.ts";

/**
 * Acts on the round's mean delta as on a negative gradient (Reddi et al., "Adaptive Federated Optimization", 2021)
 * and gives the step that the global model should take. State is handed back, never kept.
 */
export interface ServerOptimizer {
  init(params: Params): OptimizerState;
  step(delta: Params, state: OptimizerState): readonly [step: Params, state: OptimizerState];
}

/** Moments, as many as the optimizer keeps. */
export type OptimizerState = readonly Params[];

export type ServerOptimizerSettings = {
  readonly sgd: { readonly learningRate: number; readonly momentum: number };
};

/** FedAvg with learning rate 1 and momentum 0; FedAvgM (Hsu et al., 2019) with momentum: v ← βv + Δ, step = ηv. */
export function serverOptimizer({ sgd }: ServerOptimizerSettings): ServerOptimizer {
  const { learningRate, momentum } = sgd;
  const scale = (params: Params): Params =>
    mapParams(params, ({ data }) => data.map((v) => learningRate * v));
  if (momentum === 0) return { init: () => [], step: (delta, state) => [scale(delta), state] };
  return {
    init: (params) => [zerosLike(params)],
    step: (delta, [velocity]) => {
      const next = mapParams(delta, ({ data }, name) => {
        const before = velocity!.get(name)!.data;
        return data.map((v, i) => momentum * before[i]! + v);
      });
      return [scale(next), [next]];
    },
  };
}
