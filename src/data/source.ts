import { type Dataset, subset } from "../model/dataset.ts";
import { type CsvOptions, readCsv } from "./csv.ts";
import { type IdxOptions, readIdx } from "./idx.ts";
import { MAX_CLASSES } from "./labels.ts";
import { mnist } from "./mnist.ts";
import { type Partition, partition } from "./partition.ts";
import { numberKey, type Problems, parseReference, problemsAt, type Reference } from "./reference.ts";
import { type Holdout, splitHoldout } from "./split.ts";

/** The `data` section of a config. */
export interface DataConfig {
  /** `mnist`, `idx:DIR[?pair=NAME&classes=N]` or `csv:FILE?label=COLUMN[&classes=N or A,B,C&scale=none]`. */
  readonly source: string;
  readonly holdout: Holdout;
  readonly partition: Partition;
}

/** What no client sees; null where the config holds nothing out. */
export interface HeldOut {
  readonly test: Dataset | null;
  readonly transfer: Dataset | null;
}

/** One data set, split and dealt to the clients of a simulation. The seed alone decides who gets what. */
export async function loadFederated(
  data: DataConfig,
  numClients: number,
  seed: number,
): Promise<HeldOut & { readonly clients: readonly Dataset[] }> {
  const { whole, split } = await loadSplit(data, seed);
  const train = subset(whole, split.train);
  const shares = partition(train.labels, whole.numClasses, numClients, data.partition, seed);
  return { clients: shares.map((rows) => subset(train, rows)), ...heldOut(whole, split) };
}

/** What a coordinator keeps of a data set whose clients are elsewhere. */
export async function loadHoldout(data: DataConfig, seed: number): Promise<HeldOut> {
  const { whole, split } = await loadSplit(data, seed);
  return heldOut(whole, split);
}

async function loadSplit({ source, holdout }: DataConfig, seed: number) {
  const whole = await loadSource(source);
  return { whole, split: splitHoldout(whole.labels, whole.numClasses, holdout, seed) };
}

const heldOut = (
  whole: Dataset,
  { test, transfer }: { test: Uint32Array; transfer: Uint32Array },
): HeldOut => ({
  test: test.length === 0 ? null : subset(whole, test),
  transfer: transfer.length === 0 ? null : subset(whole, transfer),
});

async function loadSource(text: string): Promise<Dataset> {
  const problems = problemsAt("data.source");
  const reference = parseReference(text, problems);
  const open = sourceOf(reference, problems);
  if (reference.kind === "mnist" && reference.location !== "")
    problems.add("mnist", reference.location, "nothing: shares are for clients");
  knownKeys(reference, [], problems);
  problems.finish();
  return open();
}

const SOURCE_KEYS: Readonly<Record<string, readonly string[]>> = {
  mnist: [],
  idx: ["pair", "classes"],
  csv: ["label", "classes", "scale"],
};

export function knownKeys({ kind, keys }: Reference, more: readonly string[], problems: Problems): void {
  const known = [...(SOURCE_KEYS[kind] ?? []), ...more];
  for (const [key, value] of keys)
    if (SOURCE_KEYS[kind] !== undefined && !known.includes(key))
      problems.add(key, value, `one of ${known.join(", ") || "no keys"}`);
}

/** What reads the whole set that a reference names; nothing is read before it is called. */
export function sourceOf(reference: Reference, problems: Problems): () => Dataset {
  const { kind, location, keys } = reference;
  switch (kind) {
    case "mnist":
      return mnist;
    case "idx": {
      if (location === "") problems.add("idx", location, "a folder: idx:DIR");
      const options: IdxOptions = {
        ...(keys.has("pair") && { pair: keys.get("pair")! }),
        ...(keys.has("classes") && { numClasses: countKey(reference, problems) }),
      };
      return () => readIdx(location, options);
    }
    case "csv": {
      if (location === "") problems.add("csv", location, "a file: csv:FILE?label=COLUMN");
      if (!keys.has("label"))
        problems.add("label", undefined, "the column that holds the class: ?label=COLUMN");
      const options = csvOptions(reference, problems);
      return () => readCsv(location, options);
    }
    default:
      problems.add("", kind, "mnist, idx:DIR or csv:FILE?label=COLUMN");
      return mnist;
  }
}

function csvOptions(reference: Reference, problems: Problems): CsvOptions {
  const { keys } = reference;
  const classes = keys.get("classes");
  const scale = keys.get("scale");
  if (scale !== undefined && scale !== "none" && scale !== "standard")
    problems.add("scale", scale, "standard or none");
  return {
    label: keys.get("label") ?? "",
    ...(classes !== undefined && {
      classes: classes.includes(",") ? classes.split(",") : countKey(reference, problems),
    }),
    ...(scale === "none" && { scale }),
  };
}

const countKey = (reference: Reference, problems: Problems): number =>
  numberKey(
    reference,
    "classes",
    problems,
    (n) => Number.isInteger(n) && n >= 2 && n <= MAX_CLASSES,
    `a number of classes, 2 to ${MAX_CLASSES}`,
  ) ?? 2;
