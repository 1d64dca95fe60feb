import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/model/error.ts";
import { manifestOf, modelDigest, numParams } from "../../src/model/manifest.ts";
import { blueprintOf } from "../../src/trainer/blueprint.ts";
import { buildModel } from "../../src/trainer/build.ts";
import { openEngine } from "../../src/trainer/engine.ts";
import { layerTensors } from "../../src/trainer/layers.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { architecture, architectureNames, initialParams } from "../../src/trainer/zoo.ts";

test("the zoo's manifests", () => {
  const lines = (name: string) =>
    manifestOf(initialParams(name, 1)).tensors.map((tensor) => `${tensor.name} ${tensor.shape.join("x")}`);
  expect(lines("small-cnn")).toEqual([
    "conv1/kernel 5x5x1x8",
    "conv1/bias 8",
    "conv2/kernel 5x5x8x16",
    "conv2/bias 16",
    "dense1/kernel 256x64",
    "dense1/bias 64",
    "dense2/kernel 64x10",
    "dense2/bias 10",
  ]);
  expect(lines("tiny-cnn")).toEqual([
    "conv1/kernel 5x5x1x8",
    "conv1/bias 8",
    "conv2/kernel 5x5x8x16",
    "conv2/bias 16",
    "dense1/kernel 256x10",
    "dense1/bias 10",
  ]);
  expect(lines("lstm")).toEqual([
    "lstm1/kernel 16x256",
    "lstm1/recurrent 64x256",
    "lstm1/bias 256",
    "lstm2/kernel 64x256",
    "lstm2/recurrent 64x256",
    "lstm2/bias 256",
    "dense1/kernel 64x10",
    "dense1/bias 10",
  ]);
  expect(lines("transformer").slice(0, 8)).toEqual([
    "tokens/table 1000x64",
    "positions/table 64x64",
    "block1/norm1/gain 64",
    "block1/norm1/bias 64",
    "block1/attention/kernel 64x192",
    "block1/attention/bias 192",
    "block1/projection/kernel 64x64",
    "block1/projection/bias 64",
  ]);
});

test("the zoo's parameter counts, as its docstring has them", () => {
  const counts = architectureNames.map((name) => [name, numParams(manifestOf(initialParams(name, 1)))]);
  expect(Object.fromEntries(counts)).toEqual({
    "softmax-regression": 7_850,
    mlp: 199_210,
    cnn: 54_410,
    "lenet-5": 61_706,
    "fedavg-cnn": 1_663_370,
    "small-cnn": 20_522,
    "tiny-cnn": 5_994,
    "separable-cnn": 3_946,
    "lenet-300-100": 266_610,
    "group-norm-cnn": 24_042,
    "group-norm-cnn-large": 65_978,
    "resnet-8": 77_898,
    lstm: 54_410,
    gru: 40_970,
    "keyword-gru": 45_802,
    "char-lstm": 215_154,
    ncf: 87_666,
    "tabular-mlp": 5_762,
    transformer: 135_690,
  });
});

test("docs/models.md lists the zoo as it is, and no model has a batch norm", async () => {
  await openEngine();
  const document = readFileSync(new URL("../../docs/models.md", import.meta.url), "utf8");
  const rows = [...document.matchAll(/^\| `(.+)` \| ([\d,]+) \| (.+) \| (\d+) \|$/gm)].map((match) =>
    match.slice(1),
  );
  expect(rows).toEqual(
    architectureNames.map((name) => {
      const { inputShape, numClasses, vocabulary } = blueprintOf(architecture(name));
      const shape = inputShape.join("x");
      const count = numParams(manifestOf(initialParams(name, 1)));
      const takes = vocabulary === null ? shape : `${shape} tokens of ${vocabulary.toLocaleString("en")}`;
      return [name, count.toLocaleString("en"), takes, String(numClasses)];
    }),
  );
  for (const name of architectureNames) {
    const classes = buildModel(architecture(name)).layers.map((layer) => layer.getClassName());
    expect(classes, name).not.toContain("BatchNormalization");
  }
});

test("initial limits by hand: He before relu, Glorot elsewhere", () => {
  const limits = Object.fromEntries(
    ["lenet-5", "lstm"].flatMap((name) =>
      layerTensors(architecture(name)).flatMap((tensor) =>
        "limit" in tensor.initial ? [[`${name} ${tensor.name}`, tensor.initial.limit]] : [],
      ),
    ),
  );
  expect(limits["lenet-5 conv2/kernel"]).toBe(Math.fround(Math.sqrt(6 / 150)));
  expect(limits["lenet-5 dense3/kernel"]).toBe(Math.fround(Math.sqrt(6 / 94)));
  expect(limits["lstm lstm1/kernel"]).toBe(Math.fround(Math.sqrt(6 / (16 + 256))));
  expect(limits["lstm lstm1/recurrent"]).toBe(Math.fround(Math.sqrt(6 / (64 + 256))));
});

test("an unknown architecture is a ConfigError that lists the known ones", () => {
  for (const name of ["huge-cnn", "toString", ""]) {
    expect(() => architecture(name)).toThrow(ConfigError);
    expect(() => architecture(name)).toThrow(
      `model.zoo: ${JSON.stringify(name)}, expected one of softmax-regression, mlp, cnn, lenet-5, fedavg-cnn, small-cnn, tiny-cnn, separable-cnn, lenet-300-100, group-norm-cnn, group-norm-cnn-large, resnet-8, lstm, gru, keyword-gru, char-lstm, ncf, tabular-mlp, transformer`,
    );
  }
});

