import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/model/error.ts";
import { modelDigest } from "../../src/model/manifest.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { isSeeded, modelsWith } from "../../src/trainer/blueprint.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { loadOwnModel } from "../../src/trainer/own/load.ts";
import { stableNames } from "../../src/trainer/own/names.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { architecture, seededParams } from "../../src/trainer/zoo.ts";
import { chain, examplesFor, layer, modelFile, moduleFile } from "./own-kit.ts";

const row = { batch_input_shape: [null, 4] };
const small = chain(layer("Dense", { ...row, units: 3, activation: "relu" }), layer("Dense", { units: 2 }));
const { signal } = new AbortController();
const load = (topology: object, more: object = {}) =>
  loadOwnModel({ file: modelFile(topology, more) }, "model.file");

describe("a model.json", () => {
  test("says what the model takes, gives and is made of; its name is of its contents, not of its place", async () => {
    const { model, weights } = await load(small);
    expect(model).toMatchObject({ inputShape: [4], numClasses: 2, vocabulary: null });
    expect(model.tensors.map(({ name, shape }) => `${name} ${shape.join("x")}`)).toEqual([
      "layer1/kernel 4x3",
      "layer1/bias 3",
      "layer2/kernel 3x2",
      "layer2/bias 2",
    ]);
    expect(weights).toBeNull();
    expect(model.name).toMatch(/^own\.[0-9a-f]{32}$/);
    expect((await load(small)).model.name).toBe(model.name);
    expect((await load(chain(layer("Dense", { ...row, units: 2 })))).model.name).not.toBe(model.name);
  });

  test("fills tensors by their initializers' variance, by hand", async () => {
    const dense = (config: object) => layer("Dense", { ...row, units: 6, ...config });
    const limit = async (name: string, config: object) => {
      const kernel_initializer = { class_name: name, config };
      const { model } = await load(chain(dense({ kernel_initializer }), layer("Dense", { units: 2 })));
      return model.tensors[0]!.initial;
    };
    const f = Math.fround;
    expect(await limit("GlorotUniform", {})).toEqual({ limit: f(Math.sqrt(6 / 10)) });
    expect(await limit("HeUniform", {})).toEqual({ limit: f(Math.sqrt(6 / 4)) });
    expect(await limit("HeNormal", {})).toEqual({ limit: f(Math.sqrt(6 / 4)) });
    expect(await limit("LeCunUniform", {})).toEqual({ limit: f(Math.sqrt(3 / 4)) });
    expect(await limit("RandomUniform", { minval: -0.2, maxval: 0.2 })).toEqual({ limit: f(0.2) });
    expect(await limit("RandomNormal", { mean: 0, stddev: 0.1 })).toEqual({ limit: f(Math.sqrt(3) * 0.1) });
    expect(await limit("Orthogonal", { gain: 2 })).toEqual({ limit: f((2 * Math.sqrt(3)) / Math.sqrt(6)) });
    expect(await limit("Constant", { value: 0.5 })).toEqual({ constant: 0.5 });
    const conv = layer("Conv2D", { batch_input_shape: [null, 5, 5, 2], filters: 3, kernel_size: [3, 3] });
    const { model } = await load(chain(conv, layer("Flatten"), layer("Dense", { units: 2 })));
    expect(model.tensors[0]!.initial).toEqual({ limit: f(Math.sqrt(6 / (9 * 2 + 9 * 3))) });
  });

  test("with weights begins with them, whose shards lie beside it; without, with the seed", async () => {
    const values = Float32Array.from({ length: 23 }, (_, i) => i / 8);
    const entry = (name: string, shape: readonly number[]) => ({ name, shape, dtype: "float32" });
    const weights = [
      entry("layer1/kernel", [4, 3]),
      entry("layer1/bias", [3]),
      entry("layer2/kernel", [3, 2]),
      entry("layer2/bias", [2]),
    ];
    const manifest = (paths: readonly string[]) => ({ weightsManifest: [{ paths, weights }] });
    const file = modelFile(small, manifest(["a.bin", "b.bin"]));
    const bytes = Buffer.from(values.buffer);
    writeFileSync(join(dirname(file), "a.bin"), bytes.subarray(0, 50));
    writeFileSync(join(dirname(file), "b.bin"), bytes.subarray(50));
    const loaded = await loadOwnModel({ file }, "model.file");
    expect([...loaded.weights!.values()].flatMap(({ data }) => [...data])).toEqual([...values]);
    const models = modelsWith([loaded]);
    const config = { model: { zoo: loaded.model.name, checkpoint: null } };
    expect(isSeeded(config, models)).toBe(false);
    const bare = await load(small);
    expect(bare.model.name).toBe(loaded.model.name); // weights travel: a client needs the topology alone
    expect(isSeeded(config, modelsWith([bare]))).toBe(true);

    const fails = async (document: object, message: RegExp, folder = dirname(file)) => {
      const path = modelFile(small, document, folder);
      await expect(loadOwnModel({ file: path }, "model.file")).rejects.toThrow(message);
    };
    await fails(manifest(["../a.bin"]), /weights in \.\.\/a\.bin.*beside the model\.json/);
    await fails(manifest(["/etc/passwd"]), /beside the model\.json/);
    await fails(manifest(["c.bin"]), /ENOENT/);
    await fails(manifest(["a.bin"]), /what the manifest says/);
    await fails(
      { weightsManifest: [{ paths: ["a.bin"], weights: weights.slice(0, 1) }] },
      /no weights of layer1.bias/,
    );
    await fails({ weightsManifest: [{ paths: 3 }] }, /an odd weightsManifest/);
    writeFileSync(join(dirname(file), "a.bin"), Buffer.alloc(100));
    await fails(manifest(["a.bin", "b.bin"]), /100 bytes, more than the topology's 92/);
    writeFileSync(join(dirname(file), "a.bin"), Buffer.alloc(50, 0xff));
    await fails(manifest(["a.bin", "b.bin"]), /finite numbers/);
  });

  const batchNorm = layer("BatchNormalization", { name: "bn" });
  const first = layer("Dense", { ...row, units: 3 });
  const last = layer("Dense", { units: 2 });
  const regularized = { class_name: "L1L2", config: { l1: 0, l2: 0.1 } };
  test.each<[string, object, RegExp]>([
    [
      "batch norm",
      chain(first, batchNorm, last),
      /layer bn \(BatchNormalization\).*running statistics do not average/,
    ],
    [
      "noise",
      chain(first, layer("GaussianNoise", { stddev: 1 }), last),
      /layer layer2 \(GaussianNoise\).*Dropout/,
    ],
    [
      "an untested layer",
      chain(first, layer("ThresholdedReLU"), last),
      /\(ThresholdedReLU\).*one of InputLayer, Dense/,
    ],
    [
      "frozen weights",
      chain({ ...first, config: { ...first.config, trainable: false } }, last),
      /layer1.*every weight/,
    ],
    [
      "a regularizer",
      chain(first, layer("Dense", { units: 2, kernel_regularizer: regularized })),
      /train\.weightDecay/,
    ],
    [
      "a constraint",
      chain(first, layer("Dense", { units: 2, kernel_constraint: { class_name: "NonNeg", config: {} } })),
      /no constraint/,
    ],
    [
      "dropout in a recurrent layer",
      chain(layer("LSTM", { batch_input_shape: [null, 3, 2], units: 3, dropout: 0.5 }), last),
      /layer1 \(LSTM\).*no dropout within/,
    ],
    [
      "a mask",
      chain(
        layer("Embedding", { batch_input_shape: [null, 3], input_dim: 4, output_dim: 2, mask_zero: true }),
        layer("Flatten"),
        last,
      ),
      /maskZero/,
    ],
    [
      "tokens that another layer makes",
      chain(
        layer("Dense", { batch_input_shape: [null, 3], units: 3 }),
        layer("Embedding", { input_dim: 4, output_dim: 2 }),
        layer("Flatten"),
        last,
      ),
      /layer2 \(Embedding\) behind another.*first of all/,
    ],
    [
      "more than fits",
      chain(first, layer("RepeatVector", { n: 2 ** 23 }), layer("GlobalAveragePooling1D"), last),
      /layer2 \(RepeatVector\) of 25165824 numbers an example.*at most 16777216/,
    ],
    [
      "one output",
      chain(first, layer("Dense", { units: 1, activation: "sigmoid" })),
      /one output of two or more classes/,
    ],
    [
      "a sigmoid",
      chain(first, layer("Dense", { units: 2, activation: "sigmoid" })),
      /layer2 ends in a sigmoid.*logits/,
    ],
    [
      "an open shape",
      chain(
        layer("Dense", { batch_input_shape: [null, null, 4], units: 3 }),
        layer("GlobalAveragePooling1D"),
        last,
      ),
      /one input of a fixed shape/,
    ],
    ["an unknown layer", chain(first, layer("Lambda"), last), /Unknown layer: Lambda/],
    [
      "nothing to train",
      chain(layer("Activation", { ...row, activation: "relu" })),
      /a model without weights/,
    ],
    ["no layers", {}, /tfjs-layers 4\.22 can build/],
  ])("with %s is refused, and says which layer", async (_, topology, message) => {
    const error = await load(topology).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems[0]!.path).toBe("model.file");
    expect((error as Error).message).toMatch(message);
  });

  test("that is none is refused", async () => {
    const fails = (file: string, message: RegExp) =>
      expect(loadOwnModel({ file }, "model.file")).rejects.toThrow(message);
    await fails("nowhere/model.json", /ENOENT.*a readable file/);
    await fails(moduleFile("{"), /layers model\.json/);
    await fails(modelFile({}, { format: "graph-model" }), /a graph model, which cannot be trained/);
    await fails(moduleFile("null"), /no modelTopology/);
  });
});

