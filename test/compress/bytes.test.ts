import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteReader, byteWriter, varintBytes } from "../../src/compress/bytes.ts";
import { wireErrorCode, wireErrorOf } from "../suites/wire-error.ts";

const uint32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff }));
const varint = (bytes: readonly number[]) =>
  byteReader(Uint8Array.from(bytes), "").varint("x", 0, 0xffffffff);

describe("a varint", () => {
  it("comes back, in as many bytes as announced", () => {
    fc.assert(
      fc.property(uint32, (value) => {
        const writer = byteWriter(1);
        writer.varint(value);
        expect(writer.written().length).toBe(varintBytes(value));
        expect(varint([...writer.written()])).toBe(value);
      }),
    );
  });

  it("is LEB128", () => {
    expect(varint([0x7f])).toBe(127);
    expect(varint([0xac, 0x02])).toBe(300);
    expect(varint([0xff, 0xff, 0xff, 0xff, 0x0f])).toBe(0xffffffff);
  });

  it("has one form only, and 32 bits", () => {
    expect(wireErrorCode(() => varint([0x80, 0x00]))).toBe("bad-field");
    expect(wireErrorCode(() => varint([0xac, 0x82, 0x00]))).toBe("bad-field");
    expect(wireErrorCode(() => varint([0x80, 0x80, 0x80, 0x80, 0x10]))).toBe("bad-field");
    expect(wireErrorCode(() => varint([0x80, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe("bad-field");
    expect(wireErrorCode(() => varint([0x80]))).toBe("truncated");
    expect(wireErrorCode(() => varint([]))).toBe("truncated");
  });

  it("keeps to its field's range", () => {
    const reader = () => byteReader(Uint8Array.of(5), "head");
    expect(wireErrorCode(() => reader().varint("x", 6, 9))).toBe("bad-field");
    expect(wireErrorCode(() => reader().varint("x", 0, 4))).toBe("bad-field");
    expect(wireErrorOf(() => reader().varint("x", 0, 4)).place).toBe("head/x");
  });
});

describe("byte fields", () => {
  it("are traced with place, length and value", () => {
    const writer = byteWriter(2);
    writer.uint8(7);
    writer.varint(300);
    writer.shortDigest(0xdeadbeef);
    writer.float32(0.5);
    writer.bytes(Uint8Array.of(1, 2));
    const fields: unknown[] = [];
    const reader = byteReader(writer.written(), "", (field) => fields.push(Object.values(field)));
    reader.uint8("a", 0, 9);
    reader.varint("b", 0, 999);
    expect(reader.shortDigest("c")).toBe(0xdeadbeef);
    reader.float32("d");
    reader.bytes("e", 2);
    reader.end();
    expect(fields).toEqual([
      [0, 1, "a", 7],
      [1, 2, "b", 300],
      [3, 4, "c", "deadbeef"],
      [7, 4, "d", 0.5],
      [11, 2, "e", Uint8Array.of(1, 2)],
    ]);
  });

  it("are refused when they are not finite, cut short or followed by more", () => {
    const infinity = Uint8Array.of(0, 0, 0x80, 0x7f);
    expect(wireErrorCode(() => byteReader(infinity, "").float32("x"))).toBe("not-finite");
    expect(wireErrorCode(() => byteReader(infinity, "").bytes("x", 5))).toBe("truncated");
    expect(wireErrorCode(() => byteReader(infinity, "").end())).toBe("trailing");
  });
});
