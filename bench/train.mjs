// Milliseconds per epoch of 512 samples (batch 32, SGD with momentum) on one worker thread, median of 20 epochs.
// Needs a build: npm run build && node bench/train.mjs
import { trainerPool } from "../dist/trainer/pool.js";
import { architectureNames, initialParams } from "../dist/trainer/zoo.js";

const NUM_SAMPLES = 512;
const WARM_UP = 5;
const MEASURED = 20;

const dataset = {
  inputShape: [28, 28, 1],
  numClasses: 10,
  inputs: new Float32Array(new SharedArrayBuffer(4 * 784 * NUM_SAMPLES)).map(
    (_, i) => ((i * 7919) % 256) / 256,
  ),
  labels: new Int32Array(new SharedArrayBuffer(4 * NUM_SAMPLES)).map((_, i) => i % 10),
};
const signal = new AbortController().signal;

const idleBytes = process.memoryUsage().rss;
const opened = performance.now();
const trainer = await trainerPool(1);
const openMs = performance.now() - opened;
const epochMs = {};
for (const architecture of architectureNames)
  epochMs[architecture] = round(await medianEpochMs(architecture));
const workerMiB = round((process.memoryUsage().rss - idleBytes) / 2 ** 20);
await trainer.close();
console.log(JSON.stringify({ numSamples: NUM_SAMPLES, epochMs, openMs: round(openMs), workerMiB }));

async function medianEpochMs(architecture) {
  let params = initialParams(architecture, 1);
  const times = [];
  for (let seed = 0; seed < WARM_UP + MEASURED; seed++) {
    const start = performance.now();
    const task = { architecture, params, dataset, epochs: 1, batchSize: 32, seed };
    const optimizer = { sgd: { learningRate: 0.01, momentum: 0.9 } };
    ({ params } = await trainer.train({ ...task, optimizer }, signal));
    times.push(performance.now() - start);
  }
  return times.slice(WARM_UP).sort((a, b) => a - b)[MEASURED / 2];
}

function round(value) {
  return Math.round(value * 10) / 10;
}
