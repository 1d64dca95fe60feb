import { expect, test } from "vitest";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import { loadFederated } from "../../src/data/source.ts";
import { evaluator, measureWidths } from "../../src/pipeline/evaluate.ts";
import { federate } from "../../src/simulation/federate.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { initialParams } from "../../src/trainer/zoo.ts";

test("a fleet of widths 1, 1/2 and 1/4 learns one model, of which every width is of use", async () => {
  const config = parseConfig({
    rounds: 6,
    clients: 6,
    model: { zoo: "small-cnn" },
    data: { source: "mnist", holdout: { test: 0.1, transfer: 0.2 } },
    cohort: { goal: 6 },
    widths: [1, 0.5, 0.25],
    fleet: [1, 0.5, 0.25].map((width) => ({ share: 1 / 3, width })),
    uplink: [{ tensors: "*", codec: { select: { topK: 0.2 }, values: { uniform: 4 } }, errorFeedback: true }],
    downlink: [
      { tensors: "*", codec: { select: { topK: 0.2 }, values: { uniform: 4 } }, errorFeedback: true },
    ],
  });
  const { clients, test: held } = await loadFederated(config.data!, config.clients, config.seed);
  const real = await localTrainer();
  const trained = new Map<string, number>();
  const trainer: typeof real = {
    ...real,
    train: (task, signal) => {
      trained.set(task.architecture, (trained.get(task.architecture) ?? 0) + 1);
      return real.train(task, signal);
    },
  };
  const signal = new AbortController().signal;
  const { coordinator, outcome } = await federate(
    {
      config,
      runId: "widths",
      initial: initialParams("small-cnn", config.seed),
      clients,
      trainer,
      evaluate: evaluator(trainer, "small-cnn", held),
      emit: () => {},
    },
    signal,
  );
  expect(outcome.outcome).toBe("done");
  expect(Object.fromEntries(trained)).toEqual({
    "small-cnn": 12,
    "small-cnn-w0.5": 12,
    "small-cnn-w0.25": 12,
  });
  const { params } = coordinator.book.model();
  const figures = await measureWidths(
    real,
    { zoo: "small-cnn", widths: config.widths, params, test: held! },
    signal,
  );
  expect(figures.map(({ numParams }) => numParams)).toEqual([20_522, 5_370, 1_466]);
  const [whole, half, quarter] = figures.map(({ accuracy }) => accuracy);
  expect(whole).toBeGreaterThan(0.8);
  expect(half).toBeGreaterThan(0.7);
  expect(quarter).toBeGreaterThan(0.4);
  await real.close();
}, 60_000);
