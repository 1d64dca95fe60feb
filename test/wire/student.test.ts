import { describe, expect, it } from "vitest";
import type { Params } from "../../src/model/tensor.ts";
import { decodeFrame, encodeFrame, type StudentFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { encodeStudent, type StudentRule, studentParams } from "../../src/wire/student.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const params: Params = new Map([
  ["conv/kernel", { shape: [2, 2], data: Float32Array.of(1, 0, 0, -0.5) }],
  ["conv/bias", { shape: [2], data: Float32Array.of(0.25, 0.1) }],
  ["dense/kernel", { shape: [2, 3], data: Float32Array.of(0, 0, 0.75, 0, 0.25, 0) }],
]);
const rules: readonly StudentRule[] = [
  { tensors: "*/bias", codec: { select: "all", values: "float16" } },
  { tensors: "*", codec: { select: { topK: 0.4 }, values: { uniform: 3 } } },
];

function shipped(frame: StudentFrame): StudentFrame {
  const decoded = decodeFrame(encodeFrame(frame), defaultLimits);
  return decoded.kind === "student" ? decoded : expect.fail("a student comes back as one");
}

describe("a student", () => {
  it("comes back from its bytes alone, as its codecs left it", () => {
    const frame = encodeStudent("tiny-cnn", params, rules, 0);
    expect(frame.groups.map(({ tensors }) => tensors)).toEqual([[1], [0, 2]]);
    const loaded = studentParams(shipped(frame));
    expect([...loaded.keys()]).toEqual([...params.keys()]);
    // Levels of the joint scale 1 are thirds: 0.75 and 0.5 are nearest to 2/3, 0.25 to 1/3.
    const third = Math.fround(1 / 3);
    const twoThirds = Math.fround(2 / 3);
    expect(loaded.get("conv/kernel")).toEqual({ shape: [2, 2], data: Float32Array.of(1, 0, 0, -twoThirds) });
    expect(loaded.get("dense/kernel")!.data).toEqual(Float32Array.of(0, 0, twoThirds, 0, third, 0));
    expect(loaded.get("conv/bias")!.data).toEqual(Float32Array.of(0.25, 0.0999755859375));
  });

  it("is exact where its codec is", () => {
    const frame = encodeStudent(
      "any",
      params,
      [{ tensors: "*", codec: { select: "all", values: "float32" } }],
      0,
    );
    expect(studentParams(shipped(frame))).toEqual(params);
  });

  it("is refused when a payload does not fill its tensors", () => {
    const frame = encodeStudent("tiny-cnn", params, rules, 0);
    const [biases, kernels] = frame.groups;
    const groups = [{ ...biases!, payload: kernels!.payload }, kernels!];
    expect(wireErrorCode(() => studentParams(shipped({ ...frame, groups })))).toMatch(
      /bad-positions|truncated|trailing/,
    );
  });
});
