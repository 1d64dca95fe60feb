import { type Dataset, subset } from "../model/dataset.ts";
import { type Partition, partition } from "./partition.ts";
import { numberKey, type Problems, parseReference, problemsAt, type Reference } from "./reference.ts";
import { knownKeys, sourceOf } from "./source.ts";
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
  const { open, share, how, seed, holdout } = parseSpec(spec);
  const whole = open();
  const { train } = splitHoldout(whole.labels, whole.numClasses, { test: holdout, transfer: 0 }, seed);
  if (share === null) return train.length === whole.labels.length ? whole : subset(whole, train);
  const labels = Int32Array.from(train, (row) => whole.labels[row]!);
  const rows = partition(labels, whole.numClasses, share.of, how, seed)[share.index]!;
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
}

function parseSpec(text: string): ClientSpec {
  const problems = problemsAt("data spec");
  const reference = parseReference(text, problems);
  const open = sourceOf(reference, problems);
  knownKeys(reference, ["share", "dirichlet", "partition", "seed", "holdout"], problems);
  const share = shareOf(reference, problems);
  const how = partitionOf(reference, problems);
  const seed = numberKey(reference, "seed", problems, isSeed, "a whole number, 0 to 4294967295");
  const holdout = numberKey(reference, "holdout", problems, (x) => x >= 0 && x < 1, "a share, 0 to below 1");
  if (share === null && how !== null)
    problems.add("dirichlet, partition", undefined, "a share, for there is nothing to divide: share=K/N");
  problems.finish();
  return {
    open,
    share,
    how: how ?? { dirichlet: 0.5 },
    seed: seed ?? 1,
    holdout: holdout ?? (share === null ? 0 : 0.2),
  };
}

const isSeed = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= 0xffffffff;

function shareOf({ kind, location, keys }: Reference, problems: Problems): ClientSpec["share"] {
  const inPlace = kind === "mnist" && location !== "" ? location : undefined;
  const text = inPlace ?? keys.get("share") ?? (kind === "mnist" ? "1/1" : undefined);
  if (text === undefined) return null;
  if (inPlace !== undefined && keys.has("share"))
    problems.add("share", keys.get("share"), "one share, not two");
  const match = /^(\d{1,7})\/(\d{1,7})$/.exec(text);
  const k = Number(match?.[1]);
  const n = Number(match?.[2]);
  if (!(k >= 1 && k <= n)) problems.add("share", text, "K/N, share K of N, counted from 1");
  return { index: k - 1, of: n };
}

function partitionOf(reference: Reference, problems: Problems): Partition | null {
  const word = reference.keys.get("partition");
  const alpha = numberKey(reference, "dirichlet", problems, (x) => x > 0 && x < 1e6, "a number above 0");
  if (word !== undefined && (word !== "iid" || reference.keys.has("dirichlet")))
    problems.add("partition", word, "iid, or dirichlet=ALPHA in its place");
  if (word === "iid") return "iid";
  return alpha === undefined ? null : { dirichlet: alpha };
}
