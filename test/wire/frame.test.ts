import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteWriter } from "../../src/compress/bytes.ts";
import { decodeFrame, encodeFrame, type Frame, shortDigest } from "../../src/wire/frame.ts";
import { defaultLimits, type Limits } from "../../src/wire/limits.ts";
import { frames, sealed } from "../suites/frames.ts";
import { wireErrorCode, wireErrorOf } from "../suites/wire-error.ts";

const decode = (bytes: Uint8Array, limits: Partial<Limits> = {}) =>
  decodeFrame(bytes, { ...defaultLimits, ...limits });

/** The frame with bytes replaced, and its checksum made right. */
function patched(frame: Frame, offset: number, ...bytes: readonly number[]): Uint8Array {
  const copy = encodeFrame(frame);
  copy.set(bytes, offset);
  return sealed(copy);
}

/** Head, these bytes, checksum. */
const withBody = (kind: number, ...body: readonly number[]): Uint8Array =>
  sealed(Uint8Array.of(0x46, 0x50, 0x52, 0x53, 1, kind, ...body, 0, 0, 0, 0));

describe.each(Object.values(frames))("a frame of kind $kind", (frame) => {
  it("comes back", () => {
    expect(decode(encodeFrame(frame))).toEqual(frame);
  });

  it("is found broken, whichever bit flips", () => {
    const bytes = encodeFrame(frame);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(["bad-magic", "bad-version", "bad-checksum"]).toContain(wireErrorCode(() => decode(flipped)));
    }
  });

  it("is found broken when it is cut short or goes on", () => {
    const bytes = encodeFrame(frame);
    for (let length = 0; length < bytes.length; length++)
      expect(["truncated", "bad-checksum"]).toContain(wireErrorCode(() => decode(bytes.subarray(0, length))));
    expect(wireErrorCode(() => decode(Uint8Array.of(...bytes, 0)))).toBe("bad-checksum");
  });

  it("may end neither before its last field nor after it, even with a right checksum", () => {
    const bytes = encodeFrame(frame);
    for (let length = 10; length < bytes.length; length++)
      expect(["truncated", "too-large", "bad-shape"]).toContain(
        wireErrorCode(() => decode(sealed(bytes.subarray(0, length)))),
      );
    expect(wireErrorCode(() => decode(sealed(Uint8Array.of(...bytes, 0))))).toBe("trailing");
  });

  it("may not be larger than the limit", () => {
    const bytes = encodeFrame(frame);
    expect(wireErrorCode(() => decode(bytes, { frameBytes: bytes.length - 1 }))).toBe("too-large");
    expect(decode(bytes, { frameBytes: bytes.length }).kind).toBe(frame.kind);
  });
});

