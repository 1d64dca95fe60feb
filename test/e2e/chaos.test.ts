import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { failpointRuns } from "../../src/cli/chaos/failpoint-runs.ts";
import { failpoints, type Moment } from "../../src/cli/failpoint/failpoint.ts";

const lifeOf = (life: string): string => {
  const [place, , moment] = life.split(":");
  return `${place}:${moment}`;
};

const chaos = fileURLToPath(new URL("../../scripts/chaos.mjs", import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (...args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [chaos, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

// How long a recovery takes is measured by hand: a machine that runs other tests beside says nothing about it.
const patient = ["--recovery", "60000", "--json"];

test("30 kills of either side: nothing acknowledged is lost or counted twice, and the model is the undisturbed one", {
  timeout: 900_000,
}, async () => {
  const { code, stdout, stderr } = await run("--only", "kills", "--kills", "30", ...patient);
  expect(code, `${stdout}${stderr}`).toBe(0);
  const { results } = JSON.parse(stdout);
  expect(results[0]).toMatchObject({ name: "kills", problems: [] });
  expect(results[0].kills.coordinator + results[0].kills.client).toBe(30);
  expect(results[0].kills.coordinator).toBeGreaterThan(0);
  expect(results[0].kills.client).toBeGreaterThan(0);
  expect(results[0].receipts).toBeGreaterThan(results[0].runs * 3);
});

test("a nats-server that is killed in the middle leaves the model's bytes as they are", {
  timeout: 600_000,
}, async () => {
  const { code, stdout, stderr } = await run("--only", "nats", ...patient);
  expect(code, `${stdout}${stderr}`).toBe(0);
});

test("every failpoint at each of its moments is in a run of --failpoints", () => {
  const tried = new Map(
    failpointRuns.flatMap(({ early = [], coordinator = [], client = [] }) => [
      ...[...early, ...coordinator].map((life) => [`coordinator ${lifeOf(life)}`, life] as const),
      ...client.map((life) => [`client ${lifeOf(life)}`, life] as const),
    ]),
  );
  const all = Object.entries(failpoints).flatMap(([side, places]) =>
    Object.entries(places).flatMap(([name, { moments }]) =>
      moments.map((moment: Moment) => `${side} ${name}:${moment}`),
    ),
  );
  expect([...tried.keys()].sort()).toEqual(all.sort());
});

test("--help says how, and is no error", async () => {
  const { code, stdout } = await run("--help");
  expect(code).toBe(0);
  expect(stdout).toContain("usage: npm run chaos");
});

test("bad usage says what was expected, and starts nothing", async () => {
  for (const [args, said] of [
    [["--kills", "0"], "--kills 0: expected 1 or more"],
    [["--seed", "x"], "--seed x: expected 0 to 4294967295"],
    [["--only", "luck"], "--only luck: expected kills, failpoints, disk-full, nats, dropout, latency, slow"],
    [["--recovery", "-1"], "--recovery"],
    [["--nonsense"], "--nonsense"],
  ] as const) {
    const { code, stdout } = await run(...args);
    expect(code).toBe(2);
    expect(stdout).toContain(said);
    expect(stdout).toContain("usage: npm run chaos");
  }
});