const factory = (body: string) => moduleFile(`export default ({ tf, tfl }) => { ${body} }`);

describe("a module", () => {
  test("makes a model, whose tensors have the same names whatever was built before", async () => {
    const module = factory(`
      const inner = tfl.sequential({ name: "inner", layers: [tfl.layers.dense({ units: 3, inputShape: [4] })] });
      return tfl.sequential({ layers: [inner, tfl.layers.reLU(), tfl.layers.dense({ units: 2 })] });`);
    const names = async () =>
      (await loadOwnModel({ module }, "model.module")).model.tensors.map(({ name }) => name);
    const first = await names();
    expect(first).toEqual(await names());
    expect(first).toEqual(["dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"]);
    expect(
      stableNames(["conv2d_Conv2D12/kernel", "mine/kernel", "conv2d_Conv2D15/kernel", "a_B1/c"]),
    ).toEqual(["conv2d_1/kernel", "mine/kernel", "conv2d_2/kernel", "a_B1/c"]);
  });

  test.each<[string, string, RegExp]>([
    ["a syntax error", "export default (", /can be imported/],
    ["no factory", "export const a = 1;", /a module whose default export is a function/],
    [
      "a factory that throws",
      "export default () => { throw new Error('not today') }",
      /not today.*tfjs-layers/,
    ],
    ["another result", "export default () => ({ layers: 3 })", /no tfjs layers model/],
    [
      "another model at each call",
      "let n = 3; export default ({ tfl }) => tfl.sequential({ layers: [tfl.layers.dense({ units: n++, inputShape: [2] })] })",
      /the same tensors whenever/,
    ],
    [
      "batch norm",
      "export default ({ tfl }) => tfl.sequential({ layers: [tfl.layers.batchNormalization({ inputShape: [2], name: 'bn' })] })",
      /layer bn \(BatchNormalization\)/,
    ],
  ])("with %s is refused", async (_, source, message) => {
    const error = await loadOwnModel({ module: moduleFile(source) }, "model.module").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(message);
  });
});

