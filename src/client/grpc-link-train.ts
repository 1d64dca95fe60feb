import type { Augment__Output } from "../generated/fedpress/v1/Augment.ts";
import type { ResidualDecay__Output } from "../generated/fedpress/v1/ResidualDecay.ts";
import type { Schedule__Output } from "../generated/fedpress/v1/Schedule.ts";
import type { TrainSettings__Output } from "../generated/fedpress/v1/TrainSettings.ts";
import type { Augment, Optimizer, ResidualDecay, Schedule, TrainSettings } from "../model/protocol.ts";
import { integer, oneOf, present, real } from "../wire/link-fields.ts";

const MAX_COUNT = 2 ** 31 - 1;

/** How a client is to train; what is off on the wire, as 0 or absent, is left out. Throws WireError `bad-field`. */
export function decodeTrain(fields: TrainSettings__Output): TrainSettings {
  const { schedule, augment } = fields;
  const proximal = notNegative(fields.proximal, "task.train.proximal");
  const clipNorm = notNegative(fields.clipNorm, "task.train.clip_norm");
  const updateClipNorm = notNegative(fields.updateClipNorm, "task.train.update_clip_norm");
  const weightDecay = notNegative(fields.weightDecay, "task.train.weight_decay");
  const labelSmoothing = real(
    fields.labelSmoothing,
    "task.train.label_smoothing",
    (v) => v >= 0 && v < 1,
    "0 or more, below 1",
  );
  return {
    epochs: integer(fields.epochs, "task.train.epochs", 1, 2 ** 16),
    batchSize: integer(fields.batchSize, "task.train.batch_size", 1, 2 ** 16),
    optimizer: decodeOptimizer(fields),
    ...(schedule && { schedule: decodeSchedule(schedule) }),
    ...(proximal > 0 && { proximal }),
    ...(clipNorm > 0 && { clipNorm }),
    ...(updateClipNorm > 0 && { updateClipNorm }),
    ...(weightDecay > 0 && { weightDecay }),
    ...(labelSmoothing > 0 && { labelSmoothing }),
    ...(augment && { augment: decodeAugment(augment) }),
    ...(fields.perStep && { perStep: true as const }),
    ...(fields.controlVariates && { controlVariates: true as const }),
    ...decodePrecision(fields.precision),
    ...(fields.residualDecay && { residualDecay: decodeResidualDecay(fields.residualDecay) }),
  };
}

const PRECISIONS = {
  PRECISION_UNSPECIFIED: {},
  PRECISION_BFLOAT16: { precision: "bfloat16" },
  PRECISION_FLOAT16: { precision: "float16" },
} as const;

const decodePrecision = (value: string | number): Pick<TrainSettings, "precision"> =>
  oneOf(PRECISIONS, value, "task.train.precision");

const notNegative = (value: number, place: string): number => real(value, place, (v) => v >= 0, "0 or more");

function decodeSchedule({ warmUpSteps, step, cosine }: Schedule__Output): Schedule {
  const place = "task.train.schedule";
  return {
    warmUpSteps: integer(warmUpSteps, `${place}.warm_up_steps`, 0, MAX_COUNT),
    decay: step
      ? {
          step: {
            everySteps: integer(step.everySteps, `${place}.step.every_steps`, 1, MAX_COUNT),
            factor: real(step.factor, `${place}.step.factor`, (v) => v > 0 && v <= 1, "above 0, at most 1"),
          },
        }
      : cosine
        ? {
            cosine: { floor: real(cosine.floor, `${place}.cosine.floor`, (v) => v >= 0 && v <= 1, "0 to 1") },
          }
        : "constant",
  };
}

function decodeAugment(fields: Augment__Output): Augment {
  const place = "task.train.augment";
  const shift = integer(fields.shift, `${place}.shift`, 0, 1024);
  const noise = notNegative(fields.noise, `${place}.noise`);
  return {
    ...(shift > 0 && { shift }),
    ...(fields.flip && { flip: true }),
    ...(noise > 0 && { noise }),
  };
}

function decodeResidualDecay({ afterRounds, factor }: ResidualDecay__Output): ResidualDecay {
  const place = "task.train.residual_decay";
  return {
    afterRounds: integer(afterRounds, `${place}.after_rounds`, 0, MAX_COUNT),
    factor: real(factor, `${place}.factor`, (v) => v >= 0 && v < 1, "0 or more, below 1"),
  };
}

function decodeOptimizer({ sgd, adam }: Pick<TrainSettings__Output, "sgd" | "adam">): Optimizer {
  const { learningRate } = present(sgd ?? adam, "task.train.optimizer");
  const rate = real(learningRate, "task.train.optimizer.learning_rate", (v) => v > 0, "above 0");
  if (!sgd) return { adam: { learningRate: rate } };
  const place = "task.train.optimizer.momentum";
  return {
    sgd: {
      learningRate: rate,
      momentum: real(sgd.momentum, place, (v) => v >= 0 && v < 1, "0 or more, below 1"),
    },
  };
}
