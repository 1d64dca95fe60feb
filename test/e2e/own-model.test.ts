import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { Summary } from "../../src/simulation/summary.ts";
import { fedpress, scratch } from "./processes.ts";

const few = [
  ...["rounds=2", "clients=3", "cohort.goal=3", "cohort.minimum=2", "distill.epochs=1"],
  ...["data.holdout={ test: 0.2, transfer: 0.6 }"],
];
const sets = (...assignments: readonly string[]) =>
  assignments.flatMap((assignment) => ["--set", assignment]);
const module = "model={ module: examples/own-model/model.mjs }";

test("simulate federates a model.json with another as its student; the run folder's config says which it was", async () => {
  const folder = scratch();
  const run = fedpress("simulate", "examples/own-model.yaml", ...sets(...few), "--json", "--out", folder);
  expect(await run.exit, run.stderr()).toBe(0);
  const summary: Summary = JSON.parse(run.stdout());
  expect(summary.model).toMatchObject({ numParams: 5_994, version: 2 });
  expect(summary.model.name).toMatch(/^own\.[0-9a-f]{32}$/);
  expect(readFileSync(summary.student!.path).length).toBe(summary.student!.bytes);
  const { model } = parse(readFileSync(join(folder, "config.yaml"), "utf8"));
  expect(model).toEqual({
    file: "examples/own-model/model.json",
    zoo: summary.model.name,
    checkpoint: null,
  });

  const other = fedpress(
    ...["simulate", join(folder, "config.yaml"), "--out", scratch()],
    ...sets("model.file=examples/own-model/nowhere.json"),
  );
  expect(await other.exit).toBe(2);
  expect(other.stderr()).toMatch(/model\.file: .*ENOENT/);
}, 300_000);

test("simulate federates a module", async () => {
  const made = fedpress(
    ...["simulate", "examples/own-model.yaml", ...sets(...few, "distill=null", module), "--json"],
    ...["--out", scratch()],
  );
  expect(await made.exit, made.stderr()).toBe(0);
  expect((JSON.parse(made.stdout()) as Summary).model).toMatchObject({ numParams: 12_666, version: 2 });
}, 300_000);

test("widths are for the zoo, and a model has one source", async () => {
  const refused = async (message: RegExp, ...assignments: readonly string[]) => {
    const run = fedpress("simulate", "examples/own-model.yaml", ...sets(...assignments));
    expect(await run.exit).toBe(2);
    expect(run.stderr()).toMatch(message);
  };
  await Promise.all([
    refused(/widths: \[1,0\.5\], expected \[1\] with a model of your own/, "widths=[1, 0.5]"),
    refused(/model: .*one of zoo, file and module/, "model.zoo=mlp"),
    refused(/model: .*one of zoo, file and module/, "model={}"),
    refused(/model\.file: "own\.e.*the model that model\.zoo names/, `model.zoo=own.${"0".repeat(32)}`),
  ]);
});

test("clients are started with the very same file; without it they say what they lack", async () => {
  const folder = scratch();
  const coordinator = fedpress(
    ...["coordinator", "examples/own-model.yaml", "--json", "--out", join(folder, "run")],
    ...sets(...few, "cohort.minimum=3", "coordinator.listen=127.0.0.1:0", "distill=null", module),
    ...sets(`coordinator.stateDir=${join(folder, "state")}`),
  );
  const [, port] = await coordinator.waitFor(/listening on [^ ]*:(\d+)/);
  const client = (share: number, ...args: readonly string[]) =>
    fedpress(
      ...["client", "--coordinator", `127.0.0.1:${port}`, "--state", join(folder, `client-${share}`)],
      ...["--data", `mnist:${share}/3?holdout=0.8`, ...args],
    );
  const unprepared = client(1);
  const other = client(2, "--model", "examples/own-model/model.json");
  const third = client(3, "--model", "examples/own-model/model.mjs");
  for (const one of [unprepared, other]) {
    expect(await one.exit).toBe(2);
    expect(one.stderr()).toMatch(/model: "own\.[0-9a-f]{32}", expected .*--model and the very file/);
  }
  const clients = [third, ...[1, 2].map((share) => client(share, "--model", "examples/own-model/model.mjs"))];
  expect(await coordinator.exit, coordinator.stderr()).toBe(0);
  for (const one of clients) expect(await one.exit, one.stderr()).toBe(0);
  expect((JSON.parse(coordinator.stdout()) as Summary).model).toMatchObject({
    numParams: 12_666,
    version: 2,
  });
}, 300_000);
