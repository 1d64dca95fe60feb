import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "../../model/error.ts";
import { type Params, sizeOf, type Tensor } from "../../model/tensor.ts";
import type { LayerTensor } from "../layers.ts";

/** Of a model.json: files of one folder that, one after the other, have these tensors. */
export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly tf.io.WeightsManifestEntry[];
}

/** Texts, which weights never are, have their lengths in the bytes. */
const DTYPES: readonly string[] = ["float32", "int32", "bool"];
const MAX_SHARDS = 4096;

/** The tensors by the manifest's names; quantized ones as the numbers they stand for. Throws ConfigError. */
export function readWeights(
  groups: readonly WeightGroup[],
  folder: string,
  originalNames: readonly string[],
  tensors: readonly LayerTensor[],
  place: string,
): Params {
  const bad = (value: string, expected: string): ConfigError =>
    new ConfigError([{ path: place, value, expected }]);
  const found = new Map<string, { readonly shape: string; readonly data: Float32Array }>();
  const numShards = groups.reduce((sum, group) => sum + (group?.paths?.length ?? 0), 0);
  if (numShards > MAX_SHARDS) throw bad(`${numShards} shards`, `at most ${MAX_SHARDS}`);
  let numBytes = 0;
  const expectedBytes = 4 * tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  for (const group of groups) {
    const { paths, weights } = group ?? {};
    const isOdd = !Array.isArray(paths) || !paths.every((path) => typeof path === "string");
    if (isOdd || !Array.isArray(weights) || weights.some((entry) => !entry))
      throw bad("an odd weightsManifest", "groups of paths and weights");
    const odd = weights.find(({ dtype }) => !DTYPES.includes(dtype));
    if (odd !== undefined) throw bad(`weights of dtype ${odd.dtype}`, `numbers, ${DTYPES.join(", ")}`);
    const shards = paths.map((path) => {
      const shard = readShard(folder, path, { before: numBytes, most: expectedBytes }, bad);
      numBytes += shard.length;
      return shard;
    });
    const bytes = Buffer.concat(shards);
    let decoded: tf.NamedTensorMap;
    try {
      const { buffer, byteOffset, byteLength } = bytes;
      decoded = tf.io.decodeWeights(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer, [
        ...weights,
      ]);
    } catch (error) {
      throw bad(
        `weights in ${paths.join(", ")}: ${(error as Error).message}`,
        "what the manifest says of them",
      );
    }
    for (const [name, tensor] of Object.entries(decoded)) {
      const data = Float32Array.from(tensor.dataSync() as ArrayLike<number>);
      found.set(name, { shape: tensor.shape.join("x"), data });
      tensor.dispose();
    }
  }
  return new Map(
    tensors.map(({ name, shape }, i): [string, Tensor] => {
      const weight = found.get(originalNames[i]!);
      if (weight === undefined) throw bad(`no weights of ${originalNames[i]}`, "all of them, or none");
      const { data } = weight;
      if (weight.shape !== shape.join("x"))
        throw bad(
          `weights of ${originalNames[i]}, ${weight.shape}`,
          `${shape.join("x")}, as the topology has`,
        );
      if (!data.every(Number.isFinite)) throw bad(`weights of ${originalNames[i]}`, "finite numbers");
      return [name, { shape, data }];
    }),
  );
}

/** Its path stays within the model's folder: a model that somebody was sent must not have other files read. */
function readShard(
  folder: string,
  path: string,
  { before, most }: { readonly before: number; readonly most: number },
  bad: (value: string, expected: string) => ConfigError,
): Buffer {
  const relative = normalize(path);
  if (isAbsolute(relative) || relative.split(/[\\/]/).includes(".."))
    throw bad(`weights in ${path}`, "files beside the model.json");
  try {
    const { size } = statSync(join(folder, relative));
    if (before + size > most) throw new Error(`${before + size} bytes, more than the topology's ${most}`);
    return readFileSync(join(folder, relative));
  } catch (error) {
    throw bad((error as Error).message, "the weights that the model.json names, beside it");
  }
}
