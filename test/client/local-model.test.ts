import { expect, test } from "vitest";
import { localModel } from "../../src/client/local-model.ts";
import { maskIn } from "../../src/model/masks.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { subModels } from "../../src/trainer/submodels.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const zoo = "tiny-cnn";
const whole = initialParams(zoo, 1);
const [half, quarter] = subModels(zoo, [0.5, 0.25], 1).map(({ masks }) => masks);
const moved = (params: typeof whole) => mapParams(params, ({ data }) => data.map((v) => v + 1));

test("the whole model is trained as it is", () => {
  const local = localModel(zoo, 1, null, whole);
  expect(local.architecture).toBe(zoo);
  expect(local.params).toBe(whole);
  expect(local.masks).toBeUndefined();
});

test("a slice is a model of its own, and only what is owned moves", () => {
  const local = localModel(zoo, 0.5, half!, whole);
  expect(local.architecture).toBe("tiny-cnn-w0.5");
  expect(local.params.get("conv2/kernel")!.shape).toEqual([5, 5, 4, 8]);
  expect(local.masks).toBeUndefined();
  for (const [name, { data }] of local.restore(moved(local.params))) {
    const owned = maskIn(half!, name);
    const before = whole.get(name)!.data;
    data.forEach((value, at) => {
      expect(value).toBe(Math.fround(before[at]! + (owned === null || owned.includes(at) ? 1 : 0)));
    });
  }
});

test("what the masks leave out of a slice stays at zero in training, and where it is in the model", () => {
  const local = localModel(zoo, 0.5, quarter!, whole);
  const flags = local.masks!.get("conv1/bias")!;
  expect([...flags]).toEqual([1, 1, 0, 0]);
  const bias = local.restore(moved(local.params)).get("conv1/bias")!.data;
  expect([...bias]).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
});

test("a mask without a width trains the whole architecture", () => {
  const local = localModel(zoo, 1, half!, whole);
  expect(local.architecture).toBe(zoo);
  expect([...local.masks!.get("conv1/bias")!]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
});

test("masks that own more than the width are refused", () => {
  expect(wireErrorCode(() => localModel(zoo, 0.25, half!, whole))).toBe("bad-field");
});
