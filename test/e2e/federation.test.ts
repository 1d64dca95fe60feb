import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Summary } from "../../src/simulation/summary.ts";
import { startNats } from "./nats-server.ts";
import { fedpress, type Process, scratch } from "./processes.ts";

interface Setting {
  readonly folder: string;
  readonly coordinator: (...args: string[]) => Process;
  readonly client: (share: number, port: string, ...args: string[]) => Process;
}

function setting(...sets: string[]): Setting {
  const folder = scratch();
  const common = [
    "coordinator.listen=127.0.0.1:0",
    `coordinator.stateDir=${join(folder, "coordinator")}`,
    "telemetry.nats=null",
    ...sets,
  ].flatMap((assignment) => ["--set", assignment]);
  return {
    folder,
    coordinator: (...args) =>
      fedpress(
        "coordinator",
        "examples/three-clients.yaml",
        ...common,
        "--out",
        join(folder, "run"),
        "--json",
        ...args,
      ),
    client: (share, port, ...args) =>
      fedpress(
        ...["client", "--coordinator", `127.0.0.1:${port}`, "--state", join(folder, `client-${share}`)],
        ...["--data", `mnist:${share}/10?dirichlet=0.5&seed=1&holdout=0.2`],
        ...args,
      ),
  };
}

const portOf = async (coordinator: Process): Promise<string> =>
  (await coordinator.waitFor(/listening on [^ ]*:(\d+)/))[1]!;

