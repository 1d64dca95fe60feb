import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { describeFrame } from "../../src/wire/describe.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { frames } from "../suites/frames.ts";
import { bytesOf } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const vector = Float32Array.of(
  0,
  0,
  4,
  0,
  0,
  0,
  0,
  0,
  0,
  -2,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  3,
  0,
  0,
  0,
  0,
  0,
);
const payload = (topK: number, values: "ternary" | { uniform: number }) =>
  codec({ select: { topK }, values }).encode(vector, 0).payload;

describe("describeFrame", () => {
  it.each(Object.values(frames))("covers a $kind byte by byte", (frame) => {
    const whole = frame.kind === "update" ? { ...frame, payloads: [payload(0.1, "ternary")] } : frame;
    const known = whole.kind === "delta" ? { ...whole, payloads: [payload(0.1, { uniform: 2 })] } : whole;
    const bytes = encodeFrame(known);
    const fields = describeFrame(bytes, defaultLimits);
    let at = 0;
    for (const { offset, length } of fields) {
      expect(offset).toBe(at);
      expect(length).toBeGreaterThan(0);
      at += length;
    }
    expect(at).toBe(bytes.length);
    expect(fields.every(({ value }) => ["string", "number"].includes(typeof value))).toBe(true);
  });

  it("names the fields of an update and of the heads of its payloads", () => {
    const payloads = [payload(0.1, "ternary"), payload(1 / 30, { uniform: 4 })];
    const fields = describeFrame(encodeFrame({ ...frames.update, payloads }), defaultLimits);
    const shown = Object.fromEntries(fields.map(({ field, value }) => [field, value]));
    expect(shown).toEqual({
      magic: "FPRS",
      version: 1,
      kind: "update",
      round: 12,
      baseVersion: 11,
      manifest: "f2345678",
      plan: "0000cdef",
      numExamples: 800,
      numSteps: 25,
      trainLoss: 0.15625,
      payloads: 2,
      "payload 0 length": payloads[0]!.length,
      "payload 0/coders": "ternary, elias-fano",
      "payload 0/count": 3,
      "payload 0/mu": 3,
      "payload 0/bits": "3 bytes",
      "payload 1 length": payloads[1]!.length,
      "payload 1/coders": "uniform, elias-fano",
      "payload 1/count": 1,
      "payload 1/bits per value": 4,
      "payload 1/scale": 4,
      "payload 1/bits": expect.any(String),
      checksum: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
  });

  it.each<[CodecSpec, string[]]>([
    [
      { select: "all", values: { qsgd: 3 } },
      ["coders", "count", "parameter", "levels", "norm", "code", "bits"],
    ],
    [
      { select: "all", values: { levels: 2 } },
      ["coders", "magnitudes", "magnitudes 0", "magnitudes 1", "bits"],
    ],
    [
      { select: "all", values: { codebook: 2 } },
      ["coders", "centroids", "centroids 0", "centroids 1", "code", "bits"],
    ],
    [{ select: "all", values: { eden: 2 } }, ["coders", "bits per value", "seed", "bits"]],
    [{ select: { randomK: 0.5 }, values: "bfloat16" }, ["coders", "seed", "count", "bits"]],
    [{ select: { threshold: 2 }, values: "sign" }, ["coders", "count", "bytes", "mu", "bits"]],
  ])("names the fields of a payload of %j", (spec, names) => {
    const dense = Float32Array.from({ length: 200 }, (_, i) => (i < 120 ? 1 : 2) + (i % 3) / 10);
    const { payload: coded } = codec(spec).encode(dense, 0);
    const fields = describeFrame(encodeFrame({ ...frames.update, payloads: [coded] }), defaultLimits);
    const ofPayload = fields.map(({ field }) => field).filter((field) => field.startsWith("payload 0/"));
    expect(ofPayload).toEqual(names.map((name) => `payload 0/${name}`));
  });

  it.each([
    ["420205020000803f4848230000", ["coders", "count", "gap parameter", "run parameter", "mu", "bits"]],
    ["6202040000803f1308", ["coders", "keep", "of", "mu", "bits"]],
  ])("names the fields of the payload %s", (hex, names) => {
    const fields = describeFrame(encodeFrame({ ...frames.update, payloads: [bytesOf(hex)] }), defaultLimits);
    const ofPayload = fields.map(({ field }) => field).filter((field) => field.startsWith("payload 0/"));
    expect(ofPayload).toEqual(names.map((name) => `payload 0/${name}`));
  });

  it("shows what a checkpoint, an origin and a student hold", () => {
    const shown = (frame: keyof typeof frames) =>
      Object.fromEntries(
        describeFrame(encodeFrame(frames[frame]), defaultLimits).map(({ field, value }) => [field, value]),
      );
    expect(shown("checkpoint")).toMatchObject({
      tensors: 3,
      "tensor 2 name": "Schlüssel π",
      "dense/kernel data": "6 float32",
    });
    expect(shown("origin")).toMatchObject({
      zoo: "small-cnn",
      seed: 0xdeadbeef,
      digest: frames.origin.digest,
    });
    expect(shown("student")).toMatchObject({ architecture: "tiny-cnn", "group 1 payload/count": 0 });
  });

  it("refuses what the decoder refuses, and payloads without a head", () => {
    const bytes = encodeFrame(frames.update);
    expect(wireErrorCode(() => describeFrame(bytes.with(9, 1), defaultLimits))).toBe("bad-checksum");
    expect(wireErrorCode(() => describeFrame(bytes, defaultLimits))).toBe("bad-codec"); // its payloads are no payloads
  });
});
