import { z } from "zod";
import { strategyNames } from "../../aggregation/strategy.ts";
import { MAX_NUM_EXAMPLES } from "../../model/message.ts";
import { count, either, positive } from "./fields.ts";
import { maskPolicy } from "./masks.ts";
import { robust } from "./robust.ts";

/** The part of the config that says how updates become one. */

const rate = positive.max(100);
const decay = z.number().min(0).lt(1);
const adaptive = z.strictObject({
  learningRate: rate.default(0.03),
  beta1: decay.default(0.9),
  beta2: decay.default(0.99),
  epsilon: positive.default(1e-3).describe("The paper's tau, the degree of adaptivity"),
});

const serverOptimizer = either(
  [
    z.strictObject({
      sgd: z.strictObject({ learningRate: rate.default(1), momentum: decay.default(0) }),
    }),
    z.strictObject({ adam: adaptive }),
    z.strictObject({ yogi: adaptive }),
    z.strictObject({ adagrad: adaptive.omit({ beta2: true }).extend({ beta1: decay.default(0) }) }),
  ],
  "{ sgd: { learningRate, momentum } }, or { adam }, { yogi } or { adagrad } with learningRate, beta1, beta2 " +
    "(not of adagrad) and epsilon",
);

export const aggregation = z.strictObject({
  strategy: z.enum(strategyNames).default("fedavg"),
  maskPolicy: maskPolicy.default("union").describe("Which coordinates stay in the global model"),
  serverOptimizer: serverOptimizer
    .nullable()
    .default(null)
    .describe("How the model moves by the mean delta; null: as the strategy does"),
  weightCap: count
    .max(MAX_NUM_EXAMPLES)
    .default(MAX_NUM_EXAMPLES)
    .describe("Training examples of one client that count, at most"),
  clipNorm: positive
    .nullable()
    .default(null)
    .describe("Updates of a larger norm, over all tensors, count as if they had this one"),
  stalenessExponent: z
    .number()
    .min(0)
    .max(10)
    .default(0.5)
    .describe("A report from a model s versions old counts (1 + s)^-this of its share"),
  ...robust,
  fairness: z.number().min(0).max(10).default(1).describe("q of q-fedavg: how much more a high loss counts"),
});
