import { type Dataset, subset } from "../model/dataset.ts";
import { type Keys, keysOf } from "./keys.ts";
import { kinds } from "./kinds.ts";
import { type Partition, partition } from "./partition.ts";
import { type Problems, parseReference, problemsAt, type Reference } from "./reference.ts";
import { sourceOf } from "./source.ts";
import { splitHoldout } from "./split.ts";

/**
 * A client's data, from its SPEC: `mnist:3/10?dirichlet=0.5&seed=1&holdout=0.2`, `idx:DIR`, `csv:FILE?label=COLUMN`.
 *
 * A share `K/N` (also `share=K/N`, for every source) is what client K of N, counted from 1, gets in a simulation with
 * the same seed, partition and holdout (test and transfer together); left out they are seed 1, Dirichlet 0.5 and 0.2,
 * the config's own defaults, so that no one trains on the coordinator's test rows by leaving something out. `mnist`
 * alone is share 1/1. A folder or file without a share is the client's own: all of it, unless `holdout` is given.
 * Throws ConfigError that names every part that is wrong.
 */
export async function loadClientData(spec: string): Promise<Dataset> {
  const { open, share, how, seed, holdout, balanced } = parseSpec(spec);
  const whole = open();
  const { train } = splitHoldout(
    whole.labels,
    whole.numClasses,
    { test: holdout, transfer: 0, balanced },
    seed,
  );
  if (share === null) return train.length === whole.labels.length ? whole : subset(whole, train);
  const { numClasses, groups } = whole;
  const labels = Int32Array.from(train, (row) => whole.labels[row]!);
  const of = groups && Int32Array.from(train, (row) => groups.of[row]!);
  const dealt = { labels, numClasses, ...(of && { groups: { names: groups.names, of } }) };
  const rows = partition(dealt, share.of, how, seed)[share.index]!;
  return subset(
    whole,
    rows.map((row) => train[row]!),
  );
}

interface ClientSpec {
  readonly open: () => Dataset;
  /** Counted from 0; null for a source that is this client's alone. */
  readonly share: { readonly index: number; readonly of: number } | null;
  readonly how: Partition;
  readonly seed: number;
  readonly holdout: number;
  readonly balanced: boolean;
}

function parseSpec(text: string): ClientSpec {
  const problems = problemsAt("data spec");
  const reference = parseReference(text, problems);
  const keys = keysOf(reference, problems);
  const open = sourceOf(reference, keys, problems);
  const share = shareOf(reference, keys, problems);
  const how = partitionOf(keys, problems);
  const seed = keys.count("seed", 0, 0xffffffff);
  const holdout = keys.number("holdout", (x) => x >= 0 && x < 1, "a share, 0 to below 1");
  const balanced = keys.oneOf("balanced", ["yes", "no"]) !== "no";
  if (Object.hasOwn(kinds, reference.kind)) keys.finish();
  if (share === null && how !== null)
    problems.add("dirichlet, partition", undefined, "a share, for there is nothing to divide: share=K/N");
  problems.finish();
  return {
    open,
    share,
    how: how ?? { dirichlet: 0.5 },
    seed: seed ?? 1,
    holdout: holdout ?? (share === null ? 0 : 0.2),
    balanced,
  };
}

function shareOf({ kind, location }: Reference, keys: Keys, problems: Problems): ClientSpec["share"] {
  const inPlace = kind === "mnist" && location !== "" ? location : undefined;
  const asked = keys.word("share");
  const text = inPlace ?? asked ?? (kind === "mnist" ? "1/1" : undefined);
  if (text === undefined) return null;
  if (inPlace !== undefined && asked !== undefined) problems.add("share", asked, "one share, not two");
  const match = /^(\d{1,7})\/(\d{1,7})$/.exec(text);
  const k = Number(match?.[1]);
  const n = Number(match?.[2]);
  if (!(k >= 1 && k <= n)) problems.add("share", text, "K/N, share K of N, counted from 1");
  return { index: k - 1, of: n };
}

/** At most one of the ways to divide. */
function partitionOf(keys: Keys, problems: Problems): Partition | null {
  const above = (x: number): boolean => x > 0 && x < 1e6;
  const word = keys.oneOf("partition", ["iid", "natural"]);
  const dirichlet = keys.number("dirichlet", above, "a number above 0");
  const quantity = keys.number("quantity", above, "a number above 0");
  const shards = keys.count("shards", 1, 65_536);
  const ways: Partition[] = [];
  if (word !== undefined) ways.push(word);
  if (dirichlet !== undefined) ways.push({ dirichlet });
  if (quantity !== undefined) ways.push({ quantity });
  if (shards !== undefined) ways.push({ shards });
  if (ways.length > 1)
    problems.add("partition", ways, "one of partition=iid or natural, dirichlet, quantity and shards");
  return ways[0] ?? null;
}
