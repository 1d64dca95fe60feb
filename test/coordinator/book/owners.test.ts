import { expect, test } from "vitest";
import { NOTHING_GIVEN, openOwners } from "../../../src/coordinator/book/owners.ts";
import { openParts } from "../../../src/coordinator/book/parts.ts";
import { manifestOf } from "../../../src/model/manifest.ts";
import type { Masks } from "../../../src/model/tensor.ts";
import { dense, initial } from "../../suites/federation.ts";

const masksOf = (...a: number[]): Masks =>
  new Map([
    ["a", Uint32Array.from(a)],
    ["b", null],
  ]);

const half = { width: 0.5, masks: masksOf(0, 1, 2, 3), memoryBytes: 1 };

function owners(maxStaleness: number, before = NOTHING_GIVEN) {
  const parts = openParts(dense, manifestOf(initial), [half]);
  return { ...openOwners({ maxStaleness }, parts, before), parts };
}

const openRounds = (one: ReturnType<typeof owners>, versions: readonly number[]): void => {
  for (const [i, version] of versions.entries())
    one.openRound({ round: i + 1, version, masks: masksOf(version, 40) }, ["x", `y${i}`], [0.5, 1]);
};
const roundsOf = (one: ReturnType<typeof owners>) => one.state().rounds.map(({ round }) => round);

test("rounds are kept for as long as their reports count, and what was given in them", () => {
  // rounds 3 and 4 are of one version: the first of them was abandoned
  const versions = [0, 1, 2, 2, 3, 4];
  const punctual = owners(0);
  openRounds(punctual, versions);
  expect(roundsOf(punctual)).toEqual([6]);
  expect([...punctual.state().given.keys()].sort()).toEqual(["x", "y5"]);

  const patient = owners(2);
  openRounds(patient, versions);
  expect(roundsOf(patient)).toEqual([3, 4, 5, 6]);
  expect([...patient.state().given.keys()].sort()).toEqual(["x", "y2", "y3", "y4", "y5"]);
  expect(patient.partOf("y2", 3).plan.masks.get("a")).toEqual(Uint32Array.of(2, 40));
  // the narrow part of coordinates 4 and 40 has neither
  expect(patient.partOf("x", 6).plan.masks.get("a")).toEqual(Uint32Array.of());
  expect(patient.partOf("x", 5).width).toBe(1);
});

test("after a restart the masks of all that was given can be fetched", () => {
  const before = owners(2);
  openRounds(before, [0, 1, 2]);
  const digests = [before.partOf("y0", 1), before.partOf("x", 3), before.partOf("y2", 3)].map(
    ({ masks }) => masks!,
  );
  const after = owners(2, before.state());
  for (const digest of digests) {
    expect(after.parts.frameOf(digest)).not.toBeNull();
    expect(after.parts.frameOf(digest)).toEqual(before.parts.frameOf(digest));
  }
});
