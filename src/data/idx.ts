import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import type { Dataset } from "../model/dataset.ts";
import { ConfigError } from "../model/error.ts";
import { classLabels } from "./labels.ts";

/**
 * IDX, the format of MNIST and its relatives: two zero bytes, the type (8: unsigned byte), the number of dimensions,
 * each dimension as 32 bits big endian, then the values. Plain or gzipped.
 */
export interface IdxOptions {
  /** Which pair of files: the part of their names before `-images`. Left out: `train`, or the only pair there is. */
  readonly pair?: string;
  /** What the labels 0 to numClasses-1 are out of; left out: the highest label found decides. */
  readonly numClasses?: number;
}

/** The largest number of values in one file: as float32 a gigabyte. */
const MAX_VALUES = 2 ** 28;

/**
 * A folder's images and labels, such as `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`: inputs
 * [rows, columns, 1] (or the file's own shape), value / 255. Throws ConfigError naming the file.
 */
export function readIdx(folder: string, { pair, numClasses }: IdxOptions = {}): Dataset {
  const [imagesFile, labelsFile] = findPair(folder, pair);
  const images = readFile(imagesFile);
  const labels = readFile(labelsFile);
  const [numImages, ...shape] = images.shape as [number, ...number[]];
  if (shape.length === 0 || shape.length > 3) throw problem(imagesFile, images.shape, "2 to 4 dimensions");
  if (labels.shape.length !== 1 || labels.shape[0] !== numImages)
    throw problem(labelsFile, labels.shape, `one label for each of ${numImages} images`);
  const inputs = new Float32Array(new SharedArrayBuffer(4 * images.values.length));
  for (let i = 0; i < inputs.length; i++) inputs[i] = images.values[i]! / 255;
  return {
    inputShape: shape.length === 2 ? [...shape, 1] : shape,
    inputs,
    ...classLabels(Array.from(labels.values), numClasses, (i) => `${labelsFile}: label ${i}`),
  };
}

/** `NAME-images...` with `NAME-labels...`, as MNIST, Fashion-MNIST and EMNIST have them; also with dots. */
function findPair(folder: string, wanted: string | undefined): readonly [string, string] {
  const pairs = new Map<string, { images?: string; labels?: string }>();
  for (const file of listFolder(folder)) {
    const match = /^(?:(.*?)[-_.])?(images|labels)[-_.]idx\d-ubyte(?:\.gz)?$/.exec(file);
    if (match === null) continue;
    const name = match[1] ?? "";
    pairs.set(name, { ...pairs.get(name), [match[2]!]: join(folder, file) });
  }
  const complete = [...pairs].filter(
    ([, { images, labels }]) => images !== undefined && labels !== undefined,
  );
  const name = wanted ?? (complete.length === 1 ? complete[0]![0] : "train");
  const { images, labels } = pairs.get(name) ?? {};
  if (images === undefined || labels === undefined) {
    const found = complete.map(([other]) => other).join(", ") || "none";
    const stem = name === "" ? "" : `${name}-`;
    throw problem(
      folder,
      name,
      `${stem}images-idx3-ubyte and ${stem}labels-idx1-ubyte, .gz or not (pairs: ${found})`,
    );
  }
  return [images, labels];
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw problem(folder, (error as Error).message, "a folder of IDX files");
  }
}

interface IdxFile {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

function readFile(path: string): IdxFile {
  const bytes = readBounded(path);
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const { shape, headerBytes, numValues } = readHeader(gzipped ? inflateStart(path, bytes) : bytes, path);
  const whole = gzipped ? inflate(path, bytes, headerBytes + numValues) : bytes;
  if (whole.length !== headerBytes + numValues)
    throw problem(
      path,
      whole.length,
      `${headerBytes + numValues} bytes, as its dimensions ${shape.join("x")} say`,
    );
  return { shape, values: whole.subarray(headerBytes) };
}

function readBounded(path: string): Buffer {
  let size: number;
  try {
    ({ size } = statSync(path));
    if (size <= 2 * MAX_VALUES) return readFileSync(path);
  } catch (error) {
    throw problem(path, (error as Error).message, "an IDX file that can be read");
  }
  throw problem(path, size, `at most ${MAX_VALUES} values`);
}

function readHeader(start: Buffer, path: string) {
  const magic = start.length < 4 ? -1 : start.readUInt32BE(0);
  const numDimensions = magic & 0xff;
  const headerBytes = 4 + 4 * numDimensions;
  if (magic >>> 8 !== 0x000008 || numDimensions < 1 || numDimensions > 4)
    throw problem(path, start.toString("hex", 0, 4), "an IDX file of unsigned bytes: it begins with 000008");
  if (start.length < headerBytes) throw problem(path, `${start.length} bytes`, `${numDimensions} dimensions`);
  const shape = Array.from({ length: numDimensions }, (_, i) => start.readUInt32BE(4 + 4 * i));
  const numValues = shape.reduce((product, n) => product * n, 1);
  if (numValues < 1 || numValues > MAX_VALUES)
    throw problem(path, shape.join("x"), `dimensions of 1 to ${MAX_VALUES} values in all`);
  return { shape, headerBytes, numValues };
}

/** Enough for the header: deflate makes at most 1,032 bytes of one, so the memory is bounded. */
function inflateStart(path: string, bytes: Buffer): Buffer {
  return gunzip(path, bytes.subarray(0, 1024), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** One byte above what is expected is room to see that there is more. */
const inflate = (path: string, bytes: Buffer, expected: number): Buffer =>
  gunzip(path, bytes, { maxOutputLength: expected + 1 });

function gunzip(path: string, bytes: Buffer, options: Parameters<typeof gunzipSync>[1] & object): Buffer {
  try {
    return gunzipSync(bytes, options);
  } catch (error) {
    throw problem(path, (error as Error).message, "gzip data of the size that the IDX header says");
  }
}

const problem = (path: string, value: unknown, expected: string): ConfigError =>
  new ConfigError([{ path, value, expected }]);
