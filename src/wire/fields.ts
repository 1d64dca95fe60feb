import type { ByteReader, ByteWriter } from "../compress/bytes.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import type { Manifest, TensorSpec } from "../model/manifest.ts";
import type { Limits } from "./limits.ts";

/** Fields that several kinds of frame share. */

export function writeName(writer: ByteWriter, name: string): void {
  const bytes = new TextEncoder().encode(name); // turns lone surrogates into U+FFFD
  assert(
    name.length > 0 && isClean(name) && decodeUtf8(bytes, name) === name,
    `${JSON.stringify(name)} is a name`,
  );
  writer.varint(bytes.length);
  writer.bytes(bytes);
}

/** UTF-8, 1 to `limits.nameBytes` bytes, no control characters: a name may stand in a line of text. */
export function readName(reader: ByteReader, field: string, limits: Limits): string {
  const length = reader.varint(`${field} length`, 1, 0xffffffff);
  limit(reader.placed(field), length, limits.nameBytes, "bytes");
  const place = reader.placed(field);
  const name = decodeUtf8(reader.bytes(field, length), place);
  if (!isClean(name)) throw new WireError("bad-field", place, "control characters in a name");
  return name;
}

export function writePayloads(writer: ByteWriter, payloads: readonly Uint8Array[]): void {
  assert(payloads.length > 0, "a frame has payloads");
  writer.varint(payloads.length);
  for (const payload of payloads) writePayloadBytes(writer, payload);
}

export function readPayloads(reader: ByteReader, limits: Limits): readonly Uint8Array[] {
  const count = readCount(reader, "payloads", limits.numTensors);
  return Array.from({ length: count }, (_, i) => readPayloadBytes(reader, `payload ${i}`));
}

export function writePayloadBytes(writer: ByteWriter, payload: Uint8Array): void {
  assert(payload.length > 0, "a payload has a first byte");
  writer.varint(payload.length);
  writer.bytes(payload);
}

export const readPayloadBytes = (reader: ByteReader, field: string): Uint8Array =>
  reader.bytes(field, reader.varint(`${field} length`, 1, 0xffffffff));

/** A count of things that take at least one byte each: 1 to `most` (`too-large`), and no more than can follow. */
export function readCount(reader: ByteReader, field: string, most: number): number {
  const count = reader.varint(field, 1, 0xffffffff);
  limit(reader.placed(field), count, most, "entries");
  if (count > reader.remaining())
    throw new WireError(
      "truncated",
      reader.placed(field),
      `${count}, with ${reader.remaining()} bytes to come`,
    );
  return count;
}

export function writeManifest(writer: ByteWriter, { tensors }: Manifest): void {
  assert(tensors.length > 0, "a model has tensors");
  writer.varint(tensors.length);
  for (const { name, shape } of tensors) {
    writeName(writer, name);
    writer.varint(shape.length);
    for (const size of shape) writer.varint(size);
  }
}

/** Names are distinct, every size is 1 or more, and all coordinates together within `limits.numParams`. */
export function readManifest(reader: ByteReader, limits: Limits): Manifest {
  const count = readCount(reader, "tensors", limits.numTensors);
  const tensors: TensorSpec[] = [];
  const names = new Set<string>();
  let numParams = 0;
  for (let i = 0; i < count; i++) {
    const name = readName(reader, `tensor ${i} name`, limits);
    if (names.has(name)) throw new WireError("bad-field", reader.placed(`tensor ${i} name`), `${name} twice`);
    names.add(name);
    const { shape, size } = readShape(reader, `tensor ${i}`, limits);
    numParams += size;
    limit(reader.placed(`tensor ${i}`), numParams, limits.numParams, "coordinates so far");
    tensors.push({ name, shape });
  }
  return { tensors };
}

function readShape(reader: ByteReader, field: string, limits: Limits) {
  const rank = reader.varint(`${field} rank`, 0, 0xffffffff);
  limit(reader.placed(`${field} rank`), rank, limits.rank, "dimensions");
  const shape: number[] = [];
  let size = 1; // stays exact: below numParams * 2^32
  for (let i = 0; i < rank; i++) {
    const extent = reader.varint(`${field} size ${i}`, 1, 0xffffffff);
    size *= extent;
    limit(reader.placed(`${field} size ${i}`), size, limits.numParams, "coordinates");
    shape.push(extent);
  }
  return { shape, size };
}

function limit(place: string, value: number, most: number, unit: string): void {
  if (value > most) throw new WireError("too-large", place, `${value} ${unit}, at most ${most}`);
}

function decodeUtf8(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new WireError("bad-field", place, "not UTF-8");
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const isClean = (name: string): boolean => !/[\u0000-\u001f\u007f]/.test(name);
