import fc from "fast-check";
import { expect, test } from "vitest";
import { telemetry } from "../../src/telemetry/emitter.ts";
import type { TelemetryEvent } from "../../src/telemetry/event.ts";
import { fanOut } from "../../src/telemetry/fan-out.ts";
import { jsonlSink } from "../../src/telemetry/jsonl-sink.ts";
import { memorySink } from "../../src/telemetry/memory-sink.ts";
import { ring } from "../../src/telemetry/ring.ts";

const opened = (round: number): TelemetryEvent => ({
  type: "round.opened",
  round,
  baseVersion: round - 1,
  cohort: 3,
});

test("a ring is an array that forgets its oldest", () => {
  const command = fc.oneof(
    fc.nat().map((value) => ({ push: value })),
    fc.constantFrom("shift" as const, "putBack" as const, "drain" as const),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(command, { maxLength: 40 }),
      (capacity, commands) => {
        const subject = ring<number>(capacity);
        let model: number[] = [];
        for (const step of commands) {
          if (typeof step === "object") {
            const oldest = model.length === capacity ? model.shift() : undefined;
            model.push(step.push);
            expect(subject.push(step.push)).toBe(oldest);
          } else if (step === "drain") {
            expect(subject.drain()).toEqual(model);
            model = [];
          } else {
            const first = subject.shift();
            expect(first).toBe(model.shift());
            if (step === "putBack" && first !== undefined) {
              subject.unshift(first);
              model.unshift(first);
            }
          }
          expect(subject.toArray()).toEqual(model);
          expect(subject.size()).toBe(model.length);
        }
      },
    ),
  );
});

test("events are numbered from 1 and stamped by the clock they are given", async () => {
  const sink = memorySink();
  let nowMs = 10;
  const run = telemetry("run-1", sink, () => nowMs);
  run.emit(opened(1));
  nowMs = 25.5;
  run.emit(opened(2));
  await run.close();
  run.emit(opened(3));
  expect(sink.records()).toEqual([
    { runId: "run-1", sequence: 1, atMs: 10, event: opened(1) },
    { runId: "run-1", sequence: 2, atMs: 25.5, event: opened(2) },
  ]);
});

test("memory keeps the newest and counts the rest", () => {
  const sink = memorySink(3);
  const run = telemetry("r", sink, () => 0);
  for (let round = 1; round <= 10; round++) run.emit(opened(round));
  expect(sink.records().map(({ sequence }) => sequence)).toEqual([8, 9, 10]);
  expect(sink.dropped()).toBe(7);
});

test("what a sink reports while it is closed still reaches the sinks behind it", async () => {
  const memory = memorySink();
  const lossy = {
    emit: () => {},
    close: async () => run.emit({ type: "telemetry.dropped", sink: "lossy", events: 4 }),
  };
  const run = telemetry("r", fanOut([lossy, memory]), () => 0);
  run.emit(opened(1));
  await run.close();
  expect(memory.records().map(({ event }) => event.type)).toEqual(["round.opened", "telemetry.dropped"]);
});

/** A disk that does as it is told: every append waits for `next`. */
function slowDisk() {
  let file = "";
  const waiting: ((outcome: "ok" | "full") => void)[] = [];
  const append = async (bytes: Uint8Array): Promise<void> => {
    const outcome = await new Promise<"ok" | "full">((resolve) => waiting.push(resolve));
    if (outcome === "full") throw new Error("no space left");
    file += new TextDecoder().decode(bytes);
  };
  const next = async (outcome: "ok" | "full"): Promise<void> => {
    waiting.shift()!(outcome);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { append, next, text: () => file, numWaiting: () => waiting.length };
}

test("a file gets one JSON record a line, in order, one write at a time", async () => {
  const disk = slowDisk();
  const run = telemetry(
    "r",
    jsonlSink({ append: disk.append, onDropped: () => expect.unreachable() }),
    () => 7,
  );
  for (let round = 1; round <= 100; round++) run.emit(opened(round));
  expect(disk.numWaiting()).toBe(1);
  await disk.next("ok");
  expect(disk.numWaiting()).toBe(1);
  const closed = run.close();
  await disk.next("ok");
  await closed;
  expect(disk.numWaiting()).toBe(0);
  const records = disk
    .text()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records).toEqual(
    Array.from({ length: 100 }, (_, i) => ({ runId: "r", sequence: i + 1, atMs: 7, event: opened(i + 1) })),
  );
});

test("a busy disk costs the oldest lines, a full one those of the write, and both are counted and told", async () => {
  const disk = slowDisk();
  const run = telemetry(
    "r",
    jsonlSink({
      append: disk.append,
      maxBuffered: 10,
      onDropped: (events) => run.emit({ type: "telemetry.dropped", sink: "file", events }),
    }),
    () => 0,
  );
  for (let round = 1; round <= 15; round++) run.emit(opened(round)); // 1 being written, 2-5 dropped, 6-15 held
  await disk.next("ok"); // reports 4, which displaces round 6
  await disk.next("full"); // with round 6, rounds 7-15 and the report itself, 11 are lost
  run.emit(opened(16));
  await disk.next("ok");
  const closed = run.close();
  await disk.next("ok");
  await closed;
  const events = disk
    .text()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).event);
  expect(events).toEqual([opened(1), opened(16), { type: "telemetry.dropped", sink: "file", events: 11 }]);
});

test("closing does not wait for a disk that hangs, and counts what is lost", async () => {
  const lost: number[] = [];
  const never = new Promise<void>(() => {});
  const sink = jsonlSink({ append: () => never, closeMs: 1, onDropped: (events) => lost.push(events) });
  const run = telemetry("r", sink, () => 0);
  for (let round = 1; round <= 5; round++) run.emit(opened(round));
  await run.close();
  expect(lost).toEqual([5]);
});

test("after a crash, the first record starts on a line of its own", async () => {
  let file = '{"runId":"r","sequ';
  const append = async (bytes: Uint8Array): Promise<void> => {
    file += new TextDecoder().decode(bytes);
  };
  const run = telemetry("r", jsonlSink({ append, resumed: true, onDropped: () => {} }), () => 0);
  run.emit(opened(1));
  run.emit(opened(2));
  await run.close();
  const [torn, ...whole] = file.trimEnd().split("\n");
  expect(torn).toBe('{"runId":"r","sequ');
  expect(whole.map((line) => JSON.parse(line).event)).toEqual([opened(1), opened(2)]);
});