describe("training", () => {
  /** A layer of the user's own class, which no topology could name. */
  const module = factory(`
    class Scale extends tfl.layers.Layer {
      static className = "Scale";
      build(shape) { this.gain = this.addWeight("gain", [shape.at(-1)], "float32", tfl.initializers.ones()); super.build(shape); }
      call(inputs) { return tf.mul(Array.isArray(inputs) ? inputs[0] : inputs, this.gain.read()); }
      computeOutputShape(shape) { return shape; }
    }
    return tfl.sequential({ layers: [
      tfl.layers.dense({ units: 16, inputShape: [4], activation: "relu", name: "first" }),
      new Scale({ name: "scale" }),
      tfl.layers.dropout({ rate: 0.2 }),
      tfl.layers.dense({ units: 2, activation: "softmax", name: "last" }),
    ] });`);
  let local: Trainer;
  let pool: Trainer;
  let own: Awaited<ReturnType<typeof loadOwnModel>>;
  beforeAll(async () => {
    own = await loadOwnModel({ module }, "model.module");
    local = await localTrainer({ engine: "wasm", own: [own.model] });
    pool = await trainerPool(2, { own: [own.model] });
  });
  afterAll(async () => {
    await local.close();
    await pool.close();
  });

  const taskOf = () => {
    const data = examplesFor(own.model, 200);
    const labels = data.labels.map((_, i) => (data.inputs[4 * i]! * data.inputs[4 * i + 1]! > 0 ? 1 : 0));
    return {
      architecture: own.model.name,
      params: seededParams(own.model, 1),
      dataset: { ...data, labels },
      epochs: 40,
      batchSize: 16,
      optimizer: { adam: { learningRate: 0.02 } },
      seed: 4,
    };
  };

  test("learns, and gives the same bits in this thread and on a pool, dropout and all", async () => {
    const task = taskOf();
    const [here, there] = await Promise.all([local.train(task, signal), pool.train(task, signal)]);
    expect(modelDigest(there.params)).toBe(modelDigest(here.params));
    const before = await pool.evaluate(task, signal);
    const after = await pool.evaluate({ ...task, params: here.params }, signal);
    expect(after.accuracy).toBeGreaterThan(0.9);
    expect(before.accuracy).toBeLessThan(0.8);
    expect(modelDigest((await local.train({ ...task, seed: 5 }, signal)).params)).not.toBe(
      modelDigest(here.params),
    );
  });

  test("its outputs are logits: the softmax at the end is left out", async () => {
    const task = taskOf();
    const zero = mapParams(task.params, ({ data }, name) =>
      name === "last/bias" ? Float32Array.of(3, -1) : new Float32Array(data.length),
    );
    const logits = await local.predict({ ...task, params: zero }, signal);
    expect([...logits.slice(0, 2)]).toEqual([3, -1]);
  });

  test("who has another file hears that it takes the very same one", async () => {
    const task = taskOf();
    const stranger = await localTrainer({ engine: "wasm" });
    await expect(stranger.train(task, signal)).rejects.toThrow(/own\.[0-9a-f]{32}.*started with --model/);
    expect(() => architecture(`${own.model.name}-w0.5`)).toThrow(/started with --model/);
    expect(readFileSync(module, "utf8")).toContain("Scale");
  });
});
