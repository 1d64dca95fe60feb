import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "../../model/error.ts";
import { digestOf } from "../../model/manifest.ts";
import type { Params } from "../../model/tensor.ts";
import type { LayerTensor } from "../layers.ts";
import { type BuiltModel, builderOf } from "./build.ts";
import { ownProblems } from "./check.ts";
import { initialOf } from "./initial.ts";
import { className, isPassing, leavesOf } from "./leaves.ts";
import { stableNames } from "./names.ts";
import { type OwnModel, type OwnSource, ownName } from "./own-model.ts";
import { readWeights, type WeightGroup } from "./weights.ts";

/** A tfjs layers model.json, with weights or without, or a module whose default export makes a tfjs layers model. */
export type OwnReference = { readonly file: string } | { readonly module: string };

/** A topology is a few kilobytes; more than this is some other file. */
const MAX_FILE_BYTES = 16 * 2 ** 20;

/**
 * Reads a model of the user's own, builds it once to see that it can be trained here, and its weights if it has some. A
 * module's code is run. `place` is what errors call it. Throws ConfigError.
 */
export async function loadOwnModel(
  reference: OwnReference,
  place: string,
): Promise<{ readonly model: OwnModel; readonly weights: Params | null }> {
  if (tf.engine().registryFactory.cpu === undefined) await import("@tensorflow/tfjs-backend-cpu");
  tf.enableProdMode(); // no advice on the console
  const path = resolve("file" in reference ? reference.file : reference.module);
  const text = readText(path, place);
  const file = "file" in reference ? parsed(text, path, place) : null;
  const content = file === null ? text : file.topology;
  const source: OwnSource =
    file === null ? { kind: "module", url: pathToFileURL(path).href } : { kind: "topology", json: content };
  const name = ownName(digestOf(new TextEncoder().encode(content)));
  const build = await builderOf(source, place);
  const built = await build({ rng: null });
  const again = file === null ? await build({ rng: null }) : null;
  try {
    const problems = ownProblems(built, place);
    if (problems.length > 0) throw new ConfigError(problems);
    const tensors = tensorsOf(built, place);
    if (again !== null) checkSame(tensors, tensorsOf(again, place), place);
    const originals = built.model.trainableWeights.map(({ originalName }) => originalName);
    const weights = file?.groups ? readWeights(file.groups, dirname(path), originals, tensors, place) : null;
    const [input] = built.model.inputs;
    return {
      model: {
        name,
        inputShape: input!.shape.slice(1) as number[],
        numClasses: built.model.outputs[0]!.shape[1]!,
        vocabulary: vocabularyOf(built),
        tensors,
        source,
      },
      weights,
    };
  } finally {
    built.model.dispose();
    again?.model.dispose();
  }
}

function readText(path: string, place: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`${size} bytes, more than ${MAX_FILE_BYTES}`);
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([{ path: place, value: (error as Error).message, expected: "a readable file" }]);
  }
}

/** The topology in JSON, as tfjs writes it and as converted Keras models have it, and where the weights are. */
function parsed(
  text: string,
  path: string,
  place: string,
): { readonly topology: string; readonly groups: readonly WeightGroup[] | null } {
  const bad = (value: string): ConfigError =>
    new ConfigError([
      {
        path: place,
        value: `${path}: ${value}`,
        expected: "a layers model.json, as tfjs' model.save writes it",
      },
    ]);
  let document: { format?: unknown; modelTopology?: unknown; weightsManifest?: unknown };
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw bad((error as Error).message);
  }
  if (document?.format === "graph-model") throw bad("a graph model, which cannot be trained");
  const { modelTopology: topology, weightsManifest: groups } = document ?? {};
  if (typeof topology !== "object" || topology === null) throw bad("no modelTopology");
  if (groups !== undefined && !Array.isArray(groups)) throw bad("a weightsManifest that is no list");
  const among = groups?.length ? (groups as WeightGroup[]) : null;
  try {
    return { topology: JSON.stringify(topology), groups: among };
  } catch (error) {
    throw bad((error as Error).message); // nested too deeply
  }
}

function tensorsOf({ model, initializers }: BuiltModel, place: string): readonly LayerTensor[] {
  const names = stableNames(model.trainableWeights.map(({ originalName }) => originalName));
  const problem = (value: string, expected: string): never => {
    throw new ConfigError([{ path: place, value, expected }]);
  };
  if (names.length === 0) problem("a model without weights", "something to train");
  return model.trainableWeights.map((weight, i) => {
    const name = names[i]!;
    if (names.indexOf(name) !== i)
      problem(name, "tensors of different names: give each layer a name of its own");
    if (!/^[!-~]{1,255}$/.test(name)) problem(name, "layers' names of printable ASCII, without spaces");
    const shape = weight.shape as number[];
    const initial = initialOf(initializers.get(weight), shape);
    if (!Number.isFinite("constant" in initial ? initial.constant : initial.limit))
      problem(`an initializer of ${name}`, "numbers that are finite in float32");
    return { name, shape, initial };
  });
}

/** A factory that makes something else at each call would make another model in every thread. */
function checkSame(first: readonly LayerTensor[], second: readonly LayerTensor[], place: string): void {
  const line = ({ name, shape }: LayerTensor) => `${name} ${shape.join("x")}`;
  const odd = first.findIndex((tensor, i) => second[i] === undefined || line(tensor) !== line(second[i]!));
  if (odd >= 0 || second.length !== first.length)
    throw new ConfigError([
      {
        path: place,
        value: `tensor ${odd < 0 ? second.length : line(first[odd]!)}`,
        expected: "the same tensors whenever the factory is called: give models within the model a name",
      },
    ]);
}

function vocabularyOf({ model }: BuiltModel): number | null {
  const first = leavesOf(model).find((layer) => !isPassing(layer));
  return first !== undefined && className(first) === "Embedding"
    ? (first as unknown as { readonly inputDim: number }).inputDim
    : null;
}
