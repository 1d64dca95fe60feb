import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bitReader, bitWriter } from "../../src/compress/bits.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

type Item = { readonly width: number; readonly value: number } | { readonly zeros: number };

const items: fc.Arbitrary<readonly Item[]> = fc.array(
  fc.oneof(
    fc
      .integer({ min: 0, max: 24 })
      .chain((width) => fc.integer({ min: 0, max: 2 ** width - 1 }).map((value) => ({ width, value }))),
    fc.integer({ min: 0, max: 200 }).map((zeros) => ({ zeros })),
  ),
);

describe("bits", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(items, (written) => {
        const numBits = written.reduce((n, item) => n + ("zeros" in item ? item.zeros + 1 : item.width), 0);
        const bytes = new Uint8Array(Math.ceil(numBits / 8));
        const writer = bitWriter(bytes);
        for (const item of written)
          if ("zeros" in item) writer.unary(item.zeros);
          else writer.write(item.value, item.width);
        writer.flush();

        const reader = bitReader(bytes, "bits");
        let left = 8 * bytes.length;
        for (const item of written) {
          expect(reader.remaining()).toBe(left);
          if ("zeros" in item) expect(reader.unary(item.zeros)).toBe(item.zeros);
          else expect(reader.read(item.width)).toBe(item.value);
          left -= "zeros" in item ? item.zeros + 1 : item.width;
        }
        reader.end();
      }),
    );
  });

  it("fill a byte from its low end up", () => {
    const bytes = new Uint8Array(2);
    const writer = bitWriter(bytes);
    writer.write(0b101, 3);
    writer.unary(2); // 0 0 1
    writer.write(0x1f, 5);
    writer.flush();
    expect([...bytes]).toEqual([0b11_100_101, 0b00000_111]);
  });

  it("end in zeros, in the byte that they end in", () => {
    expect(wireErrorCode(() => bitReader(Uint8Array.of(), "bits").read(1))).toBe("truncated");
    expect(wireErrorCode(() => bitReader(Uint8Array.of(0), "bits").unary(20))).toBe("truncated");
    const padded = bitReader(Uint8Array.of(0b1000_0001), "bits");
    padded.read(3);
    expect(wireErrorCode(padded.end)).toBe("bad-field");
    const longer = bitReader(Uint8Array.of(1, 0), "bits");
    longer.read(8);
    expect(wireErrorCode(longer.end)).toBe("trailing");
  });

  it("stop a run of zeros at its limit", () => {
    const zeros = new Uint8Array(1000);
    expect(wireErrorCode(() => bitReader(zeros, "bits").unary(30))).toBe("bad-positions");
    expect(wireErrorCode(() => bitReader(Uint8Array.of(0b10000), "bits").unary(3))).toBe("bad-positions");
    expect(bitReader(Uint8Array.of(0b10000), "bits").unary(4)).toBe(4);
  });
});
