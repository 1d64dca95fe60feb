import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watch } from "../../src/cli/watch.ts";
import { telemetry } from "../../src/telemetry/emitter.ts";
import type { ByteTotals } from "../../src/telemetry/event.ts";
import { natsSink } from "../../src/telemetry/nats-sink.ts";
import { startNats, type TestNats } from "../e2e/nats-server.ts";

let nats: TestNats;
beforeEach(async () => {
  nats = await startNats();
});
afterEach(async () => {
  await nats?.stop();
});

const bytes: ByteTotals = {
  uplink: 1_000,
  downlink: 2_000,
  total: 3_000,
  denseUplink: 100_000,
  denseDownlink: 200_000,
  denseTotal: 300_000,
  ratioTotal: 100,
};

function startWatch(options: { run: string | null; json?: boolean }) {
  const out = new PassThrough();
  let text = "";
  out.on("data", (chunk) => {
    text += chunk;
  });
  const log: string[] = [];
  const stop = new AbortController();
  const outcome = watch({
    url: nats.url,
    json: false,
    ...options,
    out,
    log: (line) => log.push(line),
    signal: stop.signal,
  });
  const connected = async (): Promise<void> => {
    while (!log.some((line) => line.startsWith("watching")))
      await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { outcome, connected, text: () => text, log, stop: () => stop.abort() };
}

async function publishRun(runId: string): Promise<void> {
  const run = telemetry(runId, natsSink({ url: nats.url, closeMs: 20_000, onDropped: () => {} }), () => 5);
  run.emit({ type: "client.joined", clientId: "ann\u009b2J", numExamples: 900 });
  run.emit({ type: "round.committed", round: 1, version: 1, digest: "d", reports: 3, deltaBytes: 9, bytes });
  run.emit({ type: "model.evaluated", version: 1, accuracy: 0.5, loss: 1.5, bytes });
  run.emit({ type: "run.finished", outcome: "done", detail: "", version: 1, bytes, socketBytes: null });
  await run.close();
}

test("a named run is followed to its end, in plain lines where there is no terminal", async () => {
  const watching = startWatch({ run: "mine" });
  await watching.connected();
  await publishRun("other");
  await publishRun("mine");
  expect(await watching.outcome).toBe("finished");
  expect(watching.text()).toBe(
    [
      "+ ann  900 examples",
      "round 1  v1  accuracy  50.00 %  loss 1.5000   3 reports  up 1.00 kB  down 2.00 kB    100x",
      "done  version 1, 3.00 kB sent, 100x less than dense",
      "",
    ].join("\n"),
  );
  expect(watching.log).toEqual([`watching nats://127.0.0.1:${nats.port}: connected`]);
});

test("all runs are followed until interrupted", async () => {
  const watching = startWatch({ run: null });
  await watching.connected();
  await publishRun("a");
  await publishRun("b");
  while (watching.text().split("\n").length < 7) await new Promise((resolve) => setTimeout(resolve, 5));
  watching.stop();
  expect(await watching.outcome).toBe("interrupted");
  expect(
    watching
      .text()
      .split("\n")
      .map((line) => line.slice(0, 4)),
  ).toEqual(["a  +", "a  r", "a  d", "b  +", "b  r", "b  d", ""]);
});

test("--json prints the records themselves, one a line and safe on a terminal", async () => {
  const watching = startWatch({ run: "mine", json: true });
  await watching.connected();
  await publishRun("mine");
  await watching.outcome;
  expect(watching.text()).not.toContain("\u009b");
  const records = watching
    .text()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records.map(({ sequence, atMs, event }) => [sequence, atMs, event.type])).toEqual([
    [1, 5, "client.joined"],
    [2, 5, "round.committed"],
    [3, 5, "model.evaluated"],
    [4, 5, "run.finished"],
  ]);
  expect(records[0].event.clientId).toBe("ann\u009b2J");
});

test("it may be started before the server", async () => {
  await nats.stop();
  const watching = startWatch({ run: "mine" });
  while (watching.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await nats.restart();
  await watching.connected();
  await publishRun("mine");
  expect(await watching.outcome).toBe("finished");
  expect(watching.log[0]).toMatch(/^waiting for nats:\/\/127\.0\.0\.1:\d+: /);
});
