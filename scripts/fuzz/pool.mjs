import { failureOf } from "./hunt.mjs";
import { huntingJob } from "./job.mjs";
import { inputOf } from "./mutate.mjs";
import { huntingThread } from "./thread.mjs";

/**
 * Hunts targets, by their names in what `module` (a URL) exports as `targets`, on `threads` threads. `onResult` gets one result a
 * target, in the order of the names. An input that takes longer than `hangSeconds`, or ends its thread, is a failure
 * like any other. Once `signal` aborts, which is at once, results are of what was done, and targets not begun have none.
 */
export async function huntAll(module, names, options) {
  const { from, inputs, threads, signal, onResult, onProgress } = options;
  const { targets, slowness } = await import(module);
  const jobs = names.map((name) => huntingJob(name, from, shareOf(inputs, name, slowness)));
  let reported = 0;
  let done = 0;
  const report = (isDue) => {
    while (reported < jobs.length && isDue(jobs[reported])) onResult(jobs[reported++].total);
  };
  const begin = () => {
    for (const job of jobs) {
      const chunk = job.next();
      if (chunk !== null) return { job, chunk };
    }
    return null;
  };
  const run = async () => {
    const thread = huntingThread(module, options);
    for (let next = begin(); next !== null && !signal.aborted; next = begin()) {
      const { job, chunk } = next;
      const answer = await thread.hunt(chunk);
      if (answer === null) break;
      const result = answer.lost === undefined ? answer : lostResult(targets[job.name](), chunk, answer);
      job.settle(chunk.start, result);
      done += result.inputs;
      report((first) => first.isSettled());
      onProgress(done);
    }
    await thread.end();
  };
  await Promise.all(Array.from({ length: threads }, run));
  report(({ total }) => total.inputs > 0);
}

/** Of as many inputs, those that a target gets. */
export const shareOf = (inputs, name, slowness = {}) => Math.ceil(inputs / (slowness[name] ?? 1));

/** Of a chunk that did not come back; what the inputs before did is not known. */
function lostResult(target, { from }, { lost, seed }) {
  const failure = failureOf(target, seed, inputOf(target, seed), lost);
  return { inputs: ((seed - from) >>> 0) + 1, outcomes: { lost: 1 }, seconds: 0, failure };
}
