import { mapParams, type Params } from "../model/tensor.ts";
import type { Metrics } from "../trainer/trainer.ts";
import type { StudentFrame } from "../wire/frame.ts";
import { studentParams } from "../wire/student.ts";
import { bestClips, encodeOnGrid } from "./grid.ts";
import { partsOf, prepareLesson, study, variationsOf } from "./lesson.ts";
import type { Pruned } from "./prune.ts";
import type { DistillTask } from "./task.ts";

/** A pass is this many bursts; after every `JUDGED_EVERY` of them the student is a candidate. */
const BURSTS = 8;
const JUDGED_EVERY = 4;

/**
 * Learns on with quantized values in the forward pass: the straight-through estimator (Bengio, Leonard and Courville,
 * 2013) at the pace of bursts. A burst trains from what the frame decodes to, and what it moves is added to the exact
 * values behind. Of the frames on the way the one that does best on the transfer set's labels is kept.
 */
export async function quantize(
  task: DistillTask,
  { params, masks }: Pruned,
  signal: AbortSignal,
): Promise<StudentFrame> {
  const { student, quantizeBits, epochs } = task.settings;
  const clips = bestClips(params, quantizeBits);
  const parts = partsOf(await prepareLesson(task, "quantize", signal), BURSTS);
  const bursts = parts.length * Math.ceil(epochs / 2);
  const judge = judgeOf(task, signal);

  let exact = params;
  let frame = encodeOnGrid(student, exact, clips, quantizeBits);
  let best = await judge(frame);
  for (let burst = 0; burst < bursts; burst++) {
    const from = studentParams(frame);
    const learningRate = 2e-4 * (1 - (0.8 * burst) / bursts);
    const label = `quantize ${burst + 1}/${bursts}`;
    const to = await study(task, parts[burst % parts.length]!, from, { learningRate, masks, label }, signal);
    exact = moved(exact, from, to);
    frame = encodeOnGrid(student, exact, clips, quantizeBits);
    const isJudged = (burst + 1) % JUDGED_EVERY === 0 || burst === bursts - 1;
    if (isJudged) best = better(best, await judge(frame));
  }
  return best.frame;
}

/** `params + (to - from)`. */
const moved = (params: Params, from: Params, to: Params): Params =>
  mapParams(params, ({ data }, name) => {
    const before = from.get(name)!.data;
    const after = to.get(name)!.data;
    return data.map((value, i) => value + (after[i]! - before[i]!));
  });

interface Candidate {
  readonly frame: StudentFrame;
  readonly metrics: Metrics;
}

/** On the transfer set and one more variation of it, by their labels; the test split stays out of it. */
function judgeOf(task: DistillTask, signal: AbortSignal): (frame: StudentFrame) => Promise<Candidate> {
  const { trainer, settings } = task;
  const dataset = variationsOf(task, 2, "exam");
  return async (frame) => {
    const params = studentParams(frame);
    return {
      frame,
      metrics: await trainer.evaluate({ architecture: settings.student, params, dataset }, signal),
    };
  };
}

const better = (a: Candidate, b: Candidate): Candidate =>
  b.metrics.accuracy > a.metrics.accuracy ||
  (b.metrics.accuracy === a.metrics.accuracy && b.metrics.loss < a.metrics.loss)
    ? b
    : a;
