import { mapParams, type Params, zerosLike } from "../model/tensor.ts";
import type { Aggregate } from "./aggregate.ts";

/**
 * Acts on the round's mean delta as on a negative gradient (Reddi et al., "Adaptive Federated Optimization", 2021)
 * and gives the step that the global model should take. Coordinates that no reporter owned stay where they are, and
 * so do their moments: fed with zeros these would fade, and the next delta there would be taken for a huge one. State
 * is handed back, never kept.
 */
export interface ServerOptimizer {
  init(params: Params): OptimizerState;
  step(aggregate: Aggregate, state: OptimizerState): readonly [step: Params, state: OptimizerState];
}

/** Moments, as many as the optimizer keeps. */
export type OptimizerState = readonly Params[];

/** Of Adam, Yogi and Adagrad; `epsilon` is the paper's tau, the degree of adaptivity. */
export interface AdaptiveSettings {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export type ServerOptimizerSettings =
  | { readonly sgd: { readonly learningRate: number; readonly momentum: number } }
  | { readonly adam: AdaptiveSettings }
  | { readonly yogi: AdaptiveSettings }
  | { readonly adagrad: Omit<AdaptiveSettings, "beta2"> };

export function serverOptimizer(settings: ServerOptimizerSettings): ServerOptimizer {
  if ("sgd" in settings) return sgd(settings.sgd);
  if ("adam" in settings) return adaptive(settings.adam, adamSquares(settings.adam.beta2));
  if ("yogi" in settings) return adaptive(settings.yogi, yogiSquares(settings.yogi.beta2));
  return adaptive(settings.adagrad, adagradSquares);
}

/** FedAvg with learning rate 1 and momentum 0; FedAvgM (Hsu et al., 2019) with momentum: v ← βv + Δ, step = ηv. */
function sgd({ learningRate, momentum }: { learningRate: number; momentum: number }): ServerOptimizer {
  if (momentum === 0)
    return {
      init: () => [],
      step: ({ delta }, state) => [mapParams(delta, ({ data }) => data.map((v) => learningRate * v)), state],
    };
  return {
    init: (params) => [zerosLike(params)],
    step(aggregate, [velocity]) {
      const next = copyOf(velocity!);
      const step = stepOf(aggregate, (name) => {
        const v = next.get(name)!.data;
        return (delta, i) => {
          v[i] = momentum * v[i]! + delta;
          return learningRate * v[i]!;
        };
      });
      return [step, [next]];
    },
  };
}

/** The second moment after a delta. */
type Squares = (before: number, delta: number) => number;

const adamSquares =
  (beta2: number): Squares =>
  (v, delta) =>
    beta2 * v + (1 - beta2) * delta * delta;

const yogiSquares =
  (beta2: number): Squares =>
  (v, delta) =>
    v - (1 - beta2) * delta * delta * Math.sign(v - delta * delta);

const adagradSquares: Squares = (v, delta) => v + delta * delta;

/** m ← β₁m + (1 - β₁)Δ, v by the rule, step = η m / (√v + ε): no bias correction, as in the paper. */
function adaptive(
  { learningRate, beta1, epsilon }: Omit<AdaptiveSettings, "beta2">,
  squares: Squares,
): ServerOptimizer {
  return {
    init: (params) => [zerosLike(params), zerosLike(params)],
    step(aggregate, [first, second]) {
      const [nextFirst, nextSecond] = [copyOf(first!), copyOf(second!)];
      const step = stepOf(aggregate, (name) => {
        const m = nextFirst.get(name)!.data;
        const v = nextSecond.get(name)!.data;
        return (delta, i) => {
          m[i] = beta1 * m[i]! + (1 - beta1) * delta;
          v[i] = squares(v[i]!, delta);
          return (learningRate * m[i]!) / (Math.sqrt(v[i]!) + epsilon);
        };
      });
      return [step, [nextFirst, nextSecond]];
    },
  };
}

const copyOf = (params: Params): Params => mapParams(params, ({ data }) => data.slice());

/** One coordinate after the other, those that are covered; all others step by zero. */
function stepOf(
  { delta, covered }: Aggregate,
  moveOf: (name: string) => (delta: number, i: number) => number,
): Params {
  return mapParams(delta, ({ data }, name) => {
    const step = new Float32Array(data.length);
    const positions = covered.get(name) ?? null;
    const move = moveOf(name);
    if (positions === null) for (let i = 0; i < data.length; i++) step[i] = move(data[i]!, i);
    else for (const i of positions) step[i] = move(data[i]!, i);
    return step;
  });
}
