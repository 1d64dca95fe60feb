import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Summary } from "../../src/simulation/summary.ts";
import { fedpress, scratch } from "./processes.ts";

const small = [
  ["rounds=3"],
  ["clients=4"],
  ["cohort.goal=4"],
  ["cohort.minimum=2"],
  ["uplink.0.codec.select.topK=0.05"],
  ["downlink.0.codec.select.topK=0.05"],
  ["distill.epochs=1"],
].flatMap(([assignment]) => ["--set", assignment!]);

/** Of the 10,000 digits 2,000 are trained with: where nothing has to be learned, only to be the same. */
const few = ["--set", "data.holdout={ test: 0.1, transfer: 0.7 }"];

async function simulate(...args: string[]): Promise<{ summary: Summary; stderr: string; directory: string }> {
  const directory = scratch();
  const run = fedpress("simulate", "examples/mnist.yaml", ...small, "--json", "--out", directory, ...args);
  expect(await run.exit, run.stderr()).toBe(0);
  return { summary: JSON.parse(run.stdout()), stderr: run.stderr(), directory };
}

test("history changes what the demo's updates take, and nothing else", async () => {
  const shipped = readFileSync("examples/mnist.yaml", "utf8").replace(/^distill:.*$/m, "");
  const files = [shipped, shipped.replaceAll(", history: true", "")].map((text, i) => {
    const file = join(scratch(), `${i}.yaml`);
    writeFileSync(file, text);
    return file;
  });
  const runs = files.map(async (file) => {
    const sets = ["rounds=8", "clients=6", "cohort.goal=6"].flatMap((assignment) => ["--set", assignment]);
    const run = fedpress("simulate", file, ...sets, ...few, "--json", "--out", scratch());
    expect(await run.exit, run.stderr()).toBe(0);
    const { model, accuracy, bytes }: Summary = JSON.parse(run.stdout());
    return { model, accuracy, bytes };
  });
  const [coded, plain] = await Promise.all(runs);
  expect(coded!.model).toEqual(plain!.model);
  expect(coded!.accuracy).toBe(plain!.accuracy);
  expect(coded!.bytes.uplink).toBeLessThan(plain!.bytes.uplink);
  expect(coded!.bytes.downlink).toBeLessThan(plain!.bytes.downlink);
});

