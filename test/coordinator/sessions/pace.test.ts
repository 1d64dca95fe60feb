import fc from "fast-check";
import { expect, test } from "vitest";
import { lease } from "../../../src/coordinator/sessions/lease.ts";
import { pace } from "../../../src/coordinator/sessions/pace.ts";
import { world } from "../../../src/simulation/world.ts";

/** Who may come when, and who counts as gone. */

test("a calm coordinator lets everybody in; a burst is spread, each with a time of its own", () => {
  let now = 0;
  const { waitMs } = pace(10, () => now);
  expect(Array.from({ length: 10 }, waitMs)).toEqual(Array(10).fill(0));
  // ten a second came at once: the next turns are a tenth of a second apart
  expect([waitMs(), waitMs(), waitMs()]).toEqual([1000, 1100, 1200]);
  now = 100;
  expect(waitMs()).toBe(0);
  expect(waitMs()).toBe(1200);
  now = 5000;
  expect(Array.from({ length: 10 }, waitMs)).toEqual(Array(10).fill(0));
});

test("ten thousand at one time, each back when told: all are in after ten seconds at a thousand a second", () => {
  let now = 0;
  const { waitMs } = pace(1000, () => now);
  const dueAt = new Map([[0, 10_000]]);
  let [tries, peak, numIn] = [0, 0, 0];
  for (; now <= 10_000; now++) {
    const due = dueAt.get(now) ?? 0;
    const told = Array.from({ length: due }, waitMs);
    for (const ms of told) dueAt.set(now + ms, (dueAt.get(now + ms) ?? 0) + 1);
    const admitted = told.filter((ms) => ms === 0).length;
    tries += due;
    numIn += admitted;
    peak = Math.max(peak, admitted);
  }
  expect(numIn).toBe(10_000);
  expect(peak).toBeLessThanOrEqual(1000);
  expect(tries).toBeLessThanOrEqual(20_000);
});

test("a flood of strangers sends nobody away for longer than ten minutes", () => {
  let now = 0;
  const { waitMs } = pace(500, () => now);
  let longest = 0;
  for (; now < 100_000; now += 0.1) longest = Math.max(longest, waitMs());
  expect(longest).toBeGreaterThan(590_000);
  expect(longest).toBeLessThanOrEqual(600_000);
});

test("property: in no second more than twice the rate gets in", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(300), { maxLength: 200 }), (rate, gaps) => {
      let now = 0;
      const { waitMs } = pace(rate, () => now);
      const entries: number[] = [];
      for (const gap of gaps) {
        now += gap;
        if (waitMs() === 0) entries.push(now);
      }
      for (const start of entries)
        expect(entries.filter((at) => at >= start && at < start + 1000).length).toBeLessThanOrEqual(2 * rate);
    }),
  );
});

test("a lease ends after so much silence, counted from the last sign of life, and only while it is watched", async () => {
  const virtual = world();
  const at = (ms: number): Promise<void> =>
    virtual.run(new Promise((resolve) => void virtual.clock.after(ms - virtual.clock.now(), resolve)));
  const expired: number[] = [];
  const one = lease(virtual.clock, 100, () => expired.push(virtual.clock.now()));
  one.watch();
  await at(60);
  one.heard();
  await at(159);
  expect(expired).toEqual([]);
  one.rest();
  await at(1000);
  expect(expired).toEqual([]);
  one.watch();
  await at(1050);
  one.watch();
  await at(1300);
  expect(expired).toEqual([1150]);
});
