import { describe, expect, it } from "vitest";
import { slicePositions, sliceShape } from "../../src/model/slice.ts";
import { type Params, sizeOf } from "../../src/model/tensor.ts";
import { layerTensors } from "../../src/trainer/layers.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { subModels } from "../../src/trainer/submodels.ts";
import { widthName, widthOf, widthSlices } from "../../src/trainer/width.ts";
import { architecture, architectureNames, initialParams } from "../../src/trainer/zoo.ts";

describe("a narrow architecture", () => {
  it("has its width in its name", () => {
    expect(widthOf("lenet-5-w0.25")).toEqual({ base: "lenet-5", width: 0.25 });
    for (const name of ["small-cnn", "small-cnn-w0", "small-cnn-w0.50", "small-cnn-w1", "-w0.5"])
      expect(widthOf(name)).toEqual({ base: name, width: 1 });
  });

  it("halves what is within, and neither inputs nor classes", () => {
    const shapes = layerTensors(architecture("small-cnn-w0.5")).map(({ shape }) => shape.join("x"));
    expect(shapes).toEqual(["5x5x1x4", "4", "5x5x4x8", "8", "128x32", "32", "32x10", "10"]);
  });

  it.each(architectureNames)("of %s is a slice of it", (name) => {
    for (const width of [0.5, 0.25, 0.3]) {
      const slices = widthSlices(architecture(name), width);
      const whole = new Map(layerTensors(architecture(name)).map((tensor) => [tensor.name, tensor.shape]));
      for (const tensor of layerTensors(architecture(widthName(name, width))))
        expect(sliceShape(whole.get(tensor.name)!, slices.get(tensor.name)!), tensor.name).toEqual(
          tensor.shape,
        );
      expect(slices.size).toBe(whole.size);
    }
  });

  it("needs less memory to train", () => {
    const bytes = subModels("small-cnn", [1, 0.5, 0.25], 32).map(({ memoryBytes }) => memoryBytes);
    // 784 inputs, 24*24*8, 12*12*8, 8*8*16, 4*4*16 twice (flatten), 64, 10
    expect(bytes[0]).toBe(4 * (4 * 20522 + 64 * (784 + 4608 + 1152 + 1024 + 256 + 256 + 64 + 10)));
    expect(bytes[1]).toBeLessThan(0.55 * bytes[0]!);
    expect(bytes[2]).toBeLessThan(0.33 * bytes[0]!);
  });
});

/** The whole model with everything outside of the width at zero, and the narrow model alone. */
function twins(name: string, width: number): { readonly whole: Params; readonly narrow: Params } {
  const all = initialParams(name, 3);
  const slices = widthSlices(architecture(name), width);
  const narrowTensors = layerTensors(architecture(widthName(name, width)));
  const narrow = narrowTensors.map(({ name: of, shape }) => {
    const { data, shape: wide } = all.get(of)!;
    return [
      of,
      { shape, data: Float32Array.from(slicePositions(wide, slices.get(of)!), (at) => data[at]!) },
    ] as const;
  });
  const whole = [...all].map(([of, { shape, data }]) => {
    const kept = new Float32Array(data.length);
    for (const at of slicePositions(shape, slices.get(of)!)) kept[at] = data[at]!;
    return [of, { shape, data: kept }] as const;
  });
  return { whole: new Map(whole), narrow: new Map(narrow) };
}

describe("a slice", () => {
  const signal = new AbortController().signal;

  // What is cut off is fed by zeros and feeds zeros, so that the whole must say what the slice says.
  it.each(["small-cnn", "separable-cnn", "mlp", "lstm", "gru", "transformer"])(
    "of %s computes what the whole does with zeros elsewhere",
    async (name) => {
      const trainer = await localTrainer();
      const { whole, narrow } = twins(name, 0.5);
      const { inputShape, numClasses } = architecture(name);
      const isText = name === "transformer";
      const inputs = Float32Array.from({ length: 3 * sizeOf(inputShape) }, (_, i) =>
        isText ? (i * 37) % 1000 : Math.fround(Math.sin(i) / 2),
      );
      const dataset = { inputShape, numClasses, inputs, labels: Int32Array.of(0, 1, 2) };
      const [a, b] = await Promise.all([
        trainer.predict({ architecture: name, params: whole, dataset }, signal),
        trainer.predict({ architecture: widthName(name, 0.5), params: narrow, dataset }, signal),
      ]);
      expect(a.length).toBe(30);
      a.forEach((logit, i) => {
        expect(b[i]!).toBeCloseTo(logit, 4);
      });
      await trainer.close();
    },
  );
});
