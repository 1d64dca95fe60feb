import type { Dataset } from "../model/dataset.ts";
import { problem, readBytes } from "./files.ts";
import { classLabels } from "./labels.ts";
import { unpack, type ZipMember, zipMembers } from "./npy-zip.ts";

export interface NpzOptions {
  /** The array of inputs, one example a row. Left out: the one that is called inputs, images, x or data. */
  readonly inputs?: string;
  /** The array of classes, [count] or [count, 1]. Left out: the one that is called labels, targets or y. */
  readonly labels?: string;
  /** What the names above begin with, before `_`: `train` for `train_images`. */
  readonly split?: string;
  /** What the labels 0 to numClasses-1 are out of; left out: the highest label found decides. */
  readonly numClasses?: number;
}

/** The largest number of values in one array: as float32 a gigabyte. */
const MAX_VALUES = 2 ** 28;
/** Of one array with its header. */
const MAX_BYTES = 8 * MAX_VALUES + 2 ** 16;
const ZIP = "a zip of NumPy arrays";
const INPUTS = ["inputs", "images", "x", "data"];
const LABELS = ["labels", "targets", "y"];

/**
 * A zip of NumPy arrays, as numpy.savez writes it. Unsigned bytes are taken for pixels and divided by 255, all other
 * numbers stay as they are; two dimensions of an example become [rows, columns, 1]. Throws ConfigError naming file and
 * array.
 */
export function readNpz(path: string, options: NpzOptions = {}): Dataset {
  const zip = readBytes(path, ZIP);
  const members = new Map(zipMembers(zip, path, ZIP).map((one) => [one.name.replace(/\.npy$/, ""), one]));
  const chosen = {
    inputs: pick(path, members, wanted(options.inputs, options, INPUTS), "inputs"),
    labels: pick(path, members, wanted(options.labels, options, LABELS), "labels"),
  };
  const read = ({ member, place }: Chosen) => ({
    array: parseNpy(unpack(zip, member, place, MAX_BYTES), place),
    place,
  });
  const [inputs, labels] = [read(chosen.inputs), read(chosen.labels)];
  const [count, ...shape] = inputs.array.shape;
  if (count === undefined || shape.length === 0 || shape.length > 3)
    throw problem(inputs.place, inputs.array.shape, "2 to 4 dimensions, examples first");
  const isColumn = labels.array.shape.length === 2 && labels.array.shape[1] === 1;
  if ((labels.array.shape.length !== 1 && !isColumn) || labels.array.shape[0] !== count)
    throw problem(labels.place, labels.array.shape, `one label for each of ${count} examples`);
  const scale = inputs.array.type === "u1" ? 255 : 1;
  const values = new Float32Array(new SharedArrayBuffer(4 * inputs.array.values.length));
  for (let i = 0; i < values.length; i++) {
    const value = inputs.array.values[i]! / scale;
    if (!Number.isFinite(Math.fround(value)))
      throw problem(`${inputs.place}: value ${i}`, value, "a number that float32 holds");
    values[i] = value;
  }
  return {
    inputShape: shape.length === 2 && scale === 255 ? [...shape, 1] : shape,
    inputs: values,
    ...classLabels(Array.from(labels.array.values), options.numClasses, (i) => `${labels.place}: label ${i}`),
  };
}

const wanted = (
  given: string | undefined,
  { split }: NpzOptions,
  usual: readonly string[],
): readonly string[] =>
  given !== undefined ? [given] : usual.map((name) => (split === undefined ? name : `${split}_${name}`));

interface Chosen {
  readonly member: ZipMember;
  /** `FILE: ARRAY`. */
  readonly place: string;
}

function pick(
  path: string,
  members: ReadonlyMap<string, ZipMember>,
  names: readonly string[],
  what: string,
): Chosen {
  const name = names.find((one) => members.has(one));
  if (name !== undefined) return { member: members.get(name)!, place: `${path}: ${name}` };
  const found = [...members.keys()].join(", ") || "none";
  throw problem(path, found, `an array of ${what}, named ${names.join(" or ")} (or say which: ${what}=NAME)`);
}

interface NpyArray {
  readonly shape: readonly number[];
  /** The descriptor without its byte order, such as u1 or f4. */
  readonly type: string;
  readonly values: ArrayLike<number>;
}

/**
 * One array: NEP 1's magic, version 1 to 3, header length, a Python dictionary of type, order and shape, then the
 * values. Throws ConfigError naming `place`.
 */
export function parseNpy(bytes: Uint8Array, place: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isNpy = bytes.length >= 12 && String.fromCharCode(...bytes.subarray(0, 6)) === "\x93NUMPY";
  const version = bytes[6];
  if (!isNpy || version === undefined || version < 1 || version > 3)
    throw problem(place, `${bytes.length} bytes`, "a NumPy array of version 1 to 3");
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) throw problem(place, `${bytes.length} bytes`, `a header that ends at ${end}`);
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const order = /'descr':\s*'([<>|=]?)([a-z]\d+)'/.exec(header);
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const read = order && readers[order[2]!];
  if (!read || shapeText === undefined)
    throw problem(place, header.trim(), `numbers (${Object.keys(readers).join(", ")}) in a plain array`);
  const shape = shapeText
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  if (/'fortran_order':\s*True/.test(header) && shape.length > 1)
    throw problem(place, "fortran_order", "rows first: numpy.ascontiguousarray before it is saved");
  const numValues = shape.reduce((product, n) => product * n, 1);
  if (numValues < 1 || numValues > MAX_VALUES) throw problem(place, shape, `1 to ${MAX_VALUES} values`);
  const size = Number(order[2]!.slice(1));
  if (bytes.length - end !== numValues * size)
    throw problem(place, `${bytes.length - end} bytes of values`, `${numValues * size}, as its shape says`);
  const littleEndian = order[1] !== ">";
  if (order[2] === "u1") return { shape, type: "u1", values: bytes.subarray(end) };
  const values = new Float64Array(numValues);
  for (let i = 0; i < numValues; i++) values[i] = read(view, end + i * size, littleEndian);
  return { shape, type: order[2]!, values };
}

const readers: Readonly<Record<string, (view: DataView, at: number, littleEndian: boolean) => number>> = {
  u1: (view, at) => view.getUint8(at),
  b1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, le) => view.getUint16(at, le),
  i2: (view, at, le) => view.getInt16(at, le),
  u4: (view, at, le) => view.getUint32(at, le),
  i4: (view, at, le) => view.getInt32(at, le),
  i8: (view, at, le) => Number(view.getBigInt64(at, le)),
  f4: (view, at, le) => view.getFloat32(at, le),
  f8: (view, at, le) => view.getFloat64(at, le),
};