test("coordinator, three clients, nats-server and watch: a model, a student, exact bytes, events on NATS", async () => {
  const nats = await startNats();
  try {
    const { folder, coordinator: start, client } = setting("rounds=4", "distill.epochs=1");
    const watch = fedpress("watch", "--nats", nats.url, "--json");
    await watch.waitFor(/watching/);
    const coordinator = start("--set", `telemetry.nats.url=${nats.url}`);
    const port = await portOf(coordinator);
    const clients = [1, 2, 3].map((share) => client(share, port));
    expect(await coordinator.exit, coordinator.stderr()).toBe(0);
    for (const one of clients) expect(await one.exit, one.stderr()).toBe(0);

    const summary: Summary = JSON.parse(coordinator.stdout());
    expect(summary.model.version).toBe(4);
    expect(summary.clients).toBe(3);
    expect(summary.accuracy).toBeGreaterThan(0.5);
    expect(summary.bytes.denseUplink).toBe(4 * 3 * summary.model.denseBytes);
    expect(readFileSync(summary.student!.path).length).toBe(summary.student!.bytes);

    const local = readFileSync(join(folder, "run/events.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const finished = local.at(-1).event;
    expect(finished).toMatchObject({ type: "run.finished", outcome: "done", bytes: summary.bytes });
    // On the sockets there are the frames and their transport, and not much else.
    expect(finished.socketBytes.received).toBeGreaterThan(summary.bytes.uplink);
    expect(finished.socketBytes.sent).toBeGreaterThan(summary.bytes.downlink);
    expect(finished.socketBytes.received).toBeLessThan(summary.bytes.uplink + 100_000);

    await watch.kill("SIGINT");
    const seen = watch
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(seen).toEqual(local);
  } finally {
    await nats.stop();
  }
});

test("killed and restarted, both sides go on: same run, no version lost, the residual kept", async () => {
  const { coordinator: start, client } = setting(
    "rounds=6",
    "distill=null",
    "cohort.minimum=3",
    "cohort.reportDeadline=30s",
  );
  const first = start();
  const port = await portOf(first);
  const clients = [1, 2, 3].map((share) => client(share, port));
  await first.waitFor(/round +2\//);
  expect(await clients[0]!.kill("SIGKILL")).toBe(137);
  await first.waitFor(/^- /m);
  clients[0] = client(1, port);
  await first.waitFor(/round +3\//);
  expect(await first.kill("SIGKILL")).toBe(137);

  const second = start("--set", `coordinator.listen=127.0.0.1:${port}`);
  expect(await second.exit, second.stderr()).toBe(0);
  for (const one of clients) expect(await one.exit, one.stderr()).toBe(0);
  const runOf = (text: string) => /run (three-clients-[^:]+):/.exec(text)![1];
  expect(runOf(second.stderr())).toBe(runOf(first.stderr()));
  const summary: Summary = JSON.parse(second.stdout());
  expect(summary.model.version).toBe(6);
  for (const one of clients) expect(one.stderr()).toMatch(/folded into version 6/);
});

test("Ctrl-C ends each side cleanly; a folder has one process; a second start goes on", async () => {
  const { coordinator: start, client } = setting(
    "rounds=1000",
    "distill=null",
    "cohort.goal=1",
    "cohort.minimum=1",
  );
  const coordinator = start();
  const port = await portOf(coordinator);
  const one = client(1, port);
  await one.waitFor(/journaled/);
  const twin = client(1, port);
  expect(await twin.exit).toBe(2);
  expect(twin.stderr()).toMatch(/--state: .*a folder of its own: process \d+ works in this one/);
  const second = start();
  expect(await second.exit).toBe(2);
  expect(second.stderr()).toContain("coordinator.stateDir");

  expect(await one.kill("SIGINT")).toBe(130);
  await coordinator.waitFor(/^- /m);
  expect(await coordinator.kill("SIGTERM")).toBe(130);
  expect(coordinator.stdout()).toBe("");
  const again = start();
  await again.waitFor(/listening/);
  expect(await again.kill("SIGINT")).toBe(130);
});

test("NATS that is not there changes nothing but the telemetry; a coordinator without data measures nothing", async () => {
  const { coordinator: start, client } = setting(
    ...["rounds=2", "data=null", "distill=null", "cohort.goal=1", "cohort.minimum=1"],
  );
  const coordinator = start("--set", "telemetry.nats.url=nats://127.0.0.1:9");
  const one = client(1, await portOf(coordinator));
  expect(await coordinator.exit, coordinator.stderr()).toBe(0);
  expect(await one.exit).toBe(0);
  const summary: Summary = JSON.parse(coordinator.stdout());
  expect(summary).toMatchObject({ accuracy: null, loss: null, student: null, model: { version: 2 } });
});

test("a port that is taken is bad config: said at once, with nothing left running", async () => {
  const first = setting("distill=null").coordinator();
  const port = await portOf(first);
  const second = setting("distill=null").coordinator("--set", `coordinator.listen=127.0.0.1:${port}`);
  expect(await second.exit).toBe(2);
  expect(second.stderr()).toContain("listen");
  expect(await first.kill("SIGINT")).toBe(130);
});

test("a client that the coordinator does not want exits with 3; a coordinator that fails says why", async () => {
  const { coordinator: start, client } = setting(
    ...["rounds=5", "distill=null", "cohort.goal=2", "cohort.minimum=2", "cohort.selectionDeadline=1s"],
    ...["cohort.reportDeadline=1ms", "cohort.maxAbandoned=1"],
  );
  const coordinator = start();
  const port = await portOf(coordinator);
  const clients = [1, 2].map((share) => client(share, port));
  expect(await coordinator.exit).toBe(1);
  expect(coordinator.stderr()).toContain("1 rounds in a row had fewer than 2 reports in time");
  for (const one of clients) {
    expect(await one.exit).toBe(3);
    expect(one.stderr()).toContain("refused by the coordinator: run-failed");
  }
});

test("clients with little memory train a narrower model, over gRPC", async () => {
  const { folder, coordinator: start, client } = setting("rounds=3", "distill=null", "widths=[1, 0.5, 0.25]");
  const coordinator = start();
  const port = await portOf(coordinator);
  // Of small-cnn and batches of 32 the whole takes some 2.4 MB, a half 1.2 and a quarter 0.7.
  const clients = [
    client(1, port),
    client(2, port, "--memory", "1500KB"),
    client(3, port, "--memory", "2KiB", "--uplink", "1MB"),
  ];
  expect(await coordinator.exit, coordinator.stderr()).toBe(0);
  for (const one of clients) expect(await one.exit, one.stderr()).toBe(0);
  const summary: Summary = JSON.parse(coordinator.stdout());
  expect(summary.model.version).toBe(3);
  expect(summary.widths!.map(({ width, numParams }) => [width, numParams])).toEqual([
    [1, 20_522],
    [0.5, 5_370],
    [0.25, 1_466],
  ]);
  const bytes = readFileSync(join(folder, "run", "events.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"report.accepted"') && line.includes('"round":1'))
    .map((line) => JSON.parse(line).event.bytes)
    .sort((a, b) => a - b);
  expect(bytes.length).toBe(3);
  expect(bytes[0]).toBeLessThan(bytes[1]);
  expect(bytes[1]).toBeLessThan(bytes[2]);
});