describe("an update frame", () => {
  const update = frames.update;

  it("adds 30 bytes to a payload of 250 at first, and 37 in the millionth round", () => {
    const payloads = [new Uint8Array(250)];
    expect(encodeFrame({ ...update, payloads }).length - 250).toBe(30);
    const late = { round: 1e6, baseVersion: 1e6 - 1, numExamples: 2 ** 15, numSteps: 200_000 };
    expect(encodeFrame({ ...update, ...late, payloads }).length - 250).toBe(37);
  });

  it("comes back with any numbers in range", () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(
        fc.record({
          kind: fc.constant("update" as const),
          round: uint32,
          baseVersion: uint32,
          manifest: uint32,
          plan: uint32,
          numExamples: fc.integer({ min: 1, max: 2 ** 15 }),
          numSteps: uint32,
          trainLoss: fc.float({ noNaN: true, noDefaultInfinity: true }),
          payloads: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        }),
        (frame) => {
          expect(decode(encodeFrame(frame))).toEqual(frame);
        },
      ),
    );
  });

  it("has 1 to 2^15 examples and a finite loss", () => {
    // magic 4, version, kind, round, base, manifest 4, plan 4: numExamples at 16, numSteps at 18, loss at 19
    expect(wireErrorOf(() => decode(patched(update, 16, 0x80, 0x00)))).toMatchObject({
      code: "bad-field",
      place: "numExamples",
    });
    expect(wireErrorCode(() => decode(withBody(2, 12, 11, ...Array<number>(8).fill(1), 0, 25)))).toBe(
      "bad-field",
    );
    expect(
      wireErrorCode(() => decode(withBody(2, 12, 11, ...Array<number>(8).fill(1), 0x81, 0x80, 0x02, 25))),
    ).toBe("bad-field");
    expect(wireErrorOf(() => decode(patched(update, 19, 0, 0, 0x80, 0x7f)))).toMatchObject({
      code: "not-finite",
      place: "trainLoss",
    });
    expect(() => encodeFrame({ ...update, numExamples: 0 })).toThrow(/numExamples/);
    expect(() => encodeFrame({ ...update, trainLoss: Number.NaN })).toThrow(/finite/);
  });

  it("has payloads, none of them empty, and not more than there may be tensors", () => {
    expect(wireErrorCode(() => decode(patched(update, 23, 0)))).toBe("bad-field");
    expect(wireErrorCode(() => decode(patched(update, 24, 0)))).toBe("bad-field");
    expect(wireErrorCode(() => decode(encodeFrame(update), { numTensors: 1 }))).toBe("too-large");
    expect(() => encodeFrame({ ...update, payloads: [] })).toThrow(/payloads/);
  });
});

describe("the head of a frame", () => {
  const bytes = encodeFrame(frames.origin);

  it("says what it is, before the checksum is looked at", () => {
    expect(wireErrorCode(() => decode(Uint8Array.of(0x50, ...bytes.subarray(1))))).toBe("bad-magic");
    expect(wireErrorCode(() => decode(new TextEncoder().encode("PK")))).toBe("bad-magic");
    expect(wireErrorCode(() => decode(new Uint8Array(0)))).toBe("truncated");
    expect(wireErrorCode(() => decode(bytes.with(4, 2)))).toBe("bad-version");
    for (const kind of [0, 200, 255])
      expect(wireErrorCode(() => decode(withBody(kind, 1, 2, 3)))).toBe("bad-kind");
  });
});

describe("names", () => {
  const student = (name: string): Frame => ({ ...frames.student, architecture: name });
  const architecture = (...name: readonly number[]) => withBody(5, name.length, ...name);

  it("are bounded, in bytes", () => {
    expect(decode(encodeFrame(student("ü".repeat(127)))).kind).toBe("student");
    expect(wireErrorCode(() => decode(encodeFrame(student("ü".repeat(128)))))).toBe("too-large");
    expect(wireErrorCode(() => decode(architecture()))).toBe("bad-field");
  });

  it("are UTF-8 in its one form, without control characters", () => {
    for (const name of [[0xc3], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0x0a], [0x00], [0x7f]])
      expect(wireErrorOf(() => decode(architecture(...name)))).toMatchObject({
        code: "bad-field",
        place: "architecture",
      });
    for (const name of ["", "a\nb", "\ud800"]) expect(() => encodeFrame(student(name))).toThrow(/is a name/);
  });
});

