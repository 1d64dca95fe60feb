import fc from "fast-check";
import { expect, test } from "vitest";
import { sleep } from "../../src/model/clock.ts";
import { world } from "../../src/simulation/world.ts";

const never = new AbortController().signal;

test("events come in order of time, then of scheduling", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), async (delays) => {
      const virtual = world();
      const seen: [number, number][] = [];
      for (const [i, ms] of delays.entries())
        virtual.after(ms, () => void seen.push([virtual.clock.now(), i]));
      await virtual.run(new Promise<void>((resolve) => virtual.after(21, resolve)));
      const expected = delays
        .map((ms, i): [number, number] => [ms, i])
        .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      expect(seen).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

test("time moves only when everything that follows from an event has happened", async () => {
  const virtual = world();
  const log: string[] = [];
  const task = async (name: string, ms: number) => {
    for (let i = 0; i < 3; i++) {
      await sleep(virtual.clock, ms, never);
      await Promise.resolve().then(() => Promise.resolve());
      log.push(`${name}@${virtual.clock.now()}`);
    }
  };
  await virtual.run(Promise.all([task("a", 10), task("b", 15)]));
  expect(log).toEqual(["a@10", "b@15", "a@20", "b@30", "a@30", "b@45"]);
});

test("held work stops the clock, an awaited action too", async () => {
  const virtual = world();
  const log: string[] = [];
  const real = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  virtual.after(1, () => {
    void virtual.hold(real(30)).then(() => log.push(`held until ${virtual.clock.now()}`));
  });
  virtual.after(2, async () => {
    await real(20);
    log.push(`awaited at ${virtual.clock.now()}`);
  });
  await virtual.run(new Promise<void>((resolve) => virtual.after(3, resolve)));
  expect(log).toEqual(["held until 1", "awaited at 2"]);
});

test("a cancelled timer does not ring, an aborted sleep rejects, and standstill is an error", async () => {
  const virtual = world();
  let rang = false;
  const cancel = virtual.clock.after(5, () => {
    rang = true;
  });
  cancel();
  const aborter = new AbortController();
  const sleeping = sleep(virtual.clock, 100, aborter.signal);
  virtual.after(10, () => aborter.abort(new Error("enough")));
  await expect(virtual.run(sleeping)).rejects.toThrow("enough");
  expect(rang).toBe(false);
  await expect(virtual.run(new Promise(() => {}))).rejects.toThrow("stands still");
});
