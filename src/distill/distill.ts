import { deriveSeed } from "../model/rng.ts";
import { mapParams, type Params, type Tensor } from "../model/tensor.ts";
import { zooModels } from "../trainer/blueprint.ts";
import type { StudentFrame } from "../wire/frame.ts";
import { prepareLesson, study } from "./lesson.ts";
import { prune } from "./prune.ts";
import { quantize } from "./quantize.ts";
import type { DistillTask } from "./task.ts";

/**
 * A compact student of a teacher, as a frame to ship (Hinton, Vinyals and Dean, 2015; Han, Mao and Dally, 2016): it
 * learns the teacher's logits and the labels on variations of the transfer set, is pruned slowly and then quantized,
 * learning on all the while. Every phase sees variations of its own. The same task gives the same bytes.
 */
export async function distill(task: DistillTask, signal: AbortSignal): Promise<StudentFrame> {
  const learnt = await learn(task, signal);
  const pruned = await prune(task, learnt, signal);
  return quantize(task, pruned, signal);
}

async function learn(task: DistillTask, signal: AbortSignal): Promise<Params> {
  const { epochs, student } = task.settings;
  const models = task.models ?? zooModels;
  const lesson = await prepareLesson(task, "learn", signal);
  const drawn = models.initial(student, deriveSeed(task.seed, "distill", "student"));
  let params = mapParams(drawn, (tensor, name) => inheritedData(task, name, tensor) ?? tensor.data);
  for (let pass = 0; pass < epochs; pass++) {
    const learningRate = 3e-3 * (1 - (0.7 * pass) / epochs);
    params = await study(
      task,
      lesson,
      params,
      { learningRate, masks: null, label: `learn ${pass + 1}/${epochs}` },
      signal,
    );
  }
  return params;
}

function inheritedData({ inherited }: DistillTask, name: string, { shape }: Tensor): Float32Array | null {
  const tensor = inherited?.get(name);
  return tensor?.shape.join() === shape.join() ? tensor.data : null;
}
