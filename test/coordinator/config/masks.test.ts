import { expect, test } from "vitest";
import { parseConfig } from "../../../src/coordinator/config/config.ts";
import { ConfigError } from "../../../src/model/error.ts";
import { declared } from "../../../src/simulation/fleet.ts";
import { subModels } from "../../../src/trainer/submodels.ts";

const problemsOf = (settings: object): readonly string[] => {
  try {
    parseConfig({ model: { zoo: "small-cnn" }, ...settings });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path }) => path);
  }
};

test("by default nobody owns less than everything, and nothing leaves the model", () => {
  const { widths, fleet, masks, aggregation } = parseConfig({ model: { zoo: "small-cnn" } });
  expect({ widths, fleet, masks, policy: aggregation.maskPolicy }).toEqual({
    widths: [1],
    fleet: [],
    masks: { everyRounds: 1, uncovered: "keep", maxDrift: null, regrow: null },
    policy: "union",
  });
  expect(subModels("small-cnn", widths, 32)).toEqual([]);
});

test("policies have their forms", () => {
  for (const maskPolicy of ["union", "intersection", { majority: 0.5 }, { budget: { density: 0.1 } }])
    expect(problemsOf({ aggregation: { maskPolicy } })).toEqual([]);
  for (const maskPolicy of ["all", { majority: 0 }, { budget: { density: 2 } }, { budget: {} }])
    expect(problemsOf({ aggregation: { maskPolicy } })).toEqual([
      expect.stringMatching(/^aggregation\.maskPolicy/),
    ]);
});

test("what does not go together is said", () => {
  const lowRank = [
    { tensors: "*", codec: { select: { lowRank: 1 }, values: "float32" }, errorFeedback: true },
  ];
  expect(problemsOf({ uplink: lowRank, aggregation: { maskPolicy: "intersection" } })).toEqual([
    "uplink[0].codec.select",
  ]);
  expect(problemsOf({ uplink: lowRank, masks: { uncovered: { dropAfter: 3 } } })).toEqual([
    "uplink[0].codec.select",
  ]);
  expect(problemsOf({ widths: [1, 0.5], fleet: [{ share: 1, width: 0.25 }] })).toEqual(["fleet[0].width"]);
  expect(problemsOf({ widths: [0.5, 0.5] })).toEqual(["widths"]);
  expect(problemsOf({ widths: [1 / 3] })).toEqual(["widths[0]"]);
  expect(problemsOf({ fleet: [{ share: 0.6 }, { share: 0.6 }] })).toEqual(["fleet"]);
  const cohort = { concurrency: 20, maxStaleness: 2 };
  expect(problemsOf({ widths: [1, 0.5], cohort })).toEqual(["widths"]);
});

test("a fleet's devices say what their kind has, in its share of the clients", () => {
  const parts = subModels("small-cnn", [1, 0.5], 32);
  const fleet = parseConfig({
    model: { zoo: "small-cnn" },
    widths: [1, 0.5],
    fleet: [
      { share: 0.3, width: 0.5 },
      { share: 0.2, memory: "1MiB", uplink: "10KB" },
    ],
  }).fleet;
  const kinds = declared(fleet, parts, 10, 7).map((kind) => JSON.stringify(kind));
  expect(kinds.toSorted()).toEqual(
    [
      ...Array(3).fill({ memoryBytes: parts[1]!.memoryBytes }),
      ...Array(2).fill({ memoryBytes: 2 ** 20, uplinkBytesPerSecond: 10_000 }),
      ...Array(5).fill(null),
    ]
      .map((kind) => JSON.stringify(kind))
      .toSorted(),
  );
  expect(declared(fleet, parts, 10, 7)).toEqual(declared(fleet, parts, 10, 7));
});
