import { emptyTally, forEachTensor, type Grid, largestSum, type Tally } from "../../aggregation/tally.ts";
import { decodeIntegers, encodeIntegers } from "../../compress/integers.ts";
import { WireError } from "../../model/error.ts";
import { type Manifest, manifestDigest } from "../../model/manifest.ts";
import { encodeFrame, shortDigest } from "../../wire/frame.ts";
import type { TallyFrame } from "../../wire/kinds.ts";

/** Which round a tally belongs to. */
export interface TallyRound {
  readonly round: number;
  readonly baseVersion: number;
  readonly manifest: Manifest;
  readonly grid: Grid;
}

/**
 * A tally as bytes, so that an edge aggregator can fold a part of a cohort and send on what it came to. The sums of
 * tallies are those of all their updates, to the bit.
 */
export function encodeTally(
  tally: Tally,
  { round, baseVersion }: Pick<TallyRound, "round" | "baseVersion">,
): Uint8Array {
  const { grid, manifest } = tally;
  const tensors: TallyFrame["tensors"][number][] = [];
  forEachTensor(tally, ({ start, length }, i) => {
    const owners = tally.owners[i]!;
    tensors.push({
      exponent: grid.exponents[i]!,
      sums: encodeIntegers(tally.sums.read(start, start + length)),
      owners: owners && encodeIntegers(BigInt64Array.from(owners, BigInt)),
    });
  });
  return encodeFrame({
    kind: "tally",
    round,
    baseVersion,
    manifest: shortDigest(manifestDigest(manifest)),
    numUpdates: tally.numUpdates,
    weightBudget: grid.weightBudget,
    total: tally.total,
    steps: tally.steps,
    tensors,
  });
}

/**
 * The tally in a frame, to be merged into that of the same round. Throws WireError when it is of another round, base,
 * model or grid, and when it claims more than its own weight: a sum beyond what its owners can have sent, owners beyond
 * the total, steps beyond those of as many updates.
 */
export function decodeTally(frame: TallyFrame, expected: TallyRound): Tally {
  const { manifest, grid } = expected;
  const check = (
    holds: boolean,
    code: ConstructorParameters<typeof WireError>[0],
    field: string,
    detail: string,
  ): void => {
    if (!holds) throw new WireError(code, field, detail);
  };
  check(frame.round === expected.round, "wrong-round", "round", `${frame.round}, expected ${expected.round}`);
  check(
    frame.baseVersion === expected.baseVersion,
    "wrong-base",
    "baseVersion",
    `${frame.baseVersion}, expected ${expected.baseVersion}`,
  );
  const digest = shortDigest(manifestDigest(manifest));
  check(frame.manifest === digest, "wrong-manifest", "manifest", "of another model");
  const { numUpdates, weightBudget, total, steps, tensors } = frame;
  check(
    weightBudget === grid.weightBudget,
    "bad-shape",
    "weightBudget",
    `${weightBudget}, expected ${grid.weightBudget}`,
  );
  check(
    tensors.length === manifest.tensors.length,
    "bad-shape",
    "tensors",
    `${tensors.length}, expected ${manifest.tensors.length}`,
  );
  for (const [i, { exponent }] of tensors.entries())
    check(
      exponent === grid.exponents[i],
      "bad-shape",
      `tensor ${i} exponent`,
      `${exponent}, expected ${grid.exponents[i]}`,
    );
  const tally = emptyTally(manifest, grid);
  inRange(steps, 0n, BigInt(total) * MAX_STEPS, "steps");
  forEachTensor(tally, ({ start, length }, i) => {
    const place = `tensor ${i}`;
    const { sums, owners } = tensors[i]!;
    const weights = owners && decodeIntegers(owners, length, `${place} owners`);
    const integers = decodeIntegers(sums, length, `${place} sums`);
    for (let j = 0; j < length; j++) {
      const weight = weights === null ? total : Number(weights[j]!);
      inRange(BigInt(weight), 0n, BigInt(total), `${place} owners`);
      const most = largestSum(grid, i, weight);
      inRange(integers[j]!, -most, most, `${place} sums`);
    }
    tally.sums.addSums(start, integers);
    if (weights !== null) tally.owners[i] = Float64Array.from(weights, Number);
  });
  return Object.assign(tally, { numUpdates, total, steps });
}

/** Of one update. */
const MAX_STEPS = 2n ** 32n - 1n;

function inRange(value: bigint, low: bigint, high: bigint, place: string): void {
  if (value < low || value > high)
    throw new WireError("out-of-range", place, `${value}, expected ${low} to ${high}`);
}
