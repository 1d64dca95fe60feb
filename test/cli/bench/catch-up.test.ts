import { expect, test } from "vitest";
import { type CatchUpRow, sleepsOf } from "../../../src/cli/bench/catch-up/rows.ts";
import { fedpress } from "../../e2e/processes.ts";

test("of sleepers there are those that the run is long enough for, and who slept all of it", () => {
  expect(sleepsOf(6)).toEqual([1, 5, 6]);
  expect(sleepsOf(300)).toEqual([1, 5, 20, 100, 300]);
});

test.each([
  [
    "all are sent, so that deltas are long",
    ["--rounds", "45", "--permille", "1000"],
    ["1 delta", "5 delta", "20 delta", "45 patch"],
  ],
  [
    "few are sent, by a history that comes beside a restart",
    ["--rounds", "6", "--history"],
    ["1 delta", "5 delta", "6 delta"],
  ],
])("bench catch-up: %s", async (_, flags, chosenKinds) => {
  const run = fedpress("bench", "catch-up", "--model", "mlp-w0.04", "--json", ...flags);
  expect(await run.exit).toBe(0);
  const { rows, params } = JSON.parse(run.stdout()) as { rows: readonly CatchUpRow[]; params: number };
  expect(rows.map(({ slept, chosen }) => `${slept} ${chosen.kind}`)).toEqual(chosenKinds);
  for (const { deltas, patch, checkpoint, chosen } of rows) {
    expect(checkpoint).toBeGreaterThan(4 * params);
    expect(chosen.bytes).toBe(Math.min(deltas, patch, checkpoint));
    expect(chosen.bytes).toBe({ delta: deltas, patch, checkpoint }[chosen.kind]);
  }
  // an origin comes before the patch for all but who holds version 0
  const [first, second] = rows;
  expect(first!.patch).toBe(second!.patch);
  expect(first!.patch - rows.at(-1)!.patch).toBeGreaterThan(40);
});
