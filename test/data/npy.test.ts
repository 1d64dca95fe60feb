import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { parseNpy, readNpz } from "../../src/data/npy.ts";
import { ownCrc32, zipMembers } from "../../src/data/npy-zip.ts";
import { temporaryFolder } from "../temporary.ts";

/** As NEP 1 writes it: the header ends with a line break at a multiple of 64. */
function npy(descr: string, shape: string, values: Uint8Array, order = "False"): Uint8Array {
  const head = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const padded = `${head.padEnd(64 - 10 - 1 + 64 * Math.floor((head.length + 11) / 64), " ")}\n`;
  const prefix = Uint8Array.of(
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    padded.length & 255,
    padded.length >> 8,
  );
  return Uint8Array.from([...prefix, ...new TextEncoder().encode(padded), ...values]);
}

const floats = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

function npz(files: Record<string, Uint8Array>): string {
  const path = join(temporaryFolder(), "set.npz");
  writeFileSync(path, zipSync(files));
  return path;
}

describe("parseNpy", () => {
  it("reads types, byte orders and shapes: hand computed", () => {
    expect(parseNpy(npy("<f4", "2, 2", floats([1, -2, 0.5, 8])), "a")).toEqual({
      shape: [2, 2],
      type: "f4",
      values: Float64Array.of(1, -2, 0.5, 8),
    });
    expect(parseNpy(npy(">i2", "2,", Uint8Array.of(1, 2, 255, 255)), "a").values).toEqual(
      Float64Array.of(258, -1),
    );
    expect(parseNpy(npy("<i8", "1,", Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0)), "a").values).toEqual(
      Float64Array.of(5),
    );
    expect([...(parseNpy(npy("|u1", "3,", Uint8Array.of(7, 8, 9)), "a").values as Uint8Array)]).toEqual([
      7, 8, 9,
    ]);
  });

  it("refuses what is none, naming it", () => {
    expect(() => parseNpy(new Uint8Array(40), "file: x")).toThrow(/file: x: .*NumPy array of version 1 to 3/);
    expect(() => parseNpy(npy("<f4", "3,", floats([1])), "x")).toThrow(
      /4 bytes of values.*12, as its shape says/,
    );
    expect(() => parseNpy(npy("|O", "1,", floats([1])), "x")).toThrow(/numbers \(u1/);
    expect(() => parseNpy(npy("<f4", "2, 2", floats([1, 2, 3, 4]), "True"), "x")).toThrow(/rows first/);
    expect(() => parseNpy(npy("<f4", "65536, 65536", floats([1])), "x")).toThrow(/1 to 268435456 values/);
  });
});

