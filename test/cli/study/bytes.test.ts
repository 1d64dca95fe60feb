import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bytesTo, plateauOf, reachedAt } from "../../../src/cli/study/bytes/figures.ts";
import { type Cell, fullGrids, keyOf, regimeNames } from "../../../src/cli/study/bytes/grid.ts";
import { plotOf } from "../../../src/cli/study/bytes/plot.ts";
import { golombRecount } from "../../../src/cli/study/bytes/recount.ts";
import type { Run } from "../../../src/cli/study/bytes/run.ts";
import { type Result, type StudySettings, study } from "../../../src/cli/study/bytes/study.ts";
import { linesOf, tableOf } from "../../../src/cli/study/bytes/table.ts";
import { codec } from "../../../src/compress/codec.ts";
import { golombRice } from "../../../src/compress/positions/golomb-rice.ts";
import { derive } from "../../../src/model/rng.ts";
import { encodeFrame } from "../../../src/wire/frame.ts";
import { defaultLimits } from "../../../src/wire/limits.ts";
import { fedpress, scratch } from "../../e2e/processes.ts";

const done = (accuracy: readonly number[]): Run => ({
  accuracy,
  sent: accuracy.map((_, i) => 100 * (i + 1)),
  golomb: accuracy.map((_, i) => 110 * (i + 1)),
  ended: "done",
});

test("a target is reached when three rounds in a row have it in the mean", () => {
  expect(reachedAt([0.99, 0.5, 0.5, 0.8, 0.9, 0.9], 0.86)).toBe(5);
  expect(reachedAt([0.9, 0.9], 0.5)).toBeNull();
  expect(bytesTo(done([0.8, 0.9, 0.9, 0.9]), 0.9, "sent")).toBe(400);
  expect(bytesTo(done([0.8, 0.9, 0.9, 0.9]), 0.9, "golomb")).toBe(440);
  expect(bytesTo(done([0.8, 0.8, 0.8]), 0.9, "sent")).toBe(Infinity);
});

test("a plateau is the mean of the last fifth, and nothing where training came to no numbers", () => {
  expect(plateauOf(done([...Array(8).fill(0.1), 0.8, 0.9]))).toBeCloseTo(0.85, 12);
  expect(plateauOf({ ...done([0.9]), ended: "no numbers" })).toBe(0);
});

test("frames count as they would be by Golomb's code alone", () => {
  const random = derive(7, "recount");
  const length = 20_000;
  const frameOf = (payload: Uint8Array) =>
    encodeFrame({
      kind: "delta",
      version: 3,
      manifest: 0x01234567,
      plan: 0x89abcdef,
      digest: 0x02468ace,
      payloads: [payload],
    });
  const recount = golombRecount(length, defaultLimits);
  let shorter = 0;
  for (let run = 0; run < 20; run++) {
    // the odd ones in clusters, where the range coder is shorter
    const vector = Float32Array.from({ length }, (_, i) =>
      run % 2 === 0 || i % 5000 < 400 ? random.uniform() - 0.5 : 0,
    );
    const { payload, sent } = codec({ select: { topK: 0.01 }, values: "ternary" }).encode(vector, 0);
    const golomb = golombRice(sent.support!);
    const bits = golomb.bits + sent.support!.length;
    // coders, the positions' head, the scale, and the bits
    const alone = 1 + golomb.headBytes + 4 + Math.ceil(bits / 8);
    const frame = frameOf(payload);
    expect(frame.length + recount(frame)).toBe(frameOf(new Uint8Array(alone)).length);
    expect(recount(frame)).toBe(recount(frame));
    if (recount(frame) > 0) shorter++;
  }
  expect(shorter).toBeGreaterThanOrEqual(10);
});

const settings: StudySettings = {
  regimes: regimeNames,
  numSeeds: 3,
  model: "mlp",
  denseRounds: 10,
  ourRounds: 30,
  grids: fullGrids,
};

