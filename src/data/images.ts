import { statSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Dataset } from "../model/dataset.ts";
import { inputsFor, listNames, problem, readBytes } from "./files.ts";
import { type NamedClasses, namedClasses } from "./labels.ts";

export interface ImagesOptions {
  /** Rows and columns of one example; pictures are brought to it. */
  readonly size: number;
  /** 1: grey, 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** Which classes there are, for a client that may have no picture of one; left out: the folders that there are. */
  readonly classes?: NamedClasses;
}

const MAX_PIXELS = 2 ** 26;
const MAX_PICTURE_BYTES = 2 ** 26;

/**
 * A folder with a folder of PNG or JPEG pictures for each class: whole numbers, or names in their order; folders
 * that begin with a dot left out: inputs [size, size, channels], 0 to 1, by averages over areas; transparent is black. Throws ConfigError naming the file.
 */
export function readImages(folder: string, { size, channels, classes }: ImagesOptions): Dataset {
  const folders = listNames(folder, "a folder with a folder for each class").filter(
    (name) => !name.startsWith(".") && isFolder(join(folder, name)),
  );
  if (classes === undefined && folders.length < 2)
    throw problem(folder, folders, "a folder with a folder for each of 2 or more classes");
  const files = folders.flatMap((label) =>
    listNames(join(folder, label), "a folder of pictures")
      .filter((file) => /\.(png|jpe?g)$/i.test(file))
      .map((file) => ({ path: join(folder, label, file), label })),
  );
  const length = size * size * channels;
  if (files.length === 0) throw problem(folder, "no picture", "PNG or JPEG files in the classes' folders");
  const inputs = inputsFor(folder, files.length, length);
  const areNumbers = folders.every((name) => /^\d+$/.test(name));
  const labels = namedClasses(
    files.map(({ label }) => label),
    classes ?? (areNumbers ? undefined : folders),
    (i) => files[i]!.path,
  );
  files.forEach(({ path }, i) => {
    resample(decoded(path), size, channels, inputs.subarray(i * length, (i + 1) * length));
  });
  return { inputShape: [size, size, channels], inputs, ...labels };
}

/** A folder, or a link to one. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // a link to nowhere
  }
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of every pixel, 0 to 255, row by row. */
  readonly data: Uint8Array;
}

function decoded(path: string): Picture {
  const bytes = readBytes(path, "a PNG or JPEG file", MAX_PICTURE_BYTES);
  try {
    return bytes.length >= 24 && bytes.readUInt32BE(0) === 0x89504e47
      ? decodedPng(bytes)
      : decodedJpeg(bytes);
  } catch (error) {
    throw problem(path, (error as Error).message, "a PNG or JPEG picture");
  }
}

/** What the library unpacks follows the size that is said, so that is checked first. */
function decodedJpeg(bytes: Buffer): Picture {
  for (const pixels of jpegFrames(bytes)) {
    if (pixels > MAX_PIXELS) throw new Error(`${pixels} pixels, above ${MAX_PIXELS}`);
    if (pixels > MAX_PIXELS_A_BYTE * bytes.length)
      throw new Error(`${pixels} pixels are said, which ${bytes.length} bytes cannot hold`);
  }
  return jpeg.decode(bytes, {
    useTArray: true,
    maxResolutionInMP: MAX_PIXELS / 1e6,
    maxMemoryUsageInMB: 1024,
  });
}

/** Every block of 8x8 pixels takes a bit at the very least. */
const MAX_PIXELS_A_BYTE = 8 * 64;

/** Of every frame header, by the markers' lengths; entropy-coded data between them has no marker in it. */
function jpegFrames(bytes: Buffer): readonly number[] {
  const frames: number[] = [];
  for (let at = 2; at + 9 <= bytes.length; ) {
    const marker = bytes[at + 1]!;
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd9)) {
      at = bytes.indexOf(0xff, at + 1);
      if (at < 0) break;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) frames.push(bytes.readUInt16BE(at + 5) * bytes.readUInt16BE(at + 7));
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return frames;
}

/**
 * The size is in the first chunk, at a fixed place: it is checked before anything is unpacked, and that no other chunk says
 * it anew. Interlaced data the library would unpack without a limit.
 */
function decodedPng(bytes: Buffer): Picture {
  const height = bytes.readUInt32BE(20);
  const pixels = bytes.readUInt32BE(16) * height;
  if (pixels > MAX_PIXELS) throw new Error(`${pixels} pixels, above ${MAX_PIXELS}`);
  if (pixels === 0) throw new Error("no pixels");
  const chunks = pngChunks(bytes);
  if (chunks.filter(({ type }) => type === "IHDR").length !== 1) throw new Error("not one header");
  const isInterlaced = bytes[28] !== 0;
  if (isInterlaced) {
    const packed = chunks.flatMap(({ type, data }) => (type === "IDAT" ? [data] : []));
    inflateSync(Buffer.concat(packed), { maxOutputLength: 8 * pixels + 32 * (height + 8) });
  }
  return PNG.sync.read(bytes);
}

function pngChunks(bytes: Buffer): readonly { readonly type: string; readonly data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const start = at + 8;
    const end = start + bytes.readUInt32BE(at);
    chunks.push({ type: bytes.toString("latin1", at + 4, start), data: bytes.subarray(start, end) });
    at = end + 4;
  }
  return chunks;
}

/** Every output pixel is the mean over its area of the picture, parts of pixels counted as parts. */
export function resample(
  { width, height, data }: Picture,
  size: number,
  channels: 1 | 3,
  output: Float32Array,
): void {
  for (let row = 0; row < size; row++) {
    const rows = cover((row * height) / size, ((row + 1) * height) / size);
    for (let column = 0; column < size; column++) {
      const columns = cover((column * width) / size, ((column + 1) * width) / size);
      const sums = [0, 0, 0];
      let area = 0;
      for (const [y, tall] of rows)
        for (const [x, wide] of columns) {
          const at = 4 * (y * width + x);
          const share = tall * wide;
          area += share;
          for (let c = 0; c < 3; c++) sums[c]! += (share * data[at + c]! * data[at + 3]!) / (255 * 255);
        }
      const [red, green, blue] = sums.map((sum) => sum / area) as [number, number, number];
      const at = (row * size + column) * channels;
      if (channels === 3) output.set([red, green, blue], at);
      else output[at] = 0.299 * red + 0.587 * green + 0.114 * blue; // luma of ITU-R BT.601
    }
  }
}

/** The whole numbers from `from` to `to`, each with how much of it lies between them. */
function cover(from: number, to: number): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (let i = Math.floor(from); i < to; i++) {
    const share = Math.min(to, i + 1) - Math.max(from, i);
    if (share > 1e-9) found.push([i, share]);
  }
  return found;
}
