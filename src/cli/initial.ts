import type { Config } from "../coordinator/config.ts";
import { wireLimits } from "../coordinator/options.ts";
import { ConfigError, WireError } from "../model/error.ts";
import { manifestDigest, manifestOf } from "../model/manifest.ts";
import type { Params } from "../model/tensor.ts";
import { type Architecture, vocabularyOf } from "../trainer/layers.ts";
import { architecture, initialParams } from "../trainer/zoo.ts";
import { decodeFrame } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import { readFrameFile } from "./frame-file.ts";

/** Version 0: what the zoo makes of the seed, or the checkpoint that the config names. Throws ConfigError. */
export function initialModel(config: Config): Params {
  const { model, seed, distill } = config;
  const seeded = initialParams(model.zoo, seed);
  if (distill !== null) checkStudent(distill.student, model.zoo);
  if (model.checkpoint === null) return seeded;
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

function named(name: string, path: string): Architecture {
  try {
    return architecture(name);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => ({ ...problem, path })));
  }
}

/** A student sees what its teacher sees, and answers the same question. */
function checkStudent(student: string, teacher: string): void {
  const { inputShape, numClasses } = architecture(teacher);
  const other = named(student, "distill.student");
  const fits =
    other.inputShape.join() === inputShape.join() &&
    other.numClasses === numClasses &&
    vocabularyOf(other) === vocabularyOf(architecture(teacher));
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
