import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { huntRemovals } from "../../scripts/fuzz/removal-hunt.mjs";
import { removalsOf, unnoticeable } from "../../scripts/fuzz/removals.mjs";
import { targets } from "../../scripts/fuzz/targets.mjs";

/** One in 18, so that it takes seconds; `npm run nightly` plants them all. */
const ONE_IN = 18;

test("the fuzzer notices when a decoder no longer checks", async () => {
  const removals = removalsOf(fileURLToPath(new URL("../../dist", import.meta.url)));
  const noticeable = removals.filter((removal) => unnoticeable(removal) === null);
  expect(noticeable.length).toBeGreaterThan(100);
  expect(removals.length - noticeable.length).toBe(5); // each of the reasons still stands for one
  const sample = noticeable.filter((_, i) => i % ONE_IN === 4);
  const options = { inputs: 20_000, names: Object.keys(targets), threads: 2, hangSeconds: 10 };
  const results = await huntRemovals(sample, options);
  const unnoticed = results.filter(({ caught }) => caught === null);
  expect(unnoticed.map(({ file, line, put }) => `${file}: ${line} => ${put}`)).toEqual([]);
  expect(results.length).toBeGreaterThan(5);
});
