import { describe, expect, it } from "vitest";
import { magnitudeMask } from "../../src/compress/prune.ts";

describe("magnitudeMask", () => {
  it("keeps the largest of every tensor, and biases whole", () => {
    const masks = magnitudeMask(
      new Map([
        ["kernel", { shape: [2, 3], data: Float32Array.of(0.1, -0.9, 0.2, 0.5, 0, -0.3) }],
        ["small", { shape: [2, 2], data: Float32Array.of(0.01, 0.02, 0.03, 0.04) }],
        ["empty", { shape: [1, 4], data: new Float32Array(4) }],
        ["bias", { shape: [3], data: Float32Array.of(0, 0, 1) }],
        ["scalar", { shape: [], data: Float32Array.of(0) }],
      ]),
      0.5,
    );
    expect(Object.fromEntries([...masks].map(([name, mask]) => [name, [...mask]]))).toEqual({
      kernel: [0, 1, 0, 1, 0, 1],
      small: [0, 0, 1, 1],
      empty: [0, 0, 0, 0],
      bias: [1, 1, 1],
      scalar: [1],
    });
  });

  it("keeps at least one", () => {
    const params = new Map([["kernel", { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]]);
    expect([...magnitudeMask(params, 0).get("kernel")!]).toEqual([0, 0, 0, 1]);
    expect([...magnitudeMask(params, 1).get("kernel")!]).toEqual([1, 1, 1, 1]);
  });
});
