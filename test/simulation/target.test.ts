import { expect, test } from "vitest";
import { firstAt, targetOf } from "../../src/simulation/target.ts";
import type { ByteTotals } from "../../src/telemetry/event.ts";

const rounds = (...accuracies: readonly (number | null)[]) =>
  accuracies.map((accuracy, i) => ({
    round: i + 1,
    accuracy,
    bytes: { total: 100 * (i + 1) } as ByteTotals,
  }));

test("the target is the highest round accuracy that all reached", () => {
  expect(targetOf([rounds(0.5, 0.96), rounds(0.951, 0.9)])).toBe(0.95);
  expect(targetOf([rounds(0.5, 0.96), rounds(null, 0.89)])).toBe(0.8);
  expect(targetOf([rounds(0.99), rounds(0.4, null)])).toBe(null);
});

test("the first round that is there counts, whatever follows", () => {
  expect(firstAt(rounds(0.5, null, 0.8, 0.7, 0.9), 0.8)).toEqual({ round: 3, bytes: 300 });
  expect(firstAt(rounds(0.5, null), 0.8)).toBe(null);
});
