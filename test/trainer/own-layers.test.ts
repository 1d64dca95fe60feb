import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { localTrainer } from "../../src/trainer/local.ts";
import { trainedLayers } from "../../src/trainer/own/check.ts";
import { loadOwnModel } from "../../src/trainer/own/load.ts";
import type { OwnModel } from "../../src/trainer/own/own-model.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { seededParams } from "../../src/trainer/zoo.ts";
import { chain, examplesFor, type LayerConfig, layer, modelFile } from "./own-kit.ts";

const image = { batch_input_shape: [null, 7, 6, 3] };
const sequence = { batch_input_shape: [null, 6, 4] };
const row = { batch_input_shape: [null, 6] };
const conv = { filters: 4, kernel_size: [3, 3] };
const flat = layer("Flatten");
const head = layer("Dense", { units: 3 });
const headed = (...layers: readonly LayerConfig[]) => chain(...layers, head);
const onRow = (...layers: readonly LayerConfig[]) => headed(layer("Dense", { ...row, units: 5 }), ...layers);

/** Two ways from one input that meet in a layer with two inputs. */
const joined = (name: string): object => ({
  class_name: "Model",
  config: {
    name: "joined",
    layers: [
      { class_name: "InputLayer", name: "in", config: { name: "in", ...row }, inbound_nodes: [] },
      {
        class_name: "Dense",
        name: "a",
        config: { name: "a", units: 4 },
        inbound_nodes: [[["in", 0, 0, {}]]],
      },
      {
        class_name: "Dense",
        name: "b",
        config: { name: "b", units: 4 },
        inbound_nodes: [[["in", 0, 0, {}]]],
      },
      {
        class_name: name,
        name: "met",
        config: { name: "met" },
        inbound_nodes: [
          [
            ["a", 0, 0, {}],
            ["b", 0, 0, {}],
          ],
        ],
      },
      {
        class_name: "Dense",
        name: "out",
        config: { name: "out", units: 3 },
        inbound_nodes: [[["met", 0, 0, {}]]],
      },
    ],
    input_layers: [["in", 0, 0]],
    output_layers: [["out", 0, 0]],
  },
});