describe("a manifest in a frame", () => {
  const checkpoint = (...tensors: readonly (readonly number[])[]) =>
    withBody(4, 0, tensors.length, ...tensors.flat());
  const a = (...shape: readonly number[]) => [1, 0x61, shape.length, ...shape];

  it("has tensors, with distinct names and no empty dimension", () => {
    expect(wireErrorCode(() => decode(checkpoint()))).toBe("bad-field");
    expect(wireErrorCode(() => decode(checkpoint(a(1), a(1))))).toBe("bad-field");
    expect(wireErrorCode(() => decode(checkpoint(a(3, 0))))).toBe("bad-field");
  });

  it("keeps within every limit, before any data is looked for", () => {
    expect(wireErrorCode(() => decode(checkpoint(a(1)), { numTensors: 0 }))).toBe("too-large");
    expect(wireErrorOf(() => decode(checkpoint(a(1, 1, 1)), { rank: 2 }))).toMatchObject({
      code: "too-large",
      place: "tensor 0 rank",
    });
    expect(wireErrorOf(() => decode(checkpoint(a(3, 4)), { numParams: 11 }))).toMatchObject({
      code: "too-large",
      place: "tensor 0 size 1",
    });
    const b = [1, 0x62, 1, 5];
    expect(wireErrorOf(() => decode(checkpoint(a(7), b), { numParams: 11 }))).toMatchObject({
      code: "too-large",
      place: "tensor 1",
    });
    const widest = [0xff, 0xff, 0xff, 0xff, 0x0f];
    const overflow = [1, 0x61, 8, ...Array.from({ length: 8 }, () => widest).flat()];
    expect(wireErrorCode(() => decode(checkpoint(overflow)))).toBe("too-large");
    expect(wireErrorCode(() => decode(checkpoint(a(127, 127, 127))))).toBe("truncated");
  });

  it("does not believe a count that the bytes cannot hold", () => {
    expect(wireErrorOf(() => decode(withBody(4, 0, 0x80, 0x20)))).toMatchObject({
      code: "truncated",
      place: "tensors",
    });
  });

  it("is followed by finite numbers", () => {
    const infinity = withBody(4, 0, 1, ...a(1), 0, 0, 0x80, 0xff);
    expect(wireErrorOf(() => decode(infinity))).toMatchObject({ code: "not-finite", place: "a data" });
  });
});

describe("the groups of a student", () => {
  const manifest = (names: readonly number[]) => names.flatMap((name) => [1, name, 0]);
  const student = (...groups: readonly number[]) =>
    withBody(5, 1, 0x78, 3, ...manifest([0x61, 0x62, 0x63]), ...groups);

  it("share out the tensors, in order, each to one", () => {
    expect(decode(student(2, 2, 0, 2, 1, 7, 1, 1, 1, 7)).kind).toBe("student");
    expect(wireErrorCode(() => decode(student(2, 2, 2, 0, 1, 7, 1, 1, 1, 7)))).toBe("bad-field"); // not rising
    expect(wireErrorCode(() => decode(student(2, 2, 0, 2, 1, 7, 1, 2, 1, 7)))).toBe("bad-field"); // 2 twice
    expect(wireErrorCode(() => decode(student(1, 2, 0, 3, 1, 7)))).toBe("bad-field"); // there is no 3
    expect(wireErrorCode(() => decode(student(1, 2, 0, 2, 1, 7)))).toBe("bad-shape"); // who has 1?
    expect(wireErrorCode(() => decode(student(4, 1, 0, 1, 7)))).toBe("too-large"); // more groups than tensors
    expect(wireErrorCode(() => decode(student(1, 0, 1, 7)))).toBe("bad-field"); // an empty group
    expect(wireErrorCode(() => decode(student(0)))).toBe("bad-field");
  });
});

describe("payloads of a decoded frame", () => {
  it("are views into the bytes, also when those are a part of something larger", () => {
    const bytes = encodeFrame(frames.update);
    const larger = new Uint8Array(bytes.length + 9);
    larger.set(bytes, 5);
    const frame = decode(larger.subarray(5, 5 + bytes.length));
    expect(frame).toEqual(frames.update);
    expect(frame.kind === "update" && frame.payloads[0]!.buffer).toBe(larger.buffer);
  });
});

describe("shortDigest", () => {
  it("is what stands at the digest's start, in the frame too", () => {
    expect(shortDigest("deadbeef00")).toBe(0xdeadbeef);
    const writer = byteWriter();
    writer.shortDigest(shortDigest("0102fffe"));
    expect([...writer.written()]).toEqual([1, 2, 0xff, 0xfe]);
  });
});
