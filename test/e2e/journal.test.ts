import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fedpress, scratch } from "./processes.ts";

/** What a killed coordinator leaves beside them is its control socket. */
const filesOf = (folder: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => [name, readFileSync(join(folder, name)).toString("hex")]),
  );

test("a killed coordinator's journal is verified, shown and refolded, and not touched; a flipped bit ends with 1", async () => {
  const folder = scratch();
  const state = join(folder, "coordinator");
  const sets = [
    ...[
      "coordinator.listen=127.0.0.1:0",
      `coordinator.stateDir=${state}`,
      "telemetry.nats=null",
      "rounds=500",
    ],
    ...[
      "distill=null",
      "data=null",
      "cohort.goal=1",
      "cohort.minimum=1",
      "coordinator.journal.snapshotEvery=4",
    ],
  ].flatMap((assignment) => ["--set", assignment]);
  const config = "examples/three-clients.yaml";
  const coordinator = fedpress("coordinator", config, ...sets, "--out", join(folder, "run"));
  const port = (await coordinator.waitFor(/listening on [^ ]*:(\d+)/))[1]!;
  const client = fedpress(
    ...["client", "--coordinator", `127.0.0.1:${port}`, "--state", join(folder, "client")],
    ...["--data", "mnist:1/10?dirichlet=0.5&seed=1&holdout=0.2"],
  );
  await coordinator.waitFor(/round +6\//);
  expect(await coordinator.kill("SIGKILL")).toBe(137);
  await client.kill();

  const before = filesOf(state);
  const verified = fedpress("journal", "verify", state, "--json");
  expect(await verified.exit, verified.stderr()).toBe(0);
  const summary = JSON.parse(verified.stdout());
  expect(summary).toMatchObject({
    startsWithSnapshot: true,
    lastHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(summary.records).toBeGreaterThan(0);
  const told = fedpress("journal", "verify", state);
  expect(await told.exit).toBe(0);
  expect(told.stdout()).toContain(`last record ${summary.lastHash}`);

  const shown = fedpress("journal", "show", state);
  expect(await shown.exit, shown.stderr()).toBe(0);
  expect(shown.stdout()).toMatch(/^round +\d+ {2}accepted .*frameBytes \d+/m);
  const list = fedpress("journal", "show", state, "--json");
  expect(await list.exit).toBe(0);
  expect(JSON.parse(list.stdout()).list).toHaveLength(summary.records);

  const refolded = fedpress("journal", "refold", config, ...sets, "--json");
  expect(await refolded.exit, refolded.stderr()).toBe(0);
  const { start, versions, last } = JSON.parse(refolded.stdout());
  expect(start.version % 4).toBe(0);
  const events = readFileSync(join(folder, "run", "events.jsonl"), "utf8")
    .trim()
    .split("\n");
  const committed = events.flatMap((line) => {
    const { event } = JSON.parse(line);
    return event.type === "round.committed" ? [event] : [];
  });
  for (const { version, digest } of versions)
    expect(committed.find((event) => event.version === version)?.digest ?? digest).toBe(digest);
  expect(versions.length).toBeGreaterThan(0);
  expect(last.version).toBe(start.version + versions.length);
  expect(filesOf(state)).toEqual(before);

  const name = [...before.keys()].filter((file) => file.startsWith("segment")).at(-1)!;
  const bytes = readFileSync(join(state, name));
  bytes[bytes.length >> 1]! ^= 16;
  writeFileSync(join(state, name), bytes);
  for (const command of [
    ["journal", "verify", state],
    ["journal", "show", state],
    ["journal", "refold", config, ...sets],
    ["coordinator", config, ...sets],
  ]) {
    const refused = fedpress(...command);
    expect(await refused.exit).toBe(1);
    expect(refused.stderr()).toMatch(
      new RegExp(`${name}, record \\d+ at byte \\d+: .*; restore the file from a copy, or start a new run`),
    );
  }
  bytes[bytes.length >> 1]! ^= 16;
  writeFileSync(join(state, name), bytes);

  const again = fedpress("coordinator", config, ...sets, "--out", join(folder, "run"));
  await again.waitFor(new RegExp(`resumed from version ${last.version}`));
  await again.waitFor(/listening/);
  expect(await again.kill("SIGTERM")).toBe(130);
  const empty = fedpress("journal", "verify", join(folder, "nothing"));
  expect(await empty.exit).toBe(2);
  expect(empty.stderr()).toContain("a folder with a journal in it");
});
