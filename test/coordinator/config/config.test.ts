import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { configJsonSchema, parseConfig } from "../../../src/coordinator/config/config.ts";
import { coordinatorOptions } from "../../../src/coordinator/options.ts";
import { ConfigError } from "../../../src/model/error.ts";

function problemsOf(document: unknown): readonly string[] {
  try {
    parseConfig(document);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const model = { zoo: "small-cnn" };

test("defaults for all but the model", () => {
  const config = parseConfig({ model });
  expect(config.cohort).toMatchObject({ goal: 10, overSelection: "auto", reportDeadline: 60_000 });
  expect(config.coordinator.limits.frameBytes).toBe(64 * 2 ** 20);
  expect(config.uplink).toEqual([
    { tensors: "*", codec: { select: { topK: 0.01 }, values: "ternary" }, errorFeedback: true },
  ]);
  expect(config.distill).toBeNull();
});

test.each([
  [{}, "model: missing, expected an object"],
  [{ model: { zoo: 3 } }, "model.zoo: 3, expected a string"],
  [{ model, rounds: -1 }, "rounds: -1, expected more than 0"],
  [{ model, modle: 1 }, "modle: 1, expected no such key: look for a misspelling"],
  [{ model, cohort: { goals: 3 } }, "cohort.goals: 3, expected no such key: look for a misspelling"],
  [
    { model, cohort: { reportDeadline: "6x" } },
    'cohort.reportDeadline: "6x", expected a duration such as 60s, 5m or a number of milliseconds',
  ],
  [
    { model, coordinator: { limits: { frameBytes: "lots" } } },
    'coordinator.limits.frameBytes: "lots", expected a size such as 64MiB or a number of bytes',
  ],
  [{ model, cohort: { goal: 3, minimum: 5 } }, "cohort.minimum: 5, expected at most cohort.goal, 3"],
  [
    { model, uplink: [{ tensors: "*", codec: { select: { topk: 0.1 }, values: "ternary" } }] },
    'uplink[0].codec.select: {"topk":0.1}, expected all, { topK: density }, { budget: { bytesPerRound } }, { budget: { secondsPerRound } }, { randomK: density }, { rows: density } or { filters: density } with 0 < density <= 1, { threshold: magnitude } above 0, { blocks: { keep, of } } with 1 <= keep < of <= 24, or { lowRank: columns } of 1 to 32',
  ],
  [{ model, uplink: [] }, "uplink: [], expected at least 1"],
  [
    { model, train: { residualDecay: { afterRounds: 5, factor: 1 } } },
    "train.residualDecay.factor: 1, expected less than 1",
  ],
  [{ model, coordinator: { listen: "7070" } }, 'coordinator.listen: "7070", expected HOST:PORT'],
  [
    { model, coordinator: { journal: { segmentBytes: "1KiB" } } },
    'coordinator.journal.segmentBytes: "1KiB", expected a size of 4KiB to 1GiB',
  ],
  [
    { model, coordinator: { journal: { keep: "some" } } },
    'coordinator.journal.keep: "some", expected needed or all',
  ],
  [
    { model, coordinator: { journal: { snapshotEvery: 0 } } },
    "coordinator.journal.snapshotEvery: 0, expected more than 0",
  ],
  [{ model, seed: 2 ** 40 }, "seed: 1099511627776, expected at most 4294967295"],
])("a problem has its path, its value and what was expected: %j", (document, line) => {
  expect(problemsOf(document)).toEqual([line]);
});

test("scaffold reads a control variate off every delta: what else would move it is refused", () => {
  const aggregation = { strategy: "scaffold", maskPolicy: "intersection", clipNorm: 1 };
  const train = {
    optimizer: { adam: { learningRate: 0.1 } },
    schedule: { decay: { cosine: {} } },
    proximal: 1,
    clipNorm: 1,
    updateClipNorm: 1,
  };
  const masks = { uncovered: { dropAfter: 3 }, regrow: 0.3 };
  const cohort = { maxStaleness: 2 };
  const lines = problemsOf({ model, aggregation, train, masks, cohort, widths: [1, 0.5] });
  expect(lines.map((line) => line.split(":")[0])).toEqual([
    "train.optimizer",
    "train.schedule",
    "train.proximal",
    "train.clipNorm",
    "train.updateClipNorm",
    "aggregation.clipNorm",
    "cohort.maxStaleness",
    "aggregation.maskPolicy",
    "masks.uncovered",
    "masks.regrow",
    "widths",
  ]);
  for (const line of lines) expect(line).toMatch(/ with strategy scaffold$/);
  expect(problemsOf({ model, aggregation: { strategy: "scaffold" } })).toEqual([]);
});

test("every codec can be written, in its range", () => {
  const problems = (codec: unknown) => problemsOf({ model, uplink: [{ tensors: "*", codec }] });
  for (const select of [
    "all",
    { topK: 0.01 },
    { topK: 0.01, rateDistortion: true },
    { budget: { bytesPerRound: 256 } },
    { budget: { secondsPerRound: 0.5 }, rateDistortion: true },
    { threshold: 1e-3 },
    { randomK: 0.1 },
    { blocks: { keep: 2, of: 4 } },
    { lowRank: 32 },
    { rows: 0.1 },
    { filters: 1 },
  ])
    for (const values of [
      "float32",
      "float16",
      "bfloat16",
      "ternary",
      "sign",
      { uniform: 8 },
      { uniform: 1, rounding: "stochastic" },
      { qsgd: 32767 },
      { codebook: 256 },
      { levels: 3 },
      { levels: "auto" },
      { eden: 4 },
    ])
      expect(problems({ select, values })).toEqual([]);
  for (const values of [
    "float64",
    { uniform: 9 },
    { uniform: 4, rounding: "up" },
    { qsgd: 0 },
    { codebook: 1 },
    { levels: 4 },
    { eden: 5 },
  ])
    expect(problems({ values })[0]).toMatch(/^uplink\[0\]\.codec\.values.*, expected /);
  for (const select of [
    { topK: 0.1, rateDistortion: false },
    { budget: 1000 },
    { budget: { bytesPerRound: 255 } },
    { budget: { bytesPerRound: "2GiB" } },
    { budget: { secondsPerRound: 0 } },
    { budget: { secondsPerRound: 86_401 } },
    { budget: { bytesPerRound: 1000, secondsPerRound: 1 } },
    { threshold: 0 },
    { randomK: 1.5 },
    { blocks: { keep: 4, of: 4 } },
    { lowRank: 0 },
    { lowRank: 33 },
    { rows: 0 },
    { filters: 1.1 },
    { blocks: { keep: 1, of: 25 } },
  ])
    expect(problems({ select, values: "sign" })[0]).toMatch(/^uplink\[0\]\.codec\.select.*, expected /);
});

test("a budget in seconds is for uplinks, which have a rate; one plan has one budget", () => {
  const rule = (budget: object, tensors = "*") => ({
    tensors,
    codec: { select: { budget }, values: "ternary" },
  });
  expect(problemsOf({ model, uplink: [rule({ secondsPerRound: 1 })] })).toEqual([]);
  expect(problemsOf({ model, downlink: [rule({ secondsPerRound: 1 })] })[0]).toMatch(
    /^downlink\[0\]\.codec\.select\.budget\.secondsPerRound: 1, expected bytesPerRound/,
  );
  const params = new Map([["a", { shape: [4], data: new Float32Array(4) }]]);
  const [one, other] = [rule({ bytesPerRound: 300 }, "b"), rule({ bytesPerRound: 301 })];
  const config = parseConfig({ model: { zoo: "mlp" }, uplink: [one, other] });
  expect(() => coordinatorOptions(config, params, "run", null)).toThrow(
    /uplink\[1\]\.codec\.select\.budget: .*expected the same as uplink\[0\]/,
  );
});

test("distilling needs data, with both splits", () => {
  expect(problemsOf({ model, distill: {} })[0]).toContain("expected a data section too");
  const data = { source: "mnist", holdout: { test: 0.1, transfer: 0 } };
  expect(problemsOf({ model, data, distill: {} })[0]).toMatch(/^data\.holdout: .*test and transfer above 0/);
});

test("every problem is reported, not just the first", () => {
  expect(problemsOf({ model: { zoo: 3 }, rounds: 0, wrong: true })).toHaveLength(3);
});

test("sizes and durations in a person's units", () => {
  const limits = (frameBytes: unknown) =>
    parseConfig({ model, coordinator: { limits: { frameBytes } } }).coordinator.limits;
  expect(limits("1.5KiB").frameBytes).toBe(1536);
  expect(limits("2 MB").frameBytes).toBe(2_000_000);
  expect(limits(77).frameBytes).toBe(77);
  expect(parseConfig({ model, cohort: { reportDeadline: "5m" } }).cohort.reportDeadline).toBe(300_000);
});

test("a resolved config is a config, and so is every example", () => {
  const config = parseConfig({ model, data: { source: "mnist" } });
  expect(parseConfig(config)).toEqual(config);
  const examples = new URL("../../../examples/", import.meta.url);
  const files = readdirSync(examples).filter((name) => name.endsWith(".yaml"));
  expect(files.length).toBeGreaterThan(1);
  for (const name of files)
    expect(problemsOf(parse(readFileSync(new URL(name, examples), "utf8"))), name).toEqual([]);
});

test("the JSON schema names every setting and forbids others", () => {
  const schema = configJsonSchema() as {
    properties: Record<string, unknown>;
    additionalProperties: boolean;
    required: string[];
  };
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toEqual(["model"]);
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(["name", "seed", "uplink", "distill", "telemetry"]),
  );
});
