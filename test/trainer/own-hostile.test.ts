import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/model/error.ts";
import { modelDigest } from "../../src/model/manifest.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { loadOwnModel } from "../../src/trainer/own/load.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { seededParams } from "../../src/trainer/zoo.ts";
import { chain, examplesFor, type LayerConfig, layer, modelFile, moduleFile } from "./own-kit.ts";

const row = { batch_input_shape: [null, 4] };
const dense = layer("Dense", { ...row, units: 2 });
const { signal } = new AbortController();
const load = (file: string) => loadOwnModel({ file }, "model.file");

/** The error of a model that is refused, which names the setting. */
async function refused(loading: Promise<unknown>): Promise<string> {
  const error = await loading.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).problems[0]!.path).toMatch(/^model\.(file|module)$/);
  return (error as ConfigError).message;
}

/** A chain as a layer of another. */
const within = (name: string, ...layers: readonly LayerConfig[]): LayerConfig => {
  const inner = chain(...layers) as LayerConfig;
  const named = (inner.config.layers as LayerConfig[]).map((one) =>
    layer(one.class_name, { ...one.config, name: `${name}-${one.config.name}` }),
  );
  return layer(inner.class_name, { name, layers: named });
};

describe("a model.json that somebody was sent", () => {
  test("nested without end is refused", async () => {
    const file = modelFile({});
    writeFileSync(file, `{"modelTopology":${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}}`);
    expect(await refused(load(file))).toMatch(/call stack.*layers model\.json/);
  });

  test("has no more coordinates than a frame may, before there is memory for them", async () => {
    const wide = chain(layer("Dense", { ...row, units: 150_000_000 }), layer("Dense", { units: 2 }));
    expect(await refused(load(modelFile(wide)))).toMatch(/600000000 coordinates.*at most 16777216/);
  });

  test("begins with finite numbers", async () => {
    const bias_initializer = layer("Constant", { value: 1e300 });
    const odd = chain(layer("Dense", { ...row, units: 2, bias_initializer }));
    expect(await refused(load(modelFile(odd)))).toMatch(/initializer of layer1\/bias.*finite in float32/);
  });

  const kernel = { name: "layer1/kernel", shape: [4, 2], dtype: "float32" };
  const bias = { name: "layer1/bias", shape: [2], dtype: "float32" };
  test.each<[string, readonly string[], readonly object[], RegExp]>([
    [
      "one shard over and over",
      Array(3000).fill("a"),
      [kernel, bias],
      /80 bytes, more than the topology's 40/,
    ],
    ["shards without number", Array(5000).fill("empty"), [kernel, bias], /5000 shards.*at most 4096/],
    [
      "texts",
      ["a"],
      [{ name: "text", shape: [10_000_000], dtype: "string" }, kernel, bias],
      /weights of dtype string.*numbers/,
    ],
    ["another shape", ["a"], [{ ...kernel, shape: [2, 4] }, bias], /layer1\/kernel.*2x4.*4x2/],
    ["nothing", ["a"], [null as unknown as object], /an odd weightsManifest/],
  ])("with weights that are %s is refused at once", async (_, paths, weights, message) => {
    const file = modelFile(chain(dense), { weightsManifest: [{ paths, weights }] });
    writeFileSync(join(dirname(file), "a"), Buffer.alloc(40));
    writeFileSync(join(dirname(file), "empty"), Buffer.alloc(0));
    expect(await refused(load(file))).toMatch(message);
  });
});

describe("a module", () => {
  const module = (source: string) => loadOwnModel({ module: moduleFile(source) }, "model.module");
  test.each<[string, string, RegExp]>([
    ["throws no Error", `throw "not today"`, /not today.*can be imported/],
    [
      "has layers that are none",
      `export default ({ tfl }) => {
        class Odd extends tfl.layers.Layer {
          static className = "Odd";
          constructor() { super({ inputShape: [3] }); this.layers = 3; }
        }
        return tfl.sequential({ layers: [new Odd(), tfl.layers.gaussianNoise({ stddev: 1 }), tfl.layers.dense({ units: 2 })] });
      }`,
      /GaussianNoise/,
    ],
    [
      "makes its layers late",
      `export default async ({ tfl }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3], kernelRegularizer: "l1l2" })] });
      }`,
      /train\.weightDecay/,
    ],
  ])("that %s is refused as others are", async (_, source, message) => {
    expect(await refused(module(source))).toMatch(message);
  });
});

describe("models within models", () => {
  test("take tokens where the first layer in them does", async () => {
    const embedding = layer("Embedding", { batch_input_shape: [null, 3], input_dim: 5, output_dim: 2 });
    const { model } = await load(
      modelFile(chain(within("inner", embedding, layer("Flatten")), layer("Dense", { units: 2 }))),
    );
    expect(model.vocabulary).toBe(5);
    const flat = { batch_input_shape: [null, 3], target_shape: [3] };
    const late = layer("Embedding", { input_dim: 5, output_dim: 2 });
    const reshaped = chain(layer("Reshape", flat), late, layer("Flatten"), layer("Dense", { units: 2 }));
    expect((await load(modelFile(reshaped))).model.vocabulary).toBe(5);
  });

  const soft = layer("Dense", { ...row, units: 2, activation: "softmax" });
  const pixels = layer("Reshape", { ...row, target_shape: [1, 4] });
  const softPixels = layer("Dense", { units: 2, activation: "softmax" });
  test.each<[string, object]>([
    ["in a model within the model", chain(layer("Dense", { ...row, units: 4 }), within("inner", soft))],
    ["before a Flatten", chain(pixels, softPixels, layer("Flatten"))],
  ])("lose their softmax %s", async (_, topology) => {
    const { model } = await load(modelFile(topology));
    const trainer = await localTrainer({ engine: "wasm", own: [model] });
    const params = mapParams(seededParams(model, 1), ({ data }, name) =>
      name.endsWith("bias") && data.length === 2 ? Float32Array.of(3, -1) : new Float32Array(data.length),
    );
    const task = { architecture: model.name, params, dataset: examplesFor(model, 1) };
    expect([...(await trainer.predict(task, signal))]).toEqual([3, -1]);
    await trainer.close();
  });

  test("a sigmoid at the end of one is refused", async () => {
    const sigmoid = layer("Dense", { ...row, units: 2, activation: "sigmoid" });
    expect(
      await refused(load(modelFile(chain(layer("Dense", { ...row, units: 4 }), within("inner", sigmoid))))),
    ).toMatch(/ends in a sigmoid/);
  });
});

describe("dropout in a TimeDistributed", () => {
  let trainer: Trainer;
  let own: Awaited<ReturnType<typeof loadOwnModel>>;
  beforeAll(async () => {
    const dropped = layer("Dropout", { name: "dropped", rate: 0.5 });
    const times = layer("TimeDistributed", { batch_input_shape: [null, 3, 4], layer: dropped });
    own = await load(modelFile(chain(times, layer("Flatten"), layer("Dense", { units: 2 }))));
    trainer = await localTrainer({ engine: "wasm", own: [own.model] });
  });
  afterAll(() => trainer.close());

  test("is drawn from the task's seed", async () => {
    const task = {
      architecture: own.model.name,
      params: seededParams(own.model, 1),
      dataset: examplesFor(own.model, 64),
      ...{ epochs: 2, batchSize: 16, optimizer: { sgd: { learningRate: 0.1, momentum: 0 } } },
    };
    const trained = async (seed: number) =>
      modelDigest((await trainer.train({ ...task, seed }, signal)).params);
    const first = await trained(1);
    expect(await trained(1)).toBe(first);
    expect(await trained(2)).not.toBe(first);
  });
});
