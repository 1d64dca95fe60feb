import { z } from "zod";
import { precisions } from "../../model/protocol.ts";
import { count, either, positive, share } from "./fields.ts";

/** The part of the config that says how clients train. */

const steps = z.int().max(2 ** 31 - 1);

const schedule = z.strictObject({
  warmUpSteps: steps.min(0).default(0).describe("Steps over which the rate rises from 0"),
  decay: either(
    [
      z.literal("constant"),
      z.strictObject({ step: z.strictObject({ everySteps: steps.min(1), factor: share }) }),
      z.strictObject({ cosine: z.strictObject({ floor: z.number().min(0).max(1).default(0) }) }),
    ],
    "constant, { step: { everySteps, factor } } with 0 < factor <= 1, or { cosine: { floor } } with 0 <= floor <= 1",
  )
    .default("constant")
    .describe("What follows the warm-up"),
});

export const train = z.strictObject({
  epochs: count.max(1000).default(1),
  batchSize: count.max(65_536).default(32),
  optimizer: either(
    [
      z.strictObject({
        sgd: z.strictObject({ learningRate: positive, momentum: z.number().min(0).lt(1).default(0) }),
      }),
      z.strictObject({ adam: z.strictObject({ learningRate: positive }) }),
    ],
    "{ sgd: { learningRate, momentum } } or { adam: { learningRate } }",
  ).default({ sgd: { learningRate: 0.05, momentum: 0.9 } }),
  schedule: schedule.exactOptional().describe("Scales the learning rate from step to step, anew every round"),
  proximal: positive
    .exactOptional()
    .describe("FedProx's mu: how strongly clients are held to the round's model"),
  clipNorm: positive.exactOptional().describe("Largest norm of a step's gradient, over all tensors"),
  updateClipNorm: positive
    .exactOptional()
    .describe("Largest norm of what a client's training moves the model by, over all tensors"),
  weightDecay: positive
    .exactOptional()
    .describe("Decoupled: every step takes learningRate * weightDecay of each coordinate off it"),
  labelSmoothing: z
    .number()
    .gt(0)
    .lt(1)
    .exactOptional()
    .describe("The share of each label that is spread over all classes"),
  augment: z
    .strictObject({
      shift: count.max(1024).exactOptional().describe("Largest move of an image, in pixels either way"),
      flip: z.literal(true).exactOptional().describe("Every other image left to right"),
      noise: positive.exactOptional().describe("Standard deviation of the noise on every input"),
    })
    .exactOptional()
    .describe("Random variation of every example in every epoch"),
  precision: z
    .enum(precisions)
    .exactOptional()
    .describe("What layers pass on is rounded to; the optimizer moves float32 whatever it is"),
  residualDecay: z
    .strictObject({
      afterRounds: z
        .int()
        .min(0)
        .max(1_000_000)
        .describe("Rounds that a client may miss in a row for nothing"),
      factor: z.number().min(0).lt(1).describe("What is left of what it owes for every round beyond"),
    })
    .exactOptional()
    .describe("What a client that was away still owes fades; off if left out"),
});
