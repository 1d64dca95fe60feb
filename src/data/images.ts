import { statSync } from "node:fs";
import { join } from "node:path";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Dataset } from "../model/dataset.ts";
import { listNames, problem, readBytes } from "./files.ts";

export interface ImagesOptions {
  /** Rows and columns of one example; pictures are brought to it. */
  readonly size: number;
  /** 1: grey, 3: red, green, blue. */
  readonly channels: 1 | 3;
}

const MAX_PIXELS = 2 ** 26;
const MAX_PICTURE_BYTES = 2 ** 26;
/** Bounds the memory of all examples together: as float32 a gigabyte. */
const MAX_VALUES = 2 ** 28;

/**
 * A folder with a folder of PNG or JPEG pictures for each class, classes in the order of their names: inputs [size, size,
 * channels], 0 to 1, by averages over areas; transparent is black. Throws ConfigError naming the file.
 */
export function readImages(folder: string, { size, channels }: ImagesOptions): Dataset {
  const classes = listNames(folder, "a folder with a folder for each class").filter((name) =>
    statSync(join(folder, name)).isDirectory(),
  );
  if (classes.length < 2)
    throw problem(folder, classes, "a folder with a folder for each of 2 or more classes");
  const files = classes.flatMap((name, label) =>
    listNames(join(folder, name), "a folder of pictures")
      .filter((file) => /\.(png|jpe?g)$/i.test(file))
      .map((file) => ({ path: join(folder, name, file), label })),
  );
  const length = size * size * channels;
  if (files.length === 0) throw problem(folder, "no picture", "PNG or JPEG files in the classes' folders");
  if (files.length * length > MAX_VALUES)
    throw problem(
      folder,
      `${files.length} pictures`,
      `at most ${Math.floor(MAX_VALUES / length)} of ${length} values`,
    );
  const inputs = new Float32Array(new SharedArrayBuffer(4 * length * files.length));
  const labels = new Int32Array(new SharedArrayBuffer(4 * files.length));
  files.forEach(({ path, label }, i) => {
    resample(decoded(path), size, channels, inputs.subarray(i * length, (i + 1) * length));
    labels[i] = label;
  });
  return { inputShape: [size, size, channels], numClasses: classes.length, inputs, labels };
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
      : jpeg.decode(bytes, {
          useTArray: true,
          maxResolutionInMP: MAX_PIXELS / 1e6,
          maxMemoryUsageInMB: 1024,
        });
  } catch (error) {
    throw problem(path, (error as Error).message, "a PNG or JPEG picture");
  }
}

/** The size is in the first chunk, at a fixed place: it is checked before anything is unpacked. */
function decodedPng(bytes: Buffer): Picture {
  const pixels = bytes.readUInt32BE(16) * bytes.readUInt32BE(20);
  if (pixels > MAX_PIXELS) throw new Error(`${pixels} pixels, above ${MAX_PIXELS}`);
  return PNG.sync.read(bytes);
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