describe("readNpz", () => {
  const images = npy("|u1", "2, 1, 3", Uint8Array.of(0, 51, 255, 102, 0, 204));
  const labels = npy("|u1", "2, 1", Uint8Array.of(1, 0));

  it("takes pixels as shares of 255, and a split by its name", () => {
    const path = npz({
      "train_images.npy": images,
      "train_labels.npy": labels,
      "test_images.npy": floats([1]),
    });
    const data = readNpz(path, { split: "train" });
    expect(data.inputShape).toEqual([1, 3, 1]);
    expect([...data.inputs]).toEqual([0, 51, 255, 102, 0, 204].map((v) => Math.fround(v / 255)));
    expect([...data.labels]).toEqual([1, 0]);
    expect(data.numClasses).toBe(2);
  });

  it("leaves other numbers as they are", () => {
    const path = npz({ "x.npy": npy("<f4", "2, 2", floats([1, -2, 3.5, 4])), "y.npy": labels });
    const data = readNpz(path, { numClasses: 7 });
    expect(data.inputShape).toEqual([2]);
    expect([...data.inputs]).toEqual([1, -2, 3.5, 4]);
    expect(data.numClasses).toBe(7);
  });

  it("names what is missing, and what does not fit", () => {
    const path = npz({ "a.npy": images, "b.npy": labels });
    expect(() => readNpz(path)).toThrow(/"a, b", expected an array of inputs, named inputs or images/);
    expect(() => readNpz(path, { inputs: "b", labels: "a" })).toThrow(/: a: .*one label for each of 2/);
    expect(() =>
      readNpz(npz({ "x.npy": npy("<f4", "1, 1", floats([Number.NaN])), "y.npy": labels })),
    ).toThrow(/one label for each/);
    const bad = join(temporaryFolder(), "bad.npz");
    writeFileSync(bad, "no zip");
    expect(() => readNpz(bad)).toThrow(/bad.npz: .*a zip of NumPy arrays/);
  });

  /** A zip with some of its bytes changed, from the first place where those stand that are sought. */
  const changed = (
    files: Record<string, Uint8Array>,
    level: 0 | 6,
    change: (zip: Buffer) => void,
  ): string => {
    const zip = Buffer.from(zipSync(files, { level }));
    change(zip);
    const path = join(temporaryFolder(), "set.npz");
    writeFileSync(path, zip);
    return path;
  };
  /** The directory's entry of a file: a checksum at 16, packed bytes at 20, bytes at 24. */
  const entry = (zip: Buffer, name: string): number => zip.lastIndexOf(name) - 46;

  it("refuses content that is not what the zip's checksum says", () => {
    const files = { "x.npy": images, "y.npy": labels };
    const stored = changed(files, 0, (zip) => {
      zip[zip.indexOf(Buffer.of(0, 51, 255, 102)) + 1] = 52;
    });
    expect(() => readNpz(stored)).toThrow(
      /set.npz: x: "0x[0-9a-f]{8}", expected content of checksum 0x[0-9a-f]{8}, as the zip says/,
    );
    const deflated = changed(files, 6, (zip) => {
      zip.writeUInt32LE(0xabcd, entry(zip, "y.npy") + 16);
    });
    expect(() => readNpz(deflated)).toThrow(/set.npz: y: .* of checksum 0x0000abcd/);
  });

  it("knows CRC-32 where Node does not", () => {
    expect(ownCrc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926); // as its catalogues check it
    expect(ownCrc32(new Uint8Array())).toBe(0);
  });

  it("unpacks only what it reads: other arrays may be anything", () => {
    const files = {
      "data.npy": images,
      "images.npy": floats([1, 2]),
      "inputs.npy": images,
      "labels.npy": labels,
    };
    const path = changed({ ...files, "y.npy": labels }, 6, (zip) => {
      zip.fill(255, zip.indexOf("y.npy") + 5, zip.indexOf("y.npy") + 20);
    });
    expect(readNpz(path).inputShape).toEqual([1, 3, 1]);
    expect(() => readNpz(path, { labels: "y" })).toThrow(/set.npz: y: /);
  });

  it("refuses an array that says it is larger than it may or can be, before there is memory for it", () => {
    const files = { "x.npy": images, "y.npy": labels };
    const sized = (bytes: number) =>
      changed(files, 6, (zip) => {
        zip.writeUInt32LE(bytes, entry(zip, "x.npy") + 24);
      });
    expect(() => readNpz(sized(0xfffffffe))).toThrow(/set.npz: x: "4294967294 bytes", expected at most 2147/);
    expect(() => readNpz(sized(2 ** 31))).toThrow(/set.npz: x: .*bytes that hold 2147483648/);
    expect(() => readNpz(sized(images.length - 1))).toThrow(/set.npz: x: .*checksum/);
  });

  it("says what is wrong with a zip that is cut or damaged", () => {
    const zip = Buffer.from(zipSync({ "x.npy": images, "y.npy": labels }));
    for (let length = 0; length < zip.length; length++)
      expect(() => zipMembers(zip.subarray(0, length), "a.npz", "a zip")).toThrow(
        /a.npz: .*, expected a zip/,
      );
    zip[entry(zip, "y.npy")] = 0;
    expect(() => zipMembers(zip, "a.npz", "a zip")).toThrow(/a.npz: "no directory entry at byte \d+"/);
  });
});
