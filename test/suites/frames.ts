import { crc32c } from "../../src/wire/checksum.ts";
import type { Frame } from "../../src/wire/frame.ts";

/** A frame of each kind, small. */
export const frames: { readonly [K in Frame["kind"]]: Extract<Frame, { kind: K }> } = {
  origin: {
    kind: "origin",
    zoo: "small-cnn",
    seed: 0xdeadbeef,
    digest: "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  },
  update: {
    kind: "update",
    round: 12,
    baseVersion: 11,
    manifest: 0xf2345678,
    plan: 0x0000cdef,
    numExamples: 800,
    numSteps: 25,
    trainLoss: 0.15625,
    payloads: [Uint8Array.of(1, 2, 3), Uint8Array.of(0xff)],
  },
  delta: {
    kind: "delta",
    version: 300,
    manifest: 1,
    plan: 2,
    digest: 0xffffffff,
    payloads: [Uint8Array.of(7)],
  },
  checkpoint: {
    kind: "checkpoint",
    version: 0,
    params: new Map([
      ["dense/kernel", { shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 3e38, 1e-45, -0) }],
      ["scale", { shape: [], data: Float32Array.of(7) }],
      ["Schlüssel π", { shape: [1, 1, 2], data: Float32Array.of(0.25, 8) }],
    ]),
  },
  tally: {
    kind: "tally",
    round: 12,
    baseVersion: 11,
    manifest: 0x00ff00ff,
    numUpdates: 3,
    weightBudget: 10 * 2 ** 31,
    total: 2000 * 2 ** 16,
    steps: 2n ** 70n + 5n,
    tensors: [
      { exponent: -7, sums: Uint8Array.of(1, 3, 0xff, 2), owners: null },
      { exponent: 10, sums: Uint8Array.of(0), owners: Uint8Array.of(2, 16, 1, 0, 2, 0) },
    ],
  },
  student: {
    kind: "student",
    architecture: "tiny-cnn",
    manifest: {
      tensors: [
        { name: "a", shape: [3] },
        { name: "b", shape: [2, 2] },
        { name: "c", shape: [] },
      ],
    },
    groups: [
      { tensors: [1], payload: Uint8Array.of(0x00, 1) },
      { tensors: [0, 2], payload: Uint8Array.of(0x10, 0) },
    ],
  },
  control: {
    kind: "control",
    version: 300,
    manifest: 0x00c0ffee,
    values: Float32Array.of(0.5, -1, 0, 3e38, 1e-45, -0, 7),
  },
  history: {
    kind: "history",
    version: 300,
    manifest: 0x00c0ffee,
    state: Uint8Array.of(1, 2, 3),
  },
  patch: {
    kind: "patch",
    version: 300,
    manifest: 0x00c0ffee,
    digest: 0x01020304,
    support: Uint8Array.of(2, 0b1001),
    planes: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8),
  },
  masks: {
    kind: "masks",
    manifest: 0x00c0ffee,
    masks: [Uint8Array.of(0), Uint8Array.of(16, 1, 3, 2, 1), Uint8Array.of(2, 0b101)],
  },
};

/** The frame with a checksum that is right for its bytes, so that what stands before it is looked at. */
export function sealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - 4));
  const crc = crc32c(body);
  return Uint8Array.of(...body, crc, crc >>> 8, crc >>> 16, crc >>> 24);
}