/** Dense is best at a rate of 0.3; ours learns in as many rounds as its density asks, twice as fast at server rate 2. */
function pretended({ training, sending, seed, rounds }: Cell): Run {
  const { up } = sending;
  const top = 0.9 + 0.01 * (seed % 2) + (training.learningRate === 0.3 ? 0.02 : 0);
  const round = up === null ? 3 : up === 0.003 ? 10 / (training.serverRate === 2 ? 2 : 1) : 25;
  const accuracy = Array.from({ length: rounds }, (_, i) => (i + 1 >= round ? top : 0.3));
  const each = up === null ? 10_000 : up === 0.003 ? 100 : 1000;
  const sent = accuracy.map((_, i) => each * (i + 1));
  return { accuracy, sent, golomb: sent.map((bytes) => 1.1 * bytes), ended: "done" };
}

async function results(): Promise<readonly Result[]> {
  const asked: string[] = [];
  const found = await study(settings, { get: pretended }, async (cells) => {
    asked.push(...cells.map(keyOf));
  });
  expect(asked.some((key) => key.includes('"test"'))).toBe(true);
  return found;
}

test("dense is tuned first, ours to its target, and stages are compared in the same test seeds", async () => {
  const [result] = await results();
  expect(result!.best.learningRate).toBe(0.3);
  expect(result!.ours).toMatchObject({ density: 0.003, training: { learningRate: 0.3, serverRate: 2 } });
  expect(result!.tried).toEqual({ dense: 24, ours: 18 });
  expect(result!.plateau.map((share) => share.toFixed(2))).toEqual(["0.93", "0.92", "0.93"]);
  const lines = linesOf(result!);
  expect(lines.map(({ reached, of }) => [reached, of])).toEqual(lines.map(() => [3, 3]));
  expect(lines[0]!.bytes).toEqual([50_000, 50_000, 50_000]);
  // 12 rounds at 100 bytes, and 7 at the better server rate
  const of = (name: string) => lines.find((line) => line.name === name)!.bytes[0];
  expect(of("and down")).toBeCloseTo(1320, 9);
  expect(of("shortest of all coders")).toBe(1200);
  expect(of("server rate 2")).toBe(700);
  const table = tableOf(await results());
  expect(table).toContain("71.4 ± 0.0");
  expect(table).toContain("100 clients, 10 a round");
});

test("a seed that misses the target is a miss, and in no mean", async () => {
  const [result] = await results();
  const missed: Result = {
    ...result!,
    stages: [
      { name: "one", serverRate: 1, runs: [null, { bytes: 100, rounds: 7 }, { bytes: 300, rounds: 9 }] },
    ],
  };
  const [, line] = linesOf(missed);
  expect(line).toMatchObject({ reached: 2, of: 3, bytes: [100, 300], rounds: [7, 9] });
  expect(plotOf([missed], "T")).toContain("(2 of 3)");
});

test("a plot has a bar a stage, and numbers in every place", async () => {
  const svg = plotOf(await results(), "Bytes");
  expect(svg.match(/<rect /g)).toHaveLength(1 + 2 * linesOf((await results())[0]!).length);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("the command runs, and an interrupted study goes on", async () => {
  const out = scratch();
  const command = ["study", "bytes", "--quick", "--json", "--workers", "2", "--out", out];
  const first = fedpress(...command);
  expect(await first.exit, first.stderr()).toBe(0);
  const { results: found } = JSON.parse(first.stdout());
  expect(found).toHaveLength(1);
  expect(found[0].plateau[0]).toBeGreaterThan(0.5);
  expect(readFileSync(join(out, "study.svg"), "utf8")).toContain("</svg>");

  const linesOf = () => readFileSync(join(out, "cells.jsonl"), "utf8").trim().split("\n").length;
  const numRuns = linesOf();
  const again = fedpress(...command);
  expect(await again.exit, again.stderr()).toBe(0);
  expect(again.stdout()).toBe(first.stdout());
  expect(linesOf()).toBe(numRuns);
}, 120_000);

test("a model that is none is a mistake of whoever started the study, though its processes find it", async () => {
  const run = fedpress("study", "bytes", "--model", "nonsense", "--workers", "1", "--out", scratch());
  expect(await run.exit).toBe(2);
  expect(run.stderr()).toMatch(/model\.zoo: "nonsense", expected one of/);
});
