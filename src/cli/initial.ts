import type { Config } from "../coordinator/config/config.ts";
import { wireLimits } from "../coordinator/options.ts";
import { ConfigError, WireError } from "../model/error.ts";
import { manifestDigest, manifestOf } from "../model/manifest.ts";
import type { Params } from "../model/tensor.ts";
import { type Blueprint, type Models, zooModels } from "../trainer/blueprint.ts";
import { decodeFrame } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import { readFrameFile } from "./frame-file.ts";

/**
 * Version 0: what the model's tensors and the seed make, the weights that a model of one's own comes with, or the
 * checkpoint that the config names. Throws ConfigError.
 */
export function initialModel(config: Config, models: Models = zooModels): Params {
  const { model, seed, distill } = config;
  const seeded = models.initial(model.zoo, seed);
  if (distill !== null) checkStudent(distill.student, model.zoo, models);
  if (model.checkpoint === null) return models.weights(model.zoo) ?? seeded;
  const params = readCheckpoint(model.checkpoint, wireLimits(config));
  if (manifestDigest(manifestOf(params)) !== manifestDigest(manifestOf(seeded)))
    throw new ConfigError([
      {
        path: "model.checkpoint",
        value: model.checkpoint,
        expected: `the tensors of ${model.zoo}, by name and shape`,
      },
    ]);
  return params;
}

function named(name: string, path: string, models: Models): Blueprint {
  try {
    return models.blueprint(name);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => ({ ...problem, path })));
  }
}

/** A student sees what its teacher sees, and answers the same question. */
function checkStudent(student: string, teacher: string, models: Models): void {
  const { inputShape, numClasses, vocabulary } = models.blueprint(teacher);
  const other = named(student, "distill.student", models);
  const fits =
    other.inputShape.join() === inputShape.join() &&
    other.numClasses === numClasses &&
    other.vocabulary === vocabulary;
  if (!fits)
    throw new ConfigError([
      {
        path: "distill.student",
        value: student,
        expected: `a model that takes ${inputShape.join("x")} and tells ${numClasses} classes apart, as ${teacher} does`,
      },
    ]);
}

function readCheckpoint(file: string, limits: Limits): Params {
  try {
    const frame = decodeFrame(readFrameFile(file, limits.frameBytes), limits);
    if (frame.kind === "checkpoint") return frame.params;
    throw new WireError("bad-kind", "kind", `${frame.kind}, expected checkpoint`);
  } catch (error) {
    throw new ConfigError([
      {
        path: "model.checkpoint",
        value: `${file}: ${(error as Error).message}`,
        expected: "a checkpoint frame",
      },
    ]);
  }
}