test("one command federates, distills and leaves a run folder", { timeout: 300_000 }, async () => {
  const { summary, stderr, directory } = await simulate("--baseline");
  const { bytes, model, student, baseline } = summary;
  expect(Object.keys(summary)).toEqual([
    ..."runId seed rounds clients model accuracy loss auc bytes widths baseline student engine refused wallMs".split(
      " ",
    ),
  ]);
  expect(Object.keys(model)).toEqual("name numParams denseBytes version digest".split(" "));
  expect(model).toMatchObject({ name: "small-cnn", denseBytes: 4 * model.numParams, version: 3 });
  expect(model.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(bytes.total).toBe(bytes.uplink + bytes.downlink);
  expect(bytes.denseUplink).toBe(3 * 4 * model.denseBytes);
  expect(bytes.denseDownlink).toBe(3 * 4 * model.denseBytes);
  expect(bytes.ratioTotal).toBeCloseTo(bytes.denseTotal / bytes.total, 9);
  expect(bytes.ratioTotal).toBeGreaterThan(30);
  expect(summary.accuracy).toBeGreaterThan(0.5);
  // Dense float32 costs what the dense columns say, and framing little more.
  expect(baseline!.bytes.total).toBeGreaterThan(baseline!.bytes.denseTotal * 0.6);
  expect(baseline!.bytes.total).toBeLessThan(baseline!.bytes.denseTotal * 1.01);
  expect(stderr).toMatch(/round +3\/3/);

  for (const name of [
    "config.yaml",
    "events.jsonl",
    "baseline-events.jsonl",
    "model.fpz",
    "student.fpz",
    "summary.json",
  ])
    expect(existsSync(join(directory, name)), name).toBe(true);
  const html = readFileSync(join(directory, "report.html"), "utf8");
  expect(html).toContain("<svg");
  expect(html).not.toMatch(/(src|href)="https?:/);
  const events = readFileSync(join(directory, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events[0].event.type).toBe("run.started");
  expect(events.at(-1).event).toMatchObject({ type: "run.finished", outcome: "done" });
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
  const counted = events.reduce(
    (n, { event }) => n + (event.type === "report.accepted" ? event.bytes : 0),
    0,
  );
  expect(counted).toBe(bytes.uplink);

  expect(student!.path).toBe(join(directory, "student.fpz"));
  expect(readFileSync(student!.path).length).toBe(student!.bytes);
  const inspect = fedpress("inspect", student!.path, "--json");
  expect(await inspect.exit).toBe(0);
  const { fields, bytes: inspected } = JSON.parse(inspect.stdout());
  expect(inspected).toBe(student!.bytes);
  expect(fields.some(({ value }: { value: unknown }) => value === "tiny-cnn")).toBe(true);
});

test("same seed and config, same model, whatever the number of workers; another seed, another model", async () => {
  const digestWith = async (...args: string[]) =>
    (await simulate("--set", "distill=null", ...few, ...args)).summary.model.digest;
  const one = await digestWith("--set", "workers=1");
  expect(await digestWith("--set", "workers=3")).toBe(one);
  expect(await digestWith("--set", "workers=1", "--seed", "2")).not.toBe(one);
});

test("bad configs and bad usage: exit code 2, one line a problem, nothing on stdout", async () => {
  const bad = fedpress(
    "simulate",
    "examples/mnist.yaml",
    "--set",
    "rounds=none",
    "--set",
    "modle=1",
    "--json",
  );
  expect(await bad.exit).toBe(2);
  expect(bad.stdout()).toBe("");
  expect(bad.stderr()).toContain('rounds: "none", expected');
  expect(bad.stderr()).toContain("modle: 1, expected no such key");
  for (const args of [
    ["simulate"],
    ["simulate", "no-such-file.yaml"],
    ["simulate", "examples/mnist.yaml", "--seed", "x"],
    ["simulate", "examples/mnist.yaml", "--set", "model.zoo=nothing"],
    ["simulate", "examples/mnist.yaml", "--set", "data.source=nothing"],
    ["simulate", "examples/mnist.yaml", "--set", "clients=3"],
    ["coordinator", "examples/three-clients.yaml", "--set", "coordinator.limits.frameBytes=1KiB"],
    ["inspect", "no-such-file"],
    ["client", "--coordinator", "nowhere", "--data", "mnist", "--state", "x"],
    ["client", "--coordinator", "127.0.0.1:1", "--data", "mnist:11/10", "--state", "x"],
    ["frobnicate"],
  ]) {
    const run = fedpress(...args);
    expect(await run.exit, args.join(" ")).toBe(2);
    expect(run.stderr(), args.join(" ")).not.toBe("");
    expect(run.stderr(), args.join(" ")).not.toMatch(/\n\s+at /);
  }
});

test("--help everywhere, with the exit codes; schema prints JSON", async () => {
  for (const command of [
    [],
    ["simulate"],
    ["coordinator"],
    ["client"],
    ["watch"],
    ["doctor"],
    ["inspect"],
    ["schema"],
    ["bench"],
    ["bench", "codec"],
  ]) {
    const run = fedpress(...command, "--help");
    expect(await run.exit).toBe(0);
    expect(run.stdout()).toContain("Usage: fedpress");
    expect(run.stdout()).toContain("130  interrupted");
  }
  const schema = fedpress("schema");
  expect(await schema.exit).toBe(0);
  expect(JSON.parse(schema.stdout())).toHaveProperty("properties.uplink");
});

test("doctor says what would train and why; an engine that is not there is an error that names it", async () => {
  const doctor = fedpress("doctor", "--json");
  expect(await doctor.exit).toBe(0);
  const { engine, engines, ok } = JSON.parse(doctor.stdout());
  expect({ engine, ok }).toEqual({ engine: "wasm", ok: true });
  const opens = (name: string) => engines.find((report: { name: string }) => report.name === name).available;
  expect(opens("cpu")).toBe(true);
  const native = fedpress("simulate", "examples/mnist.yaml", "--engine", "node", "--out", scratch());
  if (opens("node")) return void (await native.kill());
  expect(await native.exit).toBe(1);
  expect(native.stderr()).toContain("@tensorflow/tfjs-node is not installed");
});

test("bench train measures a model; a model that is not in the zoo is bad usage", async () => {
  const bench = fedpress(
    "bench",
    "train",
    "--model",
    "tiny-cnn",
    "--samples",
    "64",
    "--epochs",
    "2",
    "--json",
  );
  expect(await bench.exit, bench.stderr()).toBe(0);
  const [row] = JSON.parse(bench.stdout()).rows;
  expect(row).toMatchObject({ model: "tiny-cnn", numSamples: 64, torchMs: null, ratio: null });
  expect(row.epochMs).toBeGreaterThan(0);
  const unknown = fedpress("bench", "train", "--model", "nothing");
  expect(await unknown.exit).toBe(2);
  expect(unknown.stderr()).toMatch(/expected one of .*mlp, cnn/);
});

test("simulate --record and bench codec --trace: the codecs on what a run has encoded", async () => {
  const trace = scratch();
  await simulate("--set", "distill=null", ...few, "--record", trace, "--record-every", "2");
  const measure = (...args: string[]) =>
    fedpress("bench", "codec", "--length", "5000", "--turns", "1", "--trace", trace, ...args);
  const bench = measure("--json");
  expect(await bench.exit, bench.stderr()).toBe(0);
  const { inputs, rows } = JSON.parse(bench.stdout());
  expect(
    inputs.map(({ name, lengths }: { name: string; lengths: number[] }) => [name, lengths.length]),
  ).toEqual([
    ["uplink", 6],
    ["downlink", 2],
    ["synthetic", 1],
  ]);
  const names = new Set(rows.map(({ codec }: { codec: string }) => codec));
  for (const name of [
    "golomb",
    "eden",
    "ternary",
    "gzip-int8",
    "brotli-int8",
    "gzip-float32",
    "brotli-float32",
  ])
    expect(names).toContain(name);
  expect(rows.length).toBe(3 * names.size);
  const one = measure("--codec", "golomb", "--codec", "eden");
  expect(await one.exit).toBe(0);
  expect(one.stdout().match(/^(golomb|eden) .*$/gm)?.length).toBe(6);
  for (const [args, message] of [
    [["--codec", "nothing"], "expected one of float32"],
    [["--trace", scratch()], "expected a folder that"],
    [["--length", "0"], "expected 1 or more"],
  ] as const) {
    const bad = measure(...args);
    expect(await bad.exit).toBe(2);
    expect(bad.stderr()).toContain(message);
  }
});

test("Ctrl-C ends a simulation cleanly with 130", async () => {
  const run = fedpress(
    "simulate",
    "examples/mnist.yaml",
    "--set",
    "rounds=1000",
    "--json",
    "--out",
    scratch(),
  );
  await run.waitFor(/round +1\//);
  expect(await run.kill("SIGINT")).toBe(130);
  expect(run.stdout()).toBe("");
});

test("Ctrl-C while it distills ends it too, and the events say so", async () => {
  const out = scratch();
  const settings = ["rounds=1", "distill.epochs=500"].flatMap((assignment) => ["--set", assignment]);
  const run = fedpress("simulate", "examples/mnist.yaml", ...settings, "--json", "--out", out);
  await run.waitFor(/distill/);
  expect(await run.kill("SIGINT")).toBe(130);
  const last = readFileSync(join(out, "events.jsonl"), "utf8").trim().split("\n").at(-1)!;
  expect(JSON.parse(last).event).toMatchObject({ type: "run.finished", outcome: "interrupted" });
});
