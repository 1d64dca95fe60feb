// The thread's side: hunts the chunks it is told of, and shows in `beat` which input it is at.
import { parentPort, workerData } from "node:worker_threads";
import { COUNT, SEED } from "./beat.mjs";
import { hunt } from "./hunt.mjs";

Error.stackTraceLimit = 0; // most inputs end in an error, and a stack costs more than decoding

const { module, beat } = workerData;
const { targets } = await import(module);
const made = new Map();

parentPort.on("message", ({ name, from, inputs }) => {
  if (!made.has(name)) made.set(name, targets[name]());
  const result = hunt(made.get(name), from, inputs, (seed) => {
    beat[SEED] = seed;
    Atomics.add(beat, COUNT, 1);
  });
  Atomics.store(beat, COUNT, 0);
  parentPort.postMessage(result);
});
