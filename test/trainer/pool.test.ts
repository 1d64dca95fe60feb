import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { type Dataset, subset } from "../../src/model/dataset.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import type { TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { linear, trainerContract } from "../suites/trainer.ts";

trainerContract("a pool of one thread", () => trainerPool(1));
trainerContract("a pool of two threads", () => trainerPool(2));
// where its package is installed: nowhere that this was written
if (isInstalled("@tensorflow/tfjs-node"))
  trainerContract("a pool on the native engine", () => trainerPool(1, { engine: "node" }), linear);
trainerContract("a pool on the cpu engine", () => trainerPool(1, { engine: "cpu", warn: () => {} }), linear);

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

const never = new AbortController().signal;
const oddWorker = new URL("./odd-worker.mjs", import.meta.url);

const dataset: Dataset = subset(
  { inputShape: [28, 28, 1], numClasses: 10, inputs: new Float32Array(784), labels: Int32Array.of(4) },
  [0],
);
const task = (seed: number): TrainTask => ({
  architecture: "tiny-cnn",
  params: initialParams("tiny-cnn", 1),
  dataset,
  epochs: 1,
  batchSize: 1,
  optimizer: { sgd: { learningRate: 0.1, momentum: 0 } },
  seed,
});

describe("the pool", () => {
  test("a thread that dies rejects its job, and another takes its place", async () => {
    const pool = await trainerPool(1, { entry: oddWorker });
    const [exits, throws, waiting] = [
      pool.train(task(666), never),
      pool.train(task(667), never),
      pool.train(task(1), never),
    ];
    await expect(exits).rejects.toThrow("a training thread stopped: exit code 7");
    await expect(throws).rejects.toThrow("a training thread stopped: thrown where nobody catches");
    expect((await waiting).numSteps).toBe(1);
    await pool.close();
  });

  test("data on shared memory is not copied", async () => {
    const pool = await trainerPool(1, { entry: oddWorker });
    const shared = subset(dataset, [0]);
    await pool.train({ ...task(777), dataset: shared }, never); // this worker writes label 9
    expect([...shared.labels]).toEqual([9]);
    await pool.close();
  });

  test("a task that cannot cross threads rejects, and the thread goes on", async () => {
    const pool = await trainerPool(1, { entry: oddWorker });
    const odd = { ...task(1), dataset: { ...dataset, numClasses: (() => 10) as unknown as number } };
    await expect(pool.train(odd, never)).rejects.toThrow("could not be cloned");
    expect((await pool.train(task(1), never)).numSteps).toBe(1);
    await pool.close();
  });

  test("nor does it strand the jobs that wait behind it", async () => {
    const pool = await trainerPool(1);
    const odd = { ...task(1), dataset: { ...dataset, numClasses: (() => 10) as unknown as number } };
    const jobs = await Promise.allSettled([
      pool.train(task(1), never),
      pool.train(odd, never),
      pool.train(task(2), never),
    ]);
    expect(jobs.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await pool.close();
  });

  test("settles on an engine once: threads after the first are told its name, not `auto`", async () => {
    const told: string[] = [];
    const choices = new BroadcastChannel("odd-worker");
    choices.onmessage = (event) => told.push((event as MessageEvent).data as string);
    const pool = await trainerPool(2, { entry: oddWorker });
    expect(pool.engine).toBe("wasm");
    await expect.poll(() => told).toEqual(["auto", "wasm"]);
    choices.close();
    await pool.close();
  });

  test("closing ends running and waiting jobs, and later ones are refused", async () => {
    const pool = await trainerPool(1);
    const jobs = [1, 2].map((seed) => pool.train({ ...task(seed), epochs: 1_000_000 }, never));
    const outcomes = Promise.allSettled(jobs);
    await pool.close();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { message: "the trainer was closed" } });
    await expect(pool.train(task(1), never)).rejects.toThrow("the trainer is closed");
  });

  test("an entry that does not start rejects the pool", async () => {
    const missing = new URL("./no-such-worker.mjs", import.meta.url);
    await expect(trainerPool(2, { entry: missing })).rejects.toThrow("a training thread stopped");
  });
});

test("neither the pool, the local trainer's module nor the zoo loads tfjs in the calling thread", () => {
  const script = `
    await import("./dist/trainer/pool.js");
    await import("./dist/trainer/local.js");
    await import("./dist/trainer/trainer.js");
    const { initialParams } = await import("./dist/trainer/zoo.js");
    initialParams("small-cnn", 1);
    const { createRequire } = await import("node:module");
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.filter((path) => path.includes("tensorflow")).length);
  `;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(out.trim()).toBe("0");
});
