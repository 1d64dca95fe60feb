import type { Dataset } from "../model/dataset.ts";
import type { Params } from "../model/tensor.ts";
import type { Models } from "../trainer/blueprint.ts";
import type { Trainer } from "../trainer/trainer.ts";
import type { Teacher } from "./teacher.ts";

export interface DistillSettings {
  /** The student's architecture, of the zoo or of the user's own. */
  readonly student: string;
  /** The global model, or the mean of the logits of the last round's client models. */
  readonly teacher: "global" | "ensemble";
  /** What the student begins with: values drawn at random, or the global model's where a tensor has the same name and shape. */
  readonly initial: "random" | "global";
  /** Softens the logits of teacher and student. */
  readonly temperature: number;
  /** Passes over the varied transfer set; pruning takes as many and two more, quantizing half as many. */
  readonly epochs: number;
  /** Share of the student's kernels set to zero, 0 to below 1. */
  readonly prune: number;
  /** Bits of a kernel's coordinate, 1 to 8. */
  readonly quantizeBits: number;
}

export interface DistillTask {
  readonly trainer: Trainer;
  readonly teacher: Teacher;
  /** The student begins with those of its tensors that have the same name and shape; with none if left out. */
  readonly inherited?: Params;
  /** Labelled, and neither trained nor tested on anywhere else. */
  readonly transfer: Dataset;
  readonly settings: DistillSettings;
  readonly seed: number;
  /** Where the student's architecture is found; the zoo if left out. */
  readonly models?: Models;
  /** Gets one line a pass. */
  readonly progress?: (line: string) => void;
}
