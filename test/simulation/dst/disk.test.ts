import fc from "fast-check";
import { expect, test } from "vitest";
import { chance } from "../../../src/simulation/dst/chance.ts";
import { simulatedDisk } from "../../../src/simulation/dst/disk.ts";
import { drawRates } from "../../../src/simulation/dst/faults.ts";
import { spawn } from "../../../src/simulation/dst/process.ts";
import { scheduler } from "../../../src/simulation/dst/scheduler.ts";

const calm = Object.fromEntries(Object.keys(drawRates(1)).map((kind) => [kind, 0])) as ReturnType<
  typeof drawRates
>;

function machine(seed: number) {
  const time = scheduler(seed);
  const disk = simulatedDisk("disk", time, chance(seed, calm, null));
  const until = (ms: number) => time.run(() => false, { untilMs: ms, events: 1000 });
  return { time, disk, until };
}

test("what was flushed outlives the machine, and what was not is old, new, or a part of it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1e6),
      fc.uint8Array({ minLength: 1, maxLength: 2000 }),
      fc.nat(30),
      async (seed, more, ms) => {
        const { time, disk, until } = machine(seed);
        const process = spawn("one", time);
        const first = Uint8Array.of(1, 2, 3);
        let isDone = false;
        const port = disk.of(process);
        void port.extend("log", 0, first).then(async () => {
          await port.extend("log", 3, more);
          isDone = true;
        });
        await until(40); // the first is through
        await until(40 + ms);
        const durable = disk.durable("log");
        process.kill();
        disk.died(process);
        disk.loseUnflushed();
        const left = disk.visible("log") ?? new Uint8Array();
        expect(disk.durable("log") ?? new Uint8Array()).toEqual(left);
        if (durable !== null) expect(left.slice(0, durable.length)).toEqual(durable);
        expect(left.length).toBeLessThanOrEqual(first.length + more.length);
        if (isDone) expect(left).toEqual(Uint8Array.from([...first, ...more]));
        // nothing but what was written, or zeros
        const whole = [...first, ...more];
        expect([...left].every((byte, i) => byte === whole[i] || byte === 0)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test("a file is replaced as a whole, created once, and a dead process does nothing more", async () => {
  const { time, disk, until } = machine(1);
  const [one, two] = [spawn("one", time), spawn("two", time)];
  const made: boolean[] = [];
  void disk
    .of(one)
    .create("claim", Uint8Array.of(1))
    .then((isNew) => made.push(isNew));
  void disk
    .of(two)
    .create("claim", Uint8Array.of(2))
    .then((isNew) => made.push(isNew));
  await until(100);
  expect(made.sort()).toEqual([false, true]);
  void disk.of(one).write("claim", Uint8Array.of(3, 3));
  one.kill();
  disk.died(one);
  await until(200);
  expect(disk.visible("claim")!.length).toBe(1);
});

test("a full disk takes what fits and says so; later there is room", async () => {
  const { time, disk, until } = machine(2);
  const process = spawn("one", time);
  disk.fill(1000);
  const codes: string[] = [];
  void disk
    .of(process)
    .extend("log", 0, new Uint8Array(100))
    .catch((error) => codes.push(error.code));
  await until(500);
  expect(codes).toEqual(["ENOSPC"]);
  expect(disk.visible("log")?.length ?? 0).toBeLessThan(100);
  await until(1001);
  void disk.of(process).write("log", new Uint8Array(7));
  await until(1100);
  expect(disk.durable("log")!.length).toBe(7);
});
