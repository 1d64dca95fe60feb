import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { planted } from "../../../src/simulation/dst/planted/bug.ts";
import { built } from "../../../src/simulation/dst/planted/build-copy.ts";
import { huntPlanted } from "../../../src/simulation/dst/planted/hunt.ts";
import { plantedBugs } from "../../../src/simulation/dst/planted/table.ts";

const command = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

test("fresh seeds keep every promise", { timeout: 900_000 }, async () => {
  const from = Math.floor(Math.random() * 2 ** 31);
  const args = [command, "dst", "--seeds", "500", "--from", String(from), "--json"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args).catch(
    (error: { readonly stdout: string; readonly stderr: string }) => error,
  );
  expect(JSON.parse(stdout), stderr).toMatchObject({ from, seeds: 500, failed: [] });
  expect(JSON.parse(stdout).events).toBeGreaterThan(100_000);
});

test("there are enough planted bugs, and each still fits the build", () => {
  expect(plantedBugs.length).toBeGreaterThanOrEqual(25);
  expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
  for (const { changes } of plantedBugs)
    for (const change of changes) expect(planted(built(change.file), change)).not.toBe(built(change.file));
});

test("a bug that is planted is noticed", { timeout: 600_000 }, async () => {
  const quick = [
    "a receipt before the record is durable",
    "the residual is committed at encoding",
    "an abandoned round's sums stay in the tally",
    "group commit: a record joins a flush that has begun",
    "a model's bytes are not counted",
  ];
  const bugs = plantedBugs.filter(({ name }) => quick.includes(name));
  expect(bugs.length).toBe(quick.length);
  const caught = await huntPlanted(bugs, { seeds: 60, threads: 1, onCaught: () => {} });
  expect(caught.filter(({ seed }) => seed === null)).toEqual([]);
});
