import type { ByteReader, ByteWriter } from "../../compress/bytes.ts";
import { WireError } from "../../model/error.ts";
import type { Manifest } from "../../model/manifest.ts";
import { type Masks, type Params, sizeOf, type Tensor } from "../../model/tensor.ts";
import { decodeFrame, encodeFrame } from "../../wire/frame.ts";
import type { Limits } from "../../wire/limits.ts";
import { decodeMasks, encodeMasks } from "../../wire/masks.ts";

/** Fields that several sections of a snapshot share; arrays are little endian, as on every host that fedpress runs on. */

type Words = Float32Array | Uint32Array | Uint16Array;

export const writeWords = (writer: ByteWriter, { buffer, byteOffset, byteLength }: Words): void =>
  writer.bytes(new Uint8Array(buffer, byteOffset, byteLength));

/** In memory of their own, which is taken when the bytes are there. */
export const readFloats = (reader: ByteReader, field: string, length: number): Float32Array =>
  new Float32Array(reader.bytes(field, 4 * length).slice().buffer);

export const readUint32s = (reader: ByteReader, field: string, length: number): Uint32Array =>
  new Uint32Array(reader.bytes(field, 4 * length).slice().buffer);

export const readUint16s = (reader: ByteReader, field: string, length: number): Uint16Array =>
  new Uint16Array(reader.bytes(field, 2 * length).slice().buffer);

/** 64 hex digits as their 32 bytes. */
export function writeDigest(writer: ByteWriter, digest: string): void {
  for (let at = 0; at < 64; at += 8) writer.shortDigest(Number.parseInt(digest.slice(at, at + 8), 16));
}

export const readDigest = (reader: ByteReader, field: string): string =>
  Array.from(reader.bytes(field, 32), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Of things that take a byte each at least. */
export const readLength = (reader: ByteReader, field: string): number =>
  reader.varint(field, 0, Math.min(0xffffffff, reader.remaining()));

export const readFlag = (reader: ByteReader, field: string): boolean => reader.uint8(field, 0, 1) === 1;

/** A float64 of any value, to the bit. */
export function writeDouble(writer: ByteWriter, value: number): void {
  const { buffer, byteOffset } = writer.region(8);
  new DataView(buffer, byteOffset, 8).setFloat64(0, value, true);
}

export function readDouble(reader: ByteReader, field: string): number {
  const { buffer, byteOffset } = reader.bytes(field, 8);
  return new DataView(buffer, byteOffset, 8).getFloat64(0, true);
}

export function writeOptional<T>(writer: ByteWriter, value: T | null, write: (value: T) => void): void {
  writer.uint8(value === null ? 0 : 1);
  if (value !== null) write(value);
}

export const readOptional = <T>(reader: ByteReader, field: string, read: () => T): T | null =>
  readFlag(reader, field) ? read() : null;

export function writeText(writer: ByteWriter, text: string): void {
  writeBlock(writer, new TextEncoder().encode(text));
}

export function readText(reader: ByteReader, field: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readBlock(reader, field));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new WireError("bad-field", reader.placed(field), "not UTF-8");
  }
}

export function writeBlock(writer: ByteWriter, block: Uint8Array): void {
  writer.varint(block.length);
  writer.bytes(block);
}

/** As a view. */
export const readBlock = (reader: ByteReader, field: string): Uint8Array =>
  reader.bytes(field, readLength(reader, `${field} length`));

export function writeParams(writer: ByteWriter, params: Params): void {
  for (const { data } of params.values()) writeWords(writer, data);
}

export const readParams = (reader: ByteReader, field: string, { tensors }: Manifest): Params =>
  new Map(
    tensors.map(({ name, shape }): [string, Tensor] => [
      name,
      { shape, data: readFloats(reader, `${field} ${name}`, sizeOf(shape)) },
    ]),
  );

export const writeMasks = (writer: ByteWriter, masks: Masks, manifest: Manifest): void =>
  writeBlock(writer, encodeFrame(encodeMasks(masks, manifest)));

export function readMasks(reader: ByteReader, field: string, manifest: Manifest, limits: Limits): Masks {
  const bytes = readBlock(reader, field);
  const frame = decodeFrame(bytes, { ...limits, frameBytes: bytes.length });
  if (frame.kind !== "masks") throw new WireError("bad-kind", reader.placed(field), frame.kind);
  return decodeMasks(frame, manifest);
}
