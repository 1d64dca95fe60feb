import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bitReader, bitWriter } from "../../src/compress/bits.ts";
import { writtenOut } from "../../src/kernels/packed.ts";
import { derive } from "../../src/model/rng.ts";
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

  it("are the same many at a time as one by one, wherever in a byte they begin", () => {
    const rng = derive(2, "bits");
    for (let width = 1; width <= 32; width++)
      for (const count of [0, 1, 7, 8, 9, 70, 2003])
        for (const phase of [0, 1, 7]) {
          const values = Uint32Array.from({ length: count }, () => rng.uint32() >>> (32 - width));
          const codes = width > 8 ? values : Uint8Array.from(values);
          const [one, all] = [new Uint8Array(1 + width * count), new Uint8Array(1 + width * count)];
          const [oneByOne, together] = [bitWriter(one), bitWriter(all)];
          for (const writer of [oneByOne, together]) writer.write(0, phase);
          for (const value of values) {
            oneByOne.write(value & 0xffff, Math.min(width, 16));
            oneByOne.write(value >>> 16, Math.max(width - 16, 0));
          }
          together.writeAll(codes, width);
          for (const writer of [oneByOne, together]) {
            writer.write(1, 1);
            writer.flush();
          }
          expect(Buffer.compare(all, one)).toBe(0);
          const reader = bitReader(all, "bits");
          reader.read(phase);
          if (width <= 8) expect(reader.readAll(count, width)).toEqual(codes);
          else if (width === 32)
            expect(new Uint32Array(writtenOut(reader.readFloats(count)).slice().buffer)).toEqual(codes);
          else continue;
          expect(reader.read(1)).toBe(1);
        }
  });

  it("are refused when there are fewer than asked for", () => {
    const reader = bitReader(new Uint8Array(8), "bits");
    reader.read(1);
    expect(wireErrorCode(() => reader.readAll(32, 2))).toBe("truncated");
    expect(wireErrorCode(() => reader.readFloats(2))).toBe("truncated");
    expect(reader.readAll(63, 1).length).toBe(63);
    reader.end();
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
