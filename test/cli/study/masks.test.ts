import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockFolder } from "../../../src/cli/lock.ts";
import { differenceOf, finalOf, isDiverged } from "../../../src/cli/study/masks/figures.ts";
import { randomMasks, regimeNames, ruleNames, runAs } from "../../../src/cli/study/masks/grid.ts";
import { plotOf } from "../../../src/cli/study/masks/plot.ts";
import { type Row, type StudySettings, study } from "../../../src/cli/study/masks/study.ts";
import { tableOf, verdictsOf } from "../../../src/cli/study/masks/table.ts";
import { spread } from "../../../src/cli/study/statistics.ts";
import { fedpress, scratch } from "../../e2e/processes.ts";

const done = (...accuracy: number[]) => ({ accuracy, ended: "done" as const });

test("a run comes to the mean of its last eighth, or to chance", () => {
  expect(finalOf(done(...Array(14).fill(0.5), 0.8, 0.9))).toBeCloseTo(0.85, 12);
  expect(finalOf({ accuracy: [0.9, 0.4], ended: "no numbers" })).toBe(0.1);
});

test("a run has diverged without numbers, or more than 10 points below the same seed at the best rate", () => {
  expect(isDiverged(done(0.81), done(0.9))).toBe(false);
  expect(isDiverged(done(0.79), done(0.9))).toBe(true);
  expect(isDiverged(done(0.2), null)).toBe(false);
  expect(isDiverged({ accuracy: [], ended: "no numbers" }, null)).toBe(true);
});

test("the sample's spread, by hand", () => {
  expect(spread([1, 2, 3, 4])).toBeCloseTo(Math.sqrt(5 / 3), 12);
  expect(spread([1])).toBe(0);
});

test("masks own their share of every kernel and all biases, the same for a seed and others for another client", () => {
  const manifest = {
    tensors: [
      { name: "k", shape: [10, 10] },
      { name: "b", shape: [10] },
    ],
  };
  const masks = randomMasks(manifest, 0.2, 7, 1)!;
  expect(masks.get("k")!.length).toBe(20);
  expect(masks.get("b")).toBeNull();
  expect(randomMasks(manifest, 0.2, 7, 1)).toEqual(masks);
  expect(randomMasks(manifest, 0.2, 7, 2)).not.toEqual(masks);
  expect(randomMasks(manifest, 1, 7, 1)).toBeNull();
});

const settings: StudySettings = {
  regimes: ["top-k 3 %", "both, top-k 3 %"],
  serverRates: [1, 2, 8],
  numSeeds: 2,
  numTuningSeeds: 2,
  model: "mlp",
  rounds: 1,
};

/** As if accuracy were best at a rate of 2, a point more on odd seeds, and overlap two points ahead, to fail at 8. */
async function pretended(): Promise<readonly Row[]> {
  const asked: string[] = [];
  const rows = await study(
    settings,
    {
      get: ({ rule, serverRate, seed }) =>
        rule === "overlap" && serverRate === 8
          ? { accuracy: [], ended: "no numbers" }
          : done(0.9 - 0.01 * Math.abs(serverRate - 2) + 0.01 * (seed % 2) + (rule === "overlap" ? 0.02 : 0)),
    },
    async (cells) => {
      asked.push(...cells.map((cell) => JSON.stringify(cell)));
    },
  );
  expect(new Set(asked).size).toBe(asked.length); // no run twice
  expect(asked.some((cell) => cell.includes("zero-fill") && cell.includes('"top-k'))).toBe(false);
  return rows;
}

test("rates are tuned on validation digits; rate 1, and for ours 2 as the largest up to 4, are run as well", async () => {
  const rows = await pretended();
  expect(rows.map(({ bestRate }) => bestRate)).toEqual(Array(6).fill(2));
  const [zeroFill, overlap, ours] = rows;
  expect(ours!.accuracy.map((share) => share.toFixed(3))).toEqual(["0.910", "0.900"]);
  expect(ours!.accuracyAtOne.map((share) => share.toFixed(3))).toEqual(["0.900", "0.890"]);
  expect(zeroFill!.accuracy).toEqual(ours!.accuracy);
  expect(overlap!.diverged).toEqual([
    { serverRate: 1, runs: 0, of: 4 },
    { serverRate: 2, runs: 0, of: 4 },
    { serverRate: 8, runs: 2, of: 2 },
  ]);
});

test("differences are to the better other, in pairs; what is required of ours is looked at", async () => {
  const rows = await pretended();
  const { mean, spread: around } = differenceOf(rows[2]!, rows);
  expect(mean).toBeCloseTo(-0.02, 12);
  expect(around).toBeCloseTo(0, 12);
  expect(verdictsOf(rows).map(({ holds }) => holds)).toEqual([false, true, false, true]);
  const table = tableOf(rows, settings.serverRates).split("\n");
  expect(table).toHaveLength(8);
  expect(table[3]).toMatch(/overlap +\| 2 +\| 92.50 ± 0.71 \| \+2.00 ± 0.00 .*yes: 2 of 2 at 8/);
});

test("the plot is whole: every rule has a line and a result in every regime", async () => {
  const svg = plotOf(await pretended(), "A & B");
  expect(svg).toContain("A &amp; B");
  expect(svg).not.toMatch(/NaN|undefined/);
  expect(svg.match(/<polyline/g)).toHaveLength(6);
  expect(svg.match(/<circle/g)).toHaveLength(6);
});

test("a rule that is the same fold as ours runs as ours", () => {
  for (const regime of regimeNames)
    for (const rule of ruleNames)
      expect(runAs(regime, rule) === rule).toBe(
        regime.startsWith("both") ||
          rule === "senders-over-owners" ||
          (regime.startsWith("top-k") && rule === "overlap") ||
          (regime.startsWith("masks") && rule === "zero-fill"),
      );
});

test("the command runs, and an interrupted study goes on", async () => {
  const out = scratch();
  const command = ["study", "masks", "--quick", "--json", "--workers", "2", "--out", out];
  const release = lockFolder(out, "--out");
  const beside = fedpress(...command);
  expect(await beside.exit).toBe(2);
  expect(beside.stderr()).toContain(`process ${process.pid} works in this one`);
  release();

  const first = fedpress(...command);
  expect(await first.exit, first.stderr()).toBe(0);
  const { rows } = JSON.parse(first.stdout());
  expect(rows).toHaveLength(3);
  for (const row of rows) expect(Math.min(...row.accuracy)).toBeGreaterThan(0.2);
  expect(readFileSync(join(out, "study.svg"), "utf8")).toContain("</svg>");

  const linesOf = () => readFileSync(join(out, "cells.jsonl"), "utf8").trim().split("\n").length;
  const numRuns = linesOf();
  appendFileSync(join(out, "cells.jsonl"), '{"cell":{"reg'); // as a crash leaves it
  const again = fedpress(...command);
  expect(await again.exit, again.stderr()).toBe(0);
  expect(again.stdout()).toBe(first.stdout());
  expect(again.stderr()).toContain("validation: 6 of 6 runs");
  expect(linesOf()).toBe(numRuns);
}, 60_000);
