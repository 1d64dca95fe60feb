import { distill } from "../distill/distill.ts";
import type { DistillSettings } from "../distill/task.ts";
import type { Dataset } from "../model/dataset.ts";
import type { Disk } from "../model/disk.ts";
import { WireError } from "../model/error.ts";
import { digestOf, numParams } from "../model/manifest.ts";
import type { Model } from "../model/message.ts";
import type { Params } from "../model/tensor.ts";
import type { Models } from "../trainer/blueprint.ts";
import type { Trainer } from "../trainer/trainer.ts";
import { decodeFrame, encodeFrame } from "../wire/frame.ts";
import { defaultLimits } from "../wire/limits.ts";
import { studentParams } from "../wire/student.ts";

export interface ShipOptions {
  readonly trainer: Trainer;
  /** Of the global model and the clients' models. */
  readonly architecture: string;
  readonly settings: DistillSettings;
  readonly transfer: Dataset;
  readonly test: Dataset;
  readonly seed: number;
  /** Where the student's architecture is found; the zoo if left out. */
  readonly models?: Models;
  /** The run folder, which gets `student.fpz`. */
  readonly disk: Disk;
  readonly progress?: (line: string) => void;
}

const STUDENT_FILE = "student.fpz";

/** A student as it lies on the disk. */
export interface Shipped {
  /** In the run folder. */
  readonly name: string;
  /** All coordinates, zeros too. */
  readonly numParams: number;
  readonly numNonZero: number;
  /** Of the file. */
  readonly bytes: number;
  /** On the test split, of the model that the file holds. */
  readonly accuracy: number;
  /** Likewise, where there are two classes; null elsewhere. */
  readonly auc: number | null;
  /** SHA-256 of the file, 64 hex digits. */
  readonly digest: string;
}

/**
 * Distills a global model into a student file. `lastUpdates` are the last round's client models, for an ensemble; when
 * there are none (a coordinator that was restarted after the last round) the global model teaches.
 */
export function shipper(
  options: ShipOptions,
): (model: Model, lastUpdates: readonly Params[], signal: AbortSignal) => Promise<Shipped> {
  const { trainer, architecture, settings, transfer, seed, models, disk, progress } = options;
  return async (model, lastUpdates, signal) => {
    const isEnsemble = settings.teacher === "ensemble" && lastUpdates.length > 0;
    if (settings.teacher === "ensemble" && !isEnsemble)
      progress?.("distill: no client models were kept, so the global model is the teacher");
    const teacher = { architecture, models: isEnsemble ? lastUpdates : [model.params] };
    const task = {
      trainer,
      teacher,
      transfer,
      settings,
      seed,
      ...(settings.initial === "global" && { inherited: model.params }),
      ...(models && { models }),
      ...(progress && { progress }),
    };
    const frame = await distill(task, signal);
    await disk.write(STUDENT_FILE, encodeFrame(frame));
    return measure(options, signal);
  };
}

/** What is reported is what the file holds, not what was meant to be written. */
async function measure({ trainer, test, disk }: ShipOptions, signal: AbortSignal): Promise<Shipped> {
  const bytes = await disk.read(STUDENT_FILE);
  if (bytes === null) throw new WireError("truncated", STUDENT_FILE, "the file is gone");
  const frame = decodeFrame(bytes, defaultLimits);
  if (frame.kind !== "student")
    throw new WireError("bad-kind", STUDENT_FILE, `${frame.kind}, expected student`);
  const params = studentParams(frame);
  const { accuracy, auc } = await trainer.evaluate(
    { architecture: frame.architecture, params, dataset: test },
    signal,
  );
  let numNonZero = 0;
  for (const { data } of params.values()) for (const value of data) if (value !== 0) numNonZero++;
  return {
    name: STUDENT_FILE,
    numParams: numParams(frame.manifest),
    numNonZero,
    bytes: bytes.length,
    accuracy,
    auc: auc ?? null,
    digest: digestOf(bytes),
  };
}
