import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readIdx } from "../../src/data/idx.ts";
import { ConfigError } from "../../src/model/error.ts";
import { temporaryFolder } from "../temporary.ts";

const idx = (shape: readonly number[], values: readonly number[], type = 8): Buffer => {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, type, shape.length]);
  shape.forEach((n, i) => {
    header.writeUInt32BE(n, 4 + 4 * i);
  });
  return Buffer.concat([header, Buffer.from(values)]);
};

const folder = (files: Readonly<Record<string, Buffer>>): string => {
  const path = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  return path;
};

const images = idx([3, 2, 2], [0, 51, 102, 255, 1, 2, 3, 4, 5, 6, 7, 8]);
const labels = idx([3], [1, 0, 2]);

describe("readIdx", () => {
  it("reads images and labels, plain or gzipped", () => {
    for (const zip of [false, true]) {
      const pack = (bytes: Buffer): Buffer => (zip ? gzipSync(bytes) : bytes);
      const end = zip ? ".gz" : "";
      const path = folder({
        [`train-images-idx3-ubyte${end}`]: pack(images),
        [`train-labels-idx1-ubyte${end}`]: pack(labels),
      });
      const data = readIdx(path);
      expect(data.inputShape).toEqual([2, 2, 1]);
      expect(data.numClasses).toBe(3);
      expect([...data.labels]).toEqual([1, 0, 2]);
      expect([...data.inputs.subarray(0, 4)]).toEqual([0, Math.fround(0.2), Math.fround(0.4), 1]);
      expect(readIdx(path, { numClasses: 10 }).numClasses).toBe(10);
    }
  });

  it("takes the train pair, another that is asked for, or the only one", () => {
    const other = idx([3], [0, 0, 1]);
    const both = folder({
      "t10k-images-idx3-ubyte": images,
      "t10k-labels-idx1-ubyte": other,
      "train-images.idx3-ubyte": images,
      "train-labels.idx1-ubyte": labels,
    });
    expect([...readIdx(both).labels]).toEqual([1, 0, 2]);
    expect([...readIdx(both, { pair: "t10k" }).labels]).toEqual([0, 0, 1]);
    expect(() => readIdx(both, { pair: "dev" })).toThrow(/dev-images-idx3-ubyte.*pairs: t10k, train/);
    const only = folder({
      "emnist-digits-images-idx3-ubyte": images,
      "emnist-digits-labels-idx1-ubyte": other,
    });
    expect([...readIdx(only).labels]).toEqual([0, 0, 1]);
  });

  const bad: Readonly<Record<string, readonly [Buffer, Buffer, RegExp]>> = {
    "another magic": [Buffer.from("no idx here"), labels, /images.*begins with 000008/],
    "another type": [idx([3, 2, 2], [], 13), labels, /images.*unsigned bytes/],
    "a header cut short": [images.subarray(0, 9), labels, /images.*3 dimensions/],
    "fewer values than its dimensions say": [images.subarray(0, 20), labels, /images.*28 bytes/],
    "more values than its dimensions say": [Buffer.concat([images, labels]), labels, /images.*28 bytes/],
    "dimensions beyond all memory": [
      idx([0xffffffff, 0xffffffff, 2], [1]),
      labels,
      /images.*dimensions of 1 to/,
    ],
    "no images": [idx([0, 2, 2], []), idx([0], []), /images.*dimensions of 1 to/],
    "another number of labels": [images, idx([2], [1, 0]), /labels.*one label for each of 3/],
    "gzip cut short": [gzipSync(images).subarray(0, 20), labels, /images/],
    "gzip of more than it says": [
      gzipSync(Buffer.concat([images, Buffer.alloc(1 << 20)])),
      labels,
      /images.*gzip/,
    ],
  };
  for (const [name, [badImages, badLabels, message]] of Object.entries(bad))
    it(`refuses ${name}, naming the file`, () => {
      const path = folder({ "train-images-idx3-ubyte": badImages, "train-labels-idx1-ubyte": badLabels });
      expect(() => readIdx(path)).toThrow(ConfigError);
      expect(() => readIdx(path)).toThrow(message);
    });

  it("refuses a label beyond the classes, and a folder that is not there", () => {
    const path = folder({ "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels });
    expect(() => readIdx(path, { numClasses: 2 })).toThrow(/label 2: 2, expected a class, 0 to 1/);
    expect(() => readIdx(join(path, "nowhere"))).toThrow(/a folder of IDX files/);
  });

  it("refuses a folder in a file's place, with its name", () => {
    const path = folder({ "train-labels-idx1-ubyte": labels });
    mkdirSync(join(path, "train-images-idx3-ubyte"));
    expect(() => readIdx(path)).toThrow(ConfigError);
    expect(() => readIdx(path)).toThrow("train-images-idx3-ubyte");
  });
});
