import { countOf, type Dataset, subset } from "../model/dataset.ts";
import { ConfigError } from "../model/error.ts";
import { type Keys, keysOf } from "./keys.ts";
import { kinds } from "./kinds.ts";
import { type Partition, partition } from "./partition.ts";
import { type Problems, parseReference, problemsAt, type Reference } from "./reference.ts";
import { type Holdout, splitHoldout } from "./split.ts";

/** The `data` section of a config. */
export interface DataConfig {
  /** `mnist`, or one of kinds.ts, such as `csv:FILE?label=COLUMN`. */
  readonly source: string;
  /** Another source to measure accuracy on, where a set comes with its own; `holdout.test` is 0 then. */
  readonly test?: string | null;
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
  const { whole, split } = loadSplit(data, seed);
  const train = subset(whole, split.train);
  const shares = partition(train, numClients, data.partition, seed);
  return { clients: shares.map((rows) => subset(train, rows)), ...heldOut(data, whole, split) };
}

/** What a coordinator keeps of a data set whose clients are elsewhere. */
export async function loadHoldout(data: DataConfig, seed: number): Promise<HeldOut> {
  const { whole, split } = loadSplit(data, seed);
  return heldOut(data, whole, split);
}

function loadSplit({ source, holdout }: DataConfig, seed: number) {
  const whole = loadSource(source, "data.source");
  return { whole, split: splitHoldout(whole.labels, whole.numClasses, holdout, seed) };
}

function heldOut(
  data: DataConfig,
  whole: Dataset,
  { test, transfer }: { test: Uint32Array; transfer: Uint32Array },
): HeldOut {
  const held = test.length === 0 ? null : subset(whole, test);
  const { test: ofItsOwn } = data;
  if (ofItsOwn) checkScale(data);
  return {
    test: !ofItsOwn ? held : alike(loadSource(ofItsOwn, "data.test"), whole, ofItsOwn),
    transfer: transfer.length === 0 ? null : subset(whole, transfer),
  };
}

/** The set to measure on, with the classes that the other has: by their names where they have some. */
function alike(test: Dataset, whole: Dataset, source: string): Dataset {
  const { inputShape, numClasses, classNames } = whole;
  const refuse = (value: string, expected: string): never => {
    throw new ConfigError([{ path: "data.test", value: `${source}: ${value}`, expected }]);
  };
  const shape = inputShape.join("x");
  const areNamed = classNames !== undefined;
  const hasNames = test.classNames !== undefined;
  const fits = test.inputShape.join("x") === shape && (areNamed || test.numClasses <= numClasses);
  if (!fits)
    refuse(
      `${test.inputShape.join("x")}, ${test.numClasses} classes`,
      `examples as in data.source: ${shape}, ${numClasses} classes`,
    );
  if (areNamed !== hasNames)
    refuse(
      `classes with ${hasNames ? "" : "no "}names`,
      `classes as in data.source, with ${areNamed ? "" : "no "}names`,
    );
  if (!areNamed) return { ...test, numClasses };
  const numbers = test.classNames!.map((name) => {
    const number = classNames.indexOf(name);
    return number >= 0
      ? number
      : refuse(`class ${name}`, `classes as in data.source: ${classNames.join(", ")}`);
  });
  const labels = new Int32Array(new SharedArrayBuffer(4 * countOf(test)));
  labels.set(test.labels.map((label) => numbers[label]!));
  return { ...test, numClasses, classNames, labels };
}

/** Of a table that is scaled by itself: another table would have another scale. */
function checkScale({ source, test }: DataConfig): void {
  for (const [path, text] of [
    ["data.source", source],
    ["data.test", test!],
  ] as const) {
    const problems = problemsAt(path);
    const { kind, keys } = parseReference(text, problems);
    const isByItself =
      kind === "csv" && !keys.has("schema") && !keys.has("text") && keys.get("scale") !== "none";
    if (isByItself)
      problems.add("scale", undefined, "schema=FILE or scale=none, so that both tables are scaled alike");
    problems.finish();
  }
}

function loadSource(text: string, path: string): Dataset {
  const problems = problemsAt(path);
  const reference = parseReference(text, problems);
  const keys = keysOf(reference, problems);
  const open = sourceOf(reference, keys, problems);
  if (kinds[reference.kind]?.location === null && reference.location !== "")
    problems.add(reference.kind, reference.location, "nothing: shares are for clients");
  if (Object.hasOwn(kinds, reference.kind)) keys.finish();
  problems.finish();
  return open();
}

/** What reads the whole set that a reference names; nothing is read before it is called. */
export function sourceOf({ kind, location }: Reference, keys: Keys, problems: Problems): () => Dataset {
  const found = Object.hasOwn(kinds, kind) ? kinds[kind]! : null;
  if (found === null) {
    const places = Object.values(kinds).flatMap((one) => one.location?.replace(/^a \w+[^:]*: /, "") ?? []);
    problems.add("", kind, ["mnist", ...places].join(" or "));
    return () => ({ inputShape: [], numClasses: 0, inputs: new Float32Array(), labels: new Int32Array() });
  }
  if (found.location !== null && location === "") problems.add(kind, location, found.location);
  return found.open(location, keys);
}