describe.each(architectureNames)("%s", (name) => {
  test("builds into the tfjs model that its description promises", async () => {
    await openEngine();
    const model = buildModel(architecture(name));
    const tensors = layerTensors(architecture(name));
    expect(model.outputs.map(({ shape }) => shape)).toEqual([[null, architecture(name).numClasses]]);
    expect(model.trainableWeights.map(({ shape }) => shape)).toEqual(tensors.map(({ shape }) => [...shape]));
    expect(model.trainableWeights.map((weight) => weight.originalName)).toEqual(tensors.map((t) => t.name));
    expect(model.nonTrainableWeights).toEqual([]);
  });

  test("initial params fill their range evenly; biases and gains are constant", () => {
    const params = initialParams(name, 7);
    for (const { name: tensor, initial } of layerTensors(architecture(name))) {
      const { data } = params.get(tensor)!;
      if ("constant" in initial) {
        expect(data.every((v) => v === initial.constant)).toBe(true);
        continue;
      }
      const { limit } = initial;
      expect(data.every((v) => v < limit && v >= -Math.fround(limit))).toBe(true);
      // the mean square of a uniform distribution is limit² / 3; four standard errors
      const meanSquare = data.reduce((sum, v) => sum + v * v, 0) / data.length;
      const tolerance = (4 * Math.sqrt(4 / 45)) / Math.sqrt(data.length);
      expect(Math.abs(meanSquare / limit ** 2 - 1 / 3)).toBeLessThan(tolerance);
    }
  });
});

describe("variants", () => {
  test("take other inputs, vocabularies and classes, and widths of those: counts by hand", () => {
    const count = (name: string) => numParams(manifestOf(initialParams(name, 1)));
    expect(count("softmax-regression-in5-out3")).toBe(18); // 5 * 3 + 3
    expect(count("softmax-regression-in5x2-out3")).toBe(33);
    expect(count("tabular-mlp-in4")).toBe(5_762 - 18 * 64);
    expect(count("transformer-v500-out2")).toBe(135_690 - 500 * 64 - 8 * 65);
    expect(count("small-cnn-in32x32x3-out100")).toBe(600 + 8 + 3200 + 16 + (400 * 64 + 64) + 65 * 100);
    expect(architecture("mlp-in4x4x1-out2-w0.5").layers).toEqual(
      architecture("mlp-w0.5").layers.map((layer) =>
        "name" in layer && layer.name === "dense3" ? { ...layer, units: 2 } : layer,
      ),
    );
    expect(architecture("mlp-in4x4x1-out2-w0.5").name).toBe("mlp-in4x4x1-out2-w0.5");
  });

  test.each([
    ["mlp-v10", /no -v: mlp takes numbers/],
    ["transformer-v1", /-v2 to/],
    ["mlp-out1", /-out2 to/],
    ["small-cnn-in5", /-in of 3 dimensions, as small-cnn takes: 28x28x1/],
    ["small-cnn-in8x8x1", /layers leave something of/],
    ["ncf-in3", /two tokens/],
    ["small-cnn-out10-in28x28x1", /expected one of/], // another order is another name
  ])("%s is refused", (name, message) => {
    expect(() => architecture(name)).toThrow(ConfigError);
    expect(() => architecture(name)).toThrow(message);
  });
});

test("initial params depend on the seed alone, and are pinned: version 0 travels as (architecture, seed)", () => {
  const digest = (name: string, seed: number) => modelDigest(initialParams(name, seed)).slice(0, 16);
  expect(digest("small-cnn", 1)).toBe(digest("small-cnn", 1));
  expect(digest("small-cnn", 1)).not.toBe(digest("small-cnn", 2));
  expect([digest("small-cnn", 1), digest("tiny-cnn", 0xffffffff)]).toEqual([
    "d49b87306a5e8074",
    "a6c47f113985b742",
  ]);
});

describe("a name that stands for more than there is memory", () => {
  const huge = ["mlp-in65536x65536x3", "small-cnn-in65536x65536x3", "ncf-v16777216-out65536"];

  test.each(huge)("%s is refused before its tensors are made", (name) => {
    expect(() => initialParams(name, 1, 2 ** 24)).toThrow(
      /model.zoo: .*, expected at most 16777216 parameters, not \d+/,
    );
    expect(numParams(manifestOf(initialParams("mlp", 1, 199_210)))).toBe(199_210);
    expect(() => initialParams("mlp", 1, 199_209)).toThrow(ConfigError);
  });

  test.each(huge)("%s is refused before it is built, as the params at hand are not its own", async (name) => {
    const trainer = await localTrainer({ engine: "wasm" });
    try {
      const dataset = {
        inputShape: [2],
        numClasses: 2,
        inputs: Float32Array.of(0, 1),
        labels: Int32Array.of(0),
      };
      const task = { architecture: name, params: initialParams("tiny-cnn", 1), dataset };
      const optimizer = { sgd: { learningRate: 0.1, momentum: 0 } };
      const { signal } = new AbortController();
      await expect(
        trainer.train({ ...task, epochs: 1, batchSize: 1, optimizer, seed: 1 }, signal),
      ).rejects.toThrow(/params.dense1/);
      await expect(trainer.evaluate(task, signal)).rejects.toThrow(/params.dense1/);
    } finally {
      await trainer.close();
    }
  });
});
