import { expect, test } from "vitest";
import type { Denominator } from "../../src/aggregation/mean.ts";
import { randomMasks } from "../../src/cli/study/masks/grid.ts";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import { loadFederated } from "../../src/data/source.ts";
import { countOf } from "../../src/model/dataset.ts";
import { manifestOf } from "../../src/model/manifest.ts";
import type { Masks } from "../../src/model/tensor.ts";
import { federate } from "../../src/simulation/federate.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { initialParams } from "../../src/trainer/zoo.ts";

const MODEL = "softmax-regression";
const initial = initialParams(MODEL, 1);
const manifest = manifestOf(initial);
const before = initial.get("dense1/kernel")!.data;
const signal = new AbortController().signal;

async function trained(denominator: Denominator, masks: readonly (Masks | null)[]) {
  const config = parseConfig({
    rounds: 1,
    clients: masks.length,
    model: { zoo: MODEL },
    data: { source: "mnist", holdout: { test: 0.8, transfer: 0 } },
    cohort: { goal: masks.length, overSelection: 1 },
    uplink: [{ tensors: "*", codec: { values: "float32" } }],
    downlink: [{ tensors: "*", codec: { values: "float32" } }],
  });
  const { clients } = await loadFederated(config.data!, config.clients, config.seed);
  const trainer = await localTrainer();
  const { coordinator, outcome } = await federate(
    {
      config,
      runId: "study",
      initial,
      clients,
      trainer,
      evaluate: async () => null,
      emit: () => {},
      study: { denominator, masks },
    },
    signal,
  );
  await trainer.close();
  expect(outcome.outcome).toBe("done");
  const { data } = coordinator.book.model().params.get("dense1/kernel")!;
  const examples = clients.map(countOf);
  return { deltas: data.map((v, i) => v - before[i]!), examples };
}

const masks = [1, 2].map((client) => randomMasks(manifest, 0.2, 1, client)!);
const [first, second] = masks.map((mask) => new Set(mask.get("dense1/kernel")!));

test("clients with masks of their own move nothing else of the model", async () => {
  const { deltas } = await trained("owners", masks);
  const moved = [...deltas.keys()].filter((i) => deltas[i] !== 0);
  expect(moved.length).toBeGreaterThan(1000);
  expect(moved.every((i) => first!.has(i) || second!.has(i))).toBe(true);
});

test("what one client owns alone it moves by all of its delta, or zero-filled by its share of the examples", async () => {
  const { deltas: ours, examples } = await trained("owners", masks);
  const { deltas: zeroFilled } = await trained("everybody", masks);
  const share = examples[0]! / (examples[0]! + examples[1]!);
  const alone = [...first!].filter((i) => !second!.has(i) && Math.abs(ours[i]!) > 1e-3);
  expect(alone.length).toBeGreaterThan(100);
  for (const i of alone) expect(zeroFilled[i]! / ours[i]!).toBeCloseTo(share, 3);
});
