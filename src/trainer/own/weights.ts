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
  const found = new Map<string, Float32Array>();
  const expectedBytes = 4 * tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  for (const group of groups) {
    const { paths, weights } = group ?? {};
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string") || !Array.isArray(weights))
      throw bad("an odd weightsManifest", "groups of paths and weights");
    const shards = paths.map((path) => readShard(folder, path, expectedBytes, bad));
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
      found.set(name, Float32Array.from(tensor.dataSync() as ArrayLike<number>));
      tensor.dispose();
    }
  }
  return new Map(
    tensors.map(({ name, shape }, i): [string, Tensor] => {
      const data = found.get(originalNames[i]!);
      if (data === undefined) throw bad(`no weights of ${originalNames[i]}`, "all of them, or none");
      if (data.length !== sizeOf(shape))
        throw bad(`${data.length} weights of ${originalNames[i]}`, `${sizeOf(shape)}, as the topology has`);
      if (!data.every(Number.isFinite)) throw bad(`weights of ${originalNames[i]}`, "finite numbers");
      return [name, { shape, data }];
    }),
  );
}

/** Its path stays within the model's folder: a model that somebody was sent must not have other files read. */
function readShard(
  folder: string,
  path: string,
  mostBytes: number,
  bad: (value: string, expected: string) => ConfigError,
): Buffer {
  const relative = normalize(path);
  if (isAbsolute(relative) || relative.split(/[\\/]/).includes(".."))
    throw bad(`weights in ${path}`, "files beside the model.json");
  try {
    const { size } = statSync(join(folder, relative));
    if (size > mostBytes) throw new Error(`${size} bytes, more than the topology's ${mostBytes}`);
    return readFileSync(join(folder, relative));
  } catch (error) {
    throw bad((error as Error).message, "the weights that the model.json names, beside it");
  }
}
