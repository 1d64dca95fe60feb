import { expect, test } from "vitest";
import { openParts } from "../../../src/coordinator/book/parts.ts";
import { manifestOf } from "../../../src/model/manifest.ts";
import type { Masks } from "../../../src/model/tensor.ts";
import { dense, initial } from "../../suites/federation.ts";

const masksOf = (...a: number[]): Masks =>
  new Map([
    ["a", Uint32Array.from(a)],
    ["b", null],
  ]);

test("a part that is still given out can still be fetched, however often the model's masks change", () => {
  const half = { width: 0.5, masks: masksOf(0, 1, 2, 3), memoryBytes: 1 };
  const parts = openParts(dense, manifestOf(initial), [half]);
  for (let version = 0; version < 1000; version++) {
    const { masks } = parts.of(0.5, null);
    expect(parts.frameOf(masks!)).not.toBeNull();
    // the model's own masks, another every time
    parts.publish(masksOf(version % 32, 32 + (version >> 5)));
  }
});