const models: Readonly<Record<(typeof trainedLayers)[number], object>> = {
  InputLayer: headed(layer("InputLayer", row), layer("Dense", { units: 4 })),
  Dense: onRow(layer("Dense", { units: 4, activation: "tanh", use_bias: false })),
  Activation: onRow(
    layer("Activation", { activation: "sigmoid" }),
    layer("Activation", { activation: "gelu" }),
  ),
  Dropout: onRow(layer("Dropout", { rate: 0.3 })),
  Flatten: headed(layer("Flatten", sequence)),
  Reshape: headed(layer("Reshape", { ...row, target_shape: [2, 3] }), layer("Dense", { units: 2 }), flat),
  Permute: headed(layer("Permute", { ...sequence, dims: [2, 1] }), layer("Dense", { units: 2 }), flat),
  RepeatVector: headed(layer("RepeatVector", { ...row, n: 3 }), layer("LSTM", { units: 3 })),
  ReLU: onRow(layer("ReLU")),
  LeakyReLU: onRow(layer("LeakyReLU", { alpha: 0.2 })),
  ELU: onRow(layer("ELU")),
  Softmax: chain(layer("Dense", { ...row, units: 3 }), layer("Softmax")),
  LayerNormalization: onRow(layer("LayerNormalization")),
  Embedding: headed(layer("Embedding", { batch_input_shape: [null, 5], input_dim: 9, output_dim: 4 }), flat),
  Conv1D: headed(layer("Conv1D", { ...sequence, filters: 3, kernel_size: [3], activation: "relu" }), flat),
  Conv2D: headed(layer("Conv2D", { ...image, ...conv, strides: [2, 1], padding: "same" }), flat),
  Conv2DTranspose: headed(layer("Conv2DTranspose", { ...image, ...conv, strides: [2, 2] }), flat),
  SeparableConv2D: headed(layer("SeparableConv2D", { ...image, ...conv, activation: "relu" }), flat),
  DepthwiseConv2D: headed(layer("DepthwiseConv2D", { ...image, kernel_size: [3, 3], padding: "same" }), flat),
  ZeroPadding2D: headed(layer("ZeroPadding2D", { ...image, padding: [1, 2] }), layer("Conv2D", conv), flat),
  Cropping2D: headed(
    layer("Conv2D", { ...image, ...conv }),
    layer("Cropping2D", {
      cropping: [
        [1, 1],
        [0, 1],
      ],
    }),
    flat,
  ),
  MaxPooling1D: headed(
    layer("Dense", { ...sequence, units: 3 }),
    layer("MaxPooling1D", { pool_size: 2 }),
    flat,
  ),
  MaxPooling2D: headed(
    layer("Conv2D", { ...image, ...conv }),
    layer("MaxPooling2D", { pool_size: [2, 2] }),
    flat,
  ),
  AveragePooling1D: headed(
    layer("Dense", { ...sequence, units: 3 }),
    layer("AveragePooling1D", { pool_size: 2 }),
    flat,
  ),
  AveragePooling2D: headed(
    layer("Conv2D", { ...image, ...conv }),
    layer("AveragePooling2D", { pool_size: [2, 2], padding: "same" }),
    flat,
  ),
  GlobalAveragePooling1D: headed(layer("Dense", { ...sequence, units: 3 }), layer("GlobalAveragePooling1D")),
  GlobalAveragePooling2D: headed(layer("Conv2D", { ...image, ...conv }), layer("GlobalAveragePooling2D")),
  GlobalMaxPooling1D: headed(layer("Dense", { ...sequence, units: 3 }), layer("GlobalMaxPooling1D")),
  GlobalMaxPooling2D: headed(layer("Conv2D", { ...image, ...conv }), layer("GlobalMaxPooling2D")),
  Add: joined("Add"),
  Multiply: joined("Multiply"),
  Average: joined("Average"),
  Maximum: joined("Maximum"),
  Minimum: joined("Minimum"),
  Concatenate: joined("Concatenate"),
  SimpleRNN: headed(layer("SimpleRNN", { ...sequence, units: 3 })),
  LSTM: headed(layer("LSTM", { ...sequence, units: 3, return_sequences: true }), layer("LSTM", { units: 3 })),
  GRU: headed(layer("GRU", { ...sequence, units: 3, reset_after: false })),
  Bidirectional: headed(
    layer("Bidirectional", {
      ...sequence,
      merge_mode: "concat",
      layer: layer("GRU", { units: 3, name: "gru" }),
    }),
  ),
  TimeDistributed: headed(
    layer("TimeDistributed", { ...sequence, layer: layer("Dense", { units: 3, name: "inner" }) }),
    flat,
  ),
};

test("every layer that is said to be trained has a model here", () => {
  expect(Object.keys(models)).toEqual([...trainedLayers]);
});

describe("the wasm engine trains each of tfjs' layers as plain tfjs does", () => {
  const { signal } = new AbortController();
  const own = new Map<string, OwnModel>();
  let wasm: Trainer;
  let cpu: Trainer;
  beforeAll(async () => {
    for (const [name, topology] of Object.entries(models))
      own.set(name, (await loadOwnModel({ file: modelFile(topology) }, name)).model);
    wasm = await localTrainer({ engine: "wasm", own: [...own.values()] });
    cpu = await trainerPool(1, { engine: "cpu", warn: () => {}, own: [...own.values()] });
  });
  afterAll(async () => {
    await wasm.close();
    await cpu.close();
  });

  test.each(trainedLayers)("%s", async (name) => {
    const model = own.get(name)!;
    const task = {
      architecture: model.name,
      params: seededParams(model, 5),
      dataset: examplesFor(model, 24),
      epochs: 3,
      batchSize: 8,
      optimizer: { sgd: { learningRate: 0.1, momentum: 0.5 } },
      seed: 2,
    };
    const [ours, plain] = await Promise.all([wasm.train(task, signal), cpu.train(task, signal)]);
    expect([...ours.params.keys()]).toEqual(model.tensors.map((tensor) => tensor.name));
    for (const [tensor, { data }] of ours.params) {
      const [start, other] = [task.params.get(tensor)!.data, plain.params.get(tensor)!.data];
      const moved = Math.max(...data.map((value, i) => Math.abs(value - start[i]!)));
      const apart = Math.max(...data.map((value, i) => Math.abs(value - other[i]!)));
      expect(moved, tensor).toBeGreaterThan(1e-4);
      expect(apart / moved, tensor).toBeLessThan(1e-3);
    }
    expect(await wasm.train(task, signal)).toEqual(ours);
  });
});
