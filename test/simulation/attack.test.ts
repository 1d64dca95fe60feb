import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Config, parseConfig } from "../../src/coordinator/config/config.ts";
import { loadFederated } from "../../src/data/source.ts";
import type { Params } from "../../src/model/tensor.ts";
import { attackersOf, attacking } from "../../src/simulation/attack.ts";
import { federate } from "../../src/simulation/federate.ts";
import { roundHistory } from "../../src/simulation/history.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";

const signal = new AbortController().signal;
let trainer: Trainer;
let clean: Awaited<ReturnType<typeof run>>;
beforeAll(async () => {
  trainer = await localTrainer();
  clean = await run(null, { strategy: "fedavg" });
});
afterAll(() => trainer.close());

/** Ten clients with real digits, 40 rounds, dense updates; two of them attack, if any. */
async function run(attack: Config["attack"], aggregation: object) {
  const config = parseConfig({
    rounds: 40,
    clients: 10,
    attack,
    aggregation,
    model: { zoo: "softmax-regression" },
    data: { source: "mnist", holdout: { test: 0.2, transfer: 0.5 }, partition: "iid" },
    cohort: { goal: 10, minimum: 6 },
    uplink: [{ tensors: "*", codec: { values: "float32" } }],
    downlink: [{ tensors: "*", codec: { values: "float32" } }],
  });
  const { clients, test: held } = await loadFederated(config.data!, config.clients, config.seed);
  const history = roundHistory();
  const initial = initialParams(config.model.zoo, config.seed);
  const { coordinator } = await federate(
    {
      config,
      runId: "attacked",
      initial,
      clients,
      trainer,
      evaluate: async () => null,
      emit: (event, atMs) => history.sink.emit({ runId: "attacked", sequence: 1, atMs, event }),
    },
    signal,
  );
  const { params } = coordinator.book.model();
  const task = { architecture: config.model.zoo, params, dataset: held! };
  const { accuracy } = await trainer.evaluate(task, signal);
  return { accuracy, refused: history.refused() };
}

const signFlip = { share: 0.2, kind: "sign-flip" } as const;
const largeNorm = { share: 0.2, kind: "large-norm" } as const;
const gates = { normFactor: null };

test("attackers are drawn by the seed, as many as their share", () => {
  expect([...attackersOf(signFlip, 10, 1)]).toHaveLength(2);
  expect(attackersOf(signFlip, 10, 1)).toEqual(attackersOf(largeNorm, 10, 1));
  expect(attackersOf(signFlip, 10, 1)).not.toEqual(attackersOf(signFlip, 10, 2));
  expect(attackersOf(null, 10, 1).size).toBe(0);
});

test("attackers report the opposite of what they learned, or a random direction of so many times its length", async () => {
  const vector = (...data: number[]): Params =>
    new Map([["w", { shape: [data.length], data: Float32Array.from(data) }]]);
  const learned: Trainer = {
    ...trainer,
    train: async () => ({ params: vector(4, 2), numSteps: 1, trainLoss: 1 }),
  };
  const task = { params: vector(1, -2), seed: 1 } as unknown as TrainTask; // learned: 3, 4
  const reported = async (attack: NonNullable<Config["attack"]>) => {
    const { params } = await attacking(learned, attack).train(task, signal);
    return [...params.get("w")!.data];
  };
  expect(await reported(signFlip)).toEqual([1 - 15, -2 - 20]);
  expect(await reported({ ...signFlip, factor: 1 })).toEqual([1 - 3, -2 - 4]);
  const [x, y] = await reported(largeNorm);
  expect(Math.hypot(x! - 1, y! + 2)).toBeCloseTo(500, 3);
});

describe("20 % hostile clients", () => {
  test("centered clipping stays within 2 points of clean; plain averaging collapses", async () => {
    expect(clean.accuracy).toBeGreaterThan(0.85);
    expect(clean.refused).toEqual([]);
    for (const attack of [signFlip, largeNorm]) {
      const clipped = await run(attack, { strategy: "centered-clipping", gates });
      expect(clipped.accuracy, attack.kind).toBeGreaterThan(clean.accuracy - 0.02);
      const plain = await run(attack, { strategy: "fedavg", gates });
      expect(plain.accuracy, attack.kind).toBeLessThan(clean.accuracy - 0.2);
    }
  });

  test("by default the gates turn large norms away, name their clients, and the model is as if they were not there", async () => {
    const { accuracy, refused } = await run(largeNorm, { strategy: "fedavg" });
    expect(accuracy).toBeGreaterThan(clean.accuracy - 0.02);
    const hostile = [...attackersOf(largeNorm, 10, 1)].map((i) => `client-${String(i + 1).padStart(2, "0")}`);
    expect(refused.map(({ clientId, code }) => ({ clientId, code }))).toEqual(
      hostile.sort().map((clientId) => ({ clientId, code: "norm-gate" })),
    );
    for (const { reports } of refused) expect(reports).toBeGreaterThan(5);
  });
});
