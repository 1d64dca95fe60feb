import { createConnection, createServer, type Socket } from "node:net";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Telemetry, telemetry } from "../../src/telemetry/emitter.ts";
import type { TelemetryEvent, TelemetryRecord } from "../../src/telemetry/event.ts";
import { fanOut } from "../../src/telemetry/fan-out.ts";
import { type MemorySink, memorySink } from "../../src/telemetry/memory-sink.ts";
import { type NatsSink, type NatsSinkOptions, natsSink } from "../../src/telemetry/nats-sink.ts";
import { type NatsWatcher, natsWatcher } from "../../src/telemetry/nats-watcher.ts";
import { startNats, type TestNats } from "../e2e/nats-server.ts";

let nats: TestNats;
const cleanUp: (() => unknown)[] = [];

beforeEach(async () => {
  nats = await startNats();
});

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  await nats?.stop();
});

const opened = (round: number): TelemetryEvent => ({
  type: "round.opened",
  round,
  baseVersion: round - 1,
  cohort: 3,
});

/** A run with a NATS sink and, behind it, one that keeps everything. */
function startRun(options: Partial<NatsSinkOptions> = {}, runId = "run-1") {
  const states: string[] = [];
  const sink: NatsSink = natsSink({
    url: nats.url,
    retryMs: 20,
    closeMs: 20_000,
    onDropped: (events) => run.emit({ type: "telemetry.dropped", sink: "nats", events }),
    onState: (state) => states.push(state),
    ...options,
  });
  const local: MemorySink = memorySink();
  const run: Telemetry = telemetry(runId, fanOut([sink, local]), () => 0);
  cleanUp.push(() => run.close());
  return { run, sink, local, states };
}

/** Everything a watcher has seen so far. */
async function startWatching(run: string | null = null) {
  const seen: TelemetryRecord[] = [];
  const stop = new AbortController();
  const connected = deferred();
  let connections = 0;
  const watcher: NatsWatcher = natsWatcher({
    url: nats.url,
    run,
    signal: stop.signal,
    retryMs: 20,
    onState: (state) => {
      if (state !== "connected") return;
      connections++;
      connected.resolve();
    },
  });
  const reading = (async () => {
    for await (const record of watcher) seen.push(record);
  })();
  cleanUp.push(async () => {
    stop.abort();
    await reading;
  });
  await connected.promise;
  return { seen, watcher, connections: () => connections };
}

