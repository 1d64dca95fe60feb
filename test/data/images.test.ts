import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { readImages, resample } from "../../src/data/images.ts";
import { temporaryFolder } from "../temporary.ts";

const pixels = (values: readonly (readonly [number, number, number, number])[]) =>
  Uint8Array.from(values.flat());
const png = (width: number, height: number, data: Uint8Array): Buffer => {
  const picture = new PNG({ width, height });
  picture.data.set(data);
  return PNG.sync.write(picture);
};

const header = (width: number, height: number, isInterlaced = false): Buffer => {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, 0, 0, 0, isInterlaced ? 1 : 0], 8);
  return chunk("IHDR", data);
};

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** ISO 3309's, bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("resample", () => {
  it("averages over areas, parts of pixels as parts: hand computed", () => {
    const grey = (v: number) => [v, v, v, 255] as const;
    const output = new Float32Array(4);
    resample(
      { width: 3, height: 3, data: pixels([0, 51, 102, 153, 204, 255, 0, 51, 102].map(grey)) },
      2,
      1,
      output,
    );
    // top left is 1.5 x 1.5 pixels: (0 + 51/2 + 153/2 + 204/4) / 2.25 = 68
    expect(output[0]).toBeCloseTo(68 / 255, 6);
    const one = new Float32Array(3);
    resample({ width: 1, height: 1, data: pixels([[255, 102, 0, 51]]) }, 1, 3, one);
    expect([...one]).toEqual([0.2, 0.08, 0].map((v) => Math.fround(v))); // a fifth is opaque
  });
});

describe("readImages", () => {
  it("takes a folder for each class, PNG and JPEG", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "cat"));
    mkdirSync(join(folder, "ant"));
    writeFileSync(join(folder, "cat", "1.png"), png(2, 2, pixels(Array(4).fill([255, 255, 255, 255]))));
    const grey = jpeg.encode(
      { width: 8, height: 8, data: Buffer.from(pixels(Array(64).fill([128, 128, 128, 255]))) },
      95,
    );
    writeFileSync(join(folder, "ant", "a.jpg"), grey.data);
    writeFileSync(join(folder, "ant", "notes.txt"), "no picture");
    const data = readImages(folder, { size: 2, channels: 1 });
    expect(data.inputShape).toEqual([2, 2, 1]);
    expect([...data.labels]).toEqual([0, 1]); // ant, cat
    for (const value of data.inputs.subarray(0, 4)) expect(value).toBeCloseTo(128 / 255, 1);
    expect([...data.inputs.subarray(4)]).toEqual([1, 1, 1, 1]);
  });

  it("takes folders of whole numbers as classes, told or not", () => {
    const folder = temporaryFolder();
    for (const name of ["0", "2", "10"]) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "1.png"), png(1, 1, pixels([[255, 255, 255, 255]])));
    }
    const read = (classes?: number) =>
      readImages(folder, { size: 1, channels: 1, ...(classes !== undefined && { classes }) });
    expect([read().numClasses, ...read().labels]).toEqual([11, 0, 10, 2]); // 10 before 2 in the folder
    expect([read(12).numClasses, ...read(12).labels]).toEqual([12, 0, 10, 2]);
    mkdirSync(join(folder, "dog"));
    writeFileSync(join(folder, "dog", "1.png"), png(1, 1, pixels([[255, 255, 255, 255]])));
    expect(() => read(12)).toThrow(
      /dog.*"dog", expected a class, 0 to 11; names are told by classes=NAME,NAME/,
    );
  });

  it("takes no JPEG that says it is larger than its bytes can hold", () => {
    const folder = temporaryFolder();
    for (const name of ["ant", "cat"]) mkdirSync(join(folder, name));
    const { data } = jpeg.encode(
      { width: 8, height: 8, data: Buffer.from(pixels(Array(64).fill([128, 128, 128, 255]))) },
      95,
    );
    const lying = Buffer.from(data);
    const frame = lying.indexOf(Buffer.from([0xff, 0xc0]));
    lying.writeUInt16BE(8000, frame + 5);
    lying.writeUInt16BE(8000, frame + 7);
    writeFileSync(join(folder, "ant", "a.jpg"), lying);
    const read = () => readImages(folder, { size: 2, channels: 1 });
    expect(read).toThrow(/a\.jpg.*64000000 pixels are said, which \d+ bytes cannot hold/);
    lying.writeUInt16BE(60_000, frame + 5);
    writeFileSync(join(folder, "ant", "a.jpg"), lying);
    expect(read).toThrow(/480000000 pixels, above 67108864/);
  });

  it("has the classes that it is told, whichever a client has pictures of; links to nowhere are no class", () => {
    const folder = temporaryFolder();
    for (const name of ["cat", ".thumbnails"]) mkdirSync(join(folder, name));
    symlinkSync("/nowhere/at/all", join(folder, "dog"));
    writeFileSync(join(folder, "cat", "1.png"), png(1, 1, pixels([[255, 255, 255, 255]])));
    const data = readImages(folder, { size: 1, channels: 1, classes: ["ant", "bee", "cat"] });
    expect([data.numClasses, ...data.labels]).toEqual([3, 2]);
    expect(() => readImages(folder, { size: 1, channels: 1, classes: ["ant", "bee"] })).toThrow(
      /1.png: "cat", expected one of ant, bee/,
    );
    expect(() => readImages(folder, { size: 1, channels: 1 })).toThrow(/2 or more classes/);
  });

  it("refuses PNGs of no size, with another size than they began with, and bombs", () => {
    const read = (...chunks: Buffer[]) => {
      const folder = temporaryFolder();
      for (const name of ["a", "b"]) mkdirSync(join(folder, name));
      const signature = Buffer.from("89504e470d0a1a0a", "hex");
      writeFileSync(
        join(folder, "a", "x.png"),
        Buffer.concat([signature, ...chunks, chunk("IEND", Buffer.alloc(0))]),
      );
      return () => readImages(folder, { size: 2, channels: 1 });
    };
    const values = (count: number) => chunk("IDAT", deflateSync(Buffer.alloc(count)));
    expect([...read(header(2, 2), values(6))().inputs]).toEqual([0, 0, 0, 0]);
    expect([...read(header(2, 2, true), values(7))().inputs]).toEqual([0, 0, 0, 0]); // Adam7: passes of 1, 1 and 2
    expect(read(header(0, 5), values(5))).toThrow(/x.png: "no pixels"/);
    expect(read(header(2, 2), header(300, 300), values(300 * 301))).toThrow(/x.png: "not one header"/);
    expect(read(header(2, 2, true), values(10_000))).toThrow(/x.png: .*, expected a PNG or JPEG picture/);
  });

  it("names the picture that is none, and one that would be too large before it is unpacked", () => {
    const folder = temporaryFolder();
    for (const name of ["a", "b"]) mkdirSync(join(folder, name));
    expect(() => readImages(folder, { size: 2, channels: 1 })).toThrow(/no picture/);
    writeFileSync(join(folder, "a", "x.png"), "no picture at all, of any kind");
    expect(() => readImages(folder, { size: 2, channels: 1 })).toThrow(/x.png: .*a PNG or JPEG picture/);
    const huge = png(1, 1, pixels([[0, 0, 0, 255]]));
    huge.writeUInt32BE(100_000, 16);
    huge.writeUInt32BE(100_000, 20);
    writeFileSync(join(folder, "a", "x.png"), huge);
    expect(() => readImages(folder, { size: 2, channels: 1 })).toThrow(/10000000000 pixels, above/);
    expect(() => readImages(join(folder, "a"), { size: 2, channels: 1 })).toThrow(/2 or more classes/);
  });
});
