import { expect, test } from "vitest";
import { runSeed } from "../../../src/simulation/dst/run.ts";
import { shrink } from "../../../src/simulation/dst/shrink.ts";
import { timeline } from "../../../src/simulation/dst/timeline.ts";

test("a seed is the same run every time, line by line", async () => {
  for (const seed of [3, 11]) {
    const [first, second] = [
      await runSeed({ seed, keepsLines: true }),
      await runSeed({ seed, keepsLines: true }),
    ];
    expect(second).toEqual(first);
    expect(first.lines.length).toBeGreaterThan(20);
  }
});

test("leaving a fault out leaves the others as they were, until their cause is gone", async () => {
  const whole = await runSeed({ seed: 3 });
  const none = await runSeed({ seed: 3, only: new Set() });
  expect(whole.faults.length).toBeGreaterThan(0);
  expect(none.faults).toEqual([]);
  const one = await runSeed({ seed: 3, only: new Set(whole.faults.slice(0, 1)) });
  expect(one.faults).toEqual(whole.faults.slice(0, 1));
});

test("shrinking keeps what the failure needs; a timeline fits a page", async () => {
  const whole = await runSeed({ seed: 3 });
  const run = await runSeed({ seed: 3, only: new Set(whole.faults.slice(0, 2)), keepsLines: true });
  expect(run.violation).toBeNull();
  expect(timeline(run).split("\n").length).toBeLessThanOrEqual(60);
  const failed = { ...run, violation: { check: "ledger" as const, detail: "made up" } };
  expect((await shrink(failed)).run.faults).toEqual(run.faults); // nothing less shows it
});