/** A plain client that sees the bytes and the subjects. */
async function plainClient(): Promise<NatsConnection> {
  const connection = await connect({ servers: `127.0.0.1:${nats.port}` });
  cleanUp.push(() => connection.close());
  return connection;
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const roundsOf = (records: readonly TelemetryRecord[]): number[] =>
  records.flatMap(({ event }) => (event.type === "round.opened" ? [event.round] : []));

const droppedOf = (records: readonly TelemetryRecord[]): number =>
  records.reduce((sum, { event }) => sum + (event.type === "telemetry.dropped" ? event.events : 0), 0);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("events arrive in order, each on its subject", async () => {
  const connection = await plainClient();
  const subjects: string[] = [];
  const bodies: unknown[] = [];
  connection.subscribe("fedpress.>", {
    callback: (_error, message) => {
      subjects.push(message.subject);
      bodies.push(message.json());
    },
  });
  await connection.flush();
  const { run, sink, local } = startRun({}, "mnist-7_a");
  for (const round of range(1, 200)) {
    run.emit(opened(round));
    run.emit({ type: "client.left", clientId: `client ${round}` });
  }
  await run.close();
  await connection.flush();
  expect(sink.stats()).toEqual({ published: 400, buffered: 0, inFlight: 0, dropped: 0 });
  expect(bodies).toEqual(local.records());
  expect(subjects).toEqual(
    range(1, 200).flatMap(() => ["fedpress.mnist-7_a.round.opened", "fedpress.mnist-7_a.client.left"]),
  );
});

test("a run id cannot reach beyond its own token of the subject", async () => {
  const connection = await plainClient();
  const subjects: string[] = [];
  connection.subscribe(">", {
    callback: (_error, message) => {
      subjects.push(message.subject);
    },
  });
  await connection.flush();
  const { run } = startRun({}, "a.>\r\nPUB x 0\r\n*");
  run.emit(opened(1));
  await run.close();
  await connection.flush();
  expect(subjects).toEqual(["fedpress.a____PUB_x_0___.round.opened"]);
});

test("killed in the middle and back again: what fits is delivered, the rest is counted to the record", async () => {
  const { seen, connections } = await startWatching();
  const { run, sink, local, states } = startRun({ maxBuffered: 100 });
  for (const round of range(1, 50)) run.emit(opened(round));
  await until(() => sink.stats().published === 50);

  await nats.stop();
  for (const round of range(51, 300)) run.emit(opened(round));
  expect(sink.stats()).toMatchObject({ published: 50, buffered: 100, dropped: 150 });

  await nats.restart();
  await until(() => sink.stats().buffered === 0);
  await until(() => connections() === 2);
  run.emit(opened(301));
  await run.close();

  const { published, buffered, dropped } = sink.stats();
  expect({ published, buffered, dropped }).toEqual({ published: 152, buffered: 0, dropped: 150 });
  expect(published + dropped).toBe(local.records().length);
  expect(droppedOf(local.records())).toBe(150);
  expect(states.slice(0, 3)).toEqual(["connected", "waiting", "connected"]);
  // The watcher, too, was cut off and came back; it may have missed what went out before, never the order.
  await until(() => roundsOf(seen).includes(301));
  const rounds = roundsOf(seen);
  expect(rounds.slice(0, 50)).toEqual(range(1, 50));
  expect(rounds).toEqual([...new Set(rounds)].sort((a, b) => a - b));
});

test("not there at the start: events wait for it, and the gap is told once it is there", async () => {
  await nats.stop();
  const { run, sink } = startRun({ maxBuffered: 10 });
  for (const round of range(1, 25)) run.emit(opened(round));
  expect(sink.stats()).toEqual({ published: 0, buffered: 10, inFlight: 0, dropped: 15 });
  await nats.restart();
  await until(() => sink.stats().published === 11);
  const { seen } = await startWatching();
  run.emit(opened(26));
  await run.close();
  expect(sink.stats()).toMatchObject({ published: 12, dropped: 15 });
  await until(() => seen.length === 1);
  expect(seen[0]).toMatchObject({ sequence: 27, event: opened(26) }); // 26 was the report of the loss
});

test("never there: closing gives up at once and the local sinks know the loss", async () => {
  await nats.stop();
  const { run, sink, local } = startRun();
  for (const round of range(1, 5)) run.emit(opened(round));
  await run.close();
  expect(sink.stats()).toEqual({ published: 0, buffered: 0, inFlight: 0, dropped: 5 });
  expect(droppedOf(local.records())).toBe(5);
});

test("stopped as it stands: nothing waits for it, little is given to it, closing ends and counts", async () => {
  const { run, sink, local } = startRun({ maxBuffered: 1_000, closeMs: 50 });
  run.emit(opened(1));
  await until(() => sink.stats().published === 1);
  await nats.pause();
  for (const round of range(2, 50_001)) {
    run.emit(opened(round));
    if (round % 100 === 0) await new Promise((resolve) => setImmediate(resolve)); // let the sink do its worst
  }
  // One batch is on its way to a server that never confirms; the rest stayed in the buffer or made room.
  expect(sink.stats()).toEqual({
    published: 1,
    buffered: 1_000,
    inFlight: expect.any(Number),
    dropped: 49_000,
  });
  expect(sink.stats().inFlight).toBeLessThanOrEqual(64);
  await run.close();
  expect(sink.stats()).toMatchObject({ published: 1, buffered: 0, dropped: local.records().length - 1 - 1 });
  // All but the last report, which came when the sink was closed, were lost or published.
  expect(droppedOf(local.records())).toBe(sink.stats().dropped);
  await nats.resume();
});

test("stopped and resumed: late is not lost, and a batch that was sent twice is seen once", async () => {
  const { seen, watcher } = await startWatching("run-1");
  const { run, sink } = startRun({ timeoutMs: 400 });
  run.emit(opened(1));
  await until(() => sink.stats().published === 1);
  await nats.pause();
  for (const round of range(2, 500)) run.emit(opened(round));
  await until(() => sink.stats().inFlight > 0);
  const sentTwice = sink.stats().inFlight;
  await until(() => sink.stats().inFlight === 0); // the sink gave the link up, the batch is in the server's socket
  await nats.resume();
  await until(() => sink.stats().published === 500);
  await run.close();
  await until(() => seen.length === 500);
  expect(roundsOf(seen)).toEqual(range(1, 500));
  expect(sink.stats()).toMatchObject({ published: 500, dropped: 0 });
  await until(() => watcher.stats().repeated === sentTwice);
  expect(watcher.stats()).toEqual({ malformed: 0, repeated: sentTwice, skipped: 0 });
});

/** A wire to the server that can be made to swallow what it carries, and be cut. */
async function badWire() {
  const sockets = new Set<Socket>();
  let swallows = false;
  const server = createServer((near) => {
    const far = createConnection(nats.port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    near.on("data", (chunk) => swallows || far.write(chunk));
    far.on("data", (chunk) => near.write(chunk));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  cleanUp.push(() => {
    cut();
    server.close();
  });
  const swallow = (on: boolean): void => {
    swallows = on;
  };
  return { url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`, swallow, cut };
}

test("a batch that got lost on the way goes out again, first and in its order", async () => {
  const { seen, watcher } = await startWatching();
  const wire = await badWire();
  const { run, sink } = startRun({ url: wire.url });
  run.emit(opened(1));
  await until(() => sink.stats().published === 1);
  wire.swallow(true);
  for (const round of range(2, 300)) run.emit(opened(round));
  await until(() => sink.stats().inFlight > 1);
  wire.swallow(false);
  wire.cut();
  await until(() => sink.stats().published === 300);
  await until(() => seen.length === 300);
  expect(roundsOf(seen)).toEqual(range(1, 300));
  expect(watcher.stats()).toEqual({ malformed: 0, repeated: 0, skipped: 0 });
});

test("a watcher of one run sees that run", async () => {
  const { seen } = await startWatching("a");
  const one = startRun({}, "a");
  const other = startRun({}, "b");
  for (const round of range(1, 20)) {
    one.run.emit(opened(round));
    other.run.emit(opened(100 + round));
  }
  await other.run.close();
  await one.run.close();
  await until(() => seen.length === 20);
  expect(roundsOf(seen)).toEqual(range(1, 20));
});

test("hostile messages are counted and skipped, each kind of them", async () => {
  const { seen, watcher } = await startWatching();
  const connection = await plainClient();
  const good: TelemetryRecord = { runId: "r", sequence: 1, atMs: 0, event: opened(1) };
  const text = (change: object): string => JSON.stringify({ ...good, ...change });
  const hostile: [subject: string, body: string | Uint8Array][] = [
    ["fedpress.r.round.opened", ""],
    ["fedpress.r.round.opened", "not JSON"],
    ["fedpress.r.round.opened", "null"],
    ["fedpress.r.round.opened", "[".repeat(60_000)],
    ["fedpress.r.round.opened", new Uint8Array([0xff, 0xfe, 0x7b])],
    ["fedpress.r.round.opened", text({ runId: "r\u001b[2J" })],
    ["fedpress.r.round.opened", text({ sequence: 0 })],
    ["fedpress.r.round.opened", text({ atMs: "now" })],
    ["fedpress.r.round.opened", text({ event: { ...opened(1), round: -1 } })],
    ["fedpress.r.round.opened", text({ event: { ...opened(1), round: "1" } })],
    ["fedpress.r.round.opened", text({ event: { type: "round.opened" } })],
    ["fedpress.r.constructor", text({ event: { type: "constructor" } })],
    ["fedpress.r.__proto__", '{"runId":"r","sequence":1,"atMs":0,"event":{"type":"__proto__"}}'],
    ["fedpress.r.round.opened", text({ padding: "x".repeat(65_536) })],
    ["fedpress.other.round.opened", text({})], // says it is of another run than its subject
    ["fedpress.r.run.finished", text({})], // or another event
  ];
  for (const [subject, body] of hostile) connection.publish(subject, body);
  connection.publish("fedpress.r.round.opened", text({ extra: "ignored" }));
  await connection.flush();
  await until(() => seen.length === 1);
  expect(seen).toEqual([good]);
  expect(watcher.stats()).toEqual({ malformed: hostile.length, repeated: 0, skipped: 0 });
});

test("a repeated message is seen once, whoever else speaks in between", async () => {
  const { seen, watcher } = await startWatching();
  const connection = await plainClient();
  const send = (id: string, round: number): void => {
    const head = headers();
    head.set("Nats-Msg-Id", id);
    const body = JSON.stringify({ runId: "r", sequence: round, atMs: 0, event: opened(round) });
    connection.publish("fedpress.r.round.opened", body, { headers: head });
  };
  for (const id of ["A-1", "A-2", "B-1", "A-1", "A-2", "A-3", "B-1", "B-2"]) send(id, Number(id.slice(2)));
  await connection.flush();
  await until(() => seen.length === 5);
  expect(roundsOf(seen)).toEqual([1, 2, 1, 3, 2]);
  expect(watcher.stats().repeated).toBe(3);
});

test("a diverged loss survives the way through JSON", async () => {
  const { seen } = await startWatching();
  const { run } = startRun();
  const event: TelemetryEvent = {
    type: "report.accepted",
    clientId: "c",
    round: 1,
    bytes: 10,
    numExamples: 5,
    trainLoss: Number.NaN,
    density: 0.01,
  };
  run.emit(event);
  await until(() => seen.length === 1);
  expect(seen[0]!.event).toEqual(event);
});
