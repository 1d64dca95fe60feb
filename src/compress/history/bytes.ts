import { NUM_TABLES, TABLE } from "../../kernels/codec-history.ts";
import { WireError } from "../../model/error.ts";
import { type Manifest, numParams } from "../../model/manifest.ts";
import { bitReader, bitWriter } from "../bits.ts";
import { type ByteReader, type ByteWriter, byteReader, byteWriter } from "../bytes.ts";
import { readCodes, shorterCodes } from "../values/codes.ts";
import type { HistoryState } from "./state.ts";

/** A state as docs/wire-format.md has it. */
export function writeState({ version, slow, fast, drift, age, weights, counters }: HistoryState): Uint8Array {
  const writer = byteWriter();
  writer.varint(version);
  for (const weight of weights) writer.uint32(weight >>> 0);
  let empty = 0;
  for (const count of counters) {
    if (count === 0) {
      empty++;
      continue;
    }
    writer.varint(empty);
    writer.varint(count % 2 ** 32);
    writer.varint(Math.floor(count / 2 ** 32));
    empty = 0;
  }
  writer.varint(empty);
  for (const plane of [slow, fast, zigzag(drift)])
    for (const shift of [0, 8]) writeCodes(writer, bytesAt(plane, shift));
  writeCodes(writer, age);
  return writer.written().slice();
}

/** What a state takes at most: version, weights, and of every counter that it is there and up to 40 bits; seven planes. */
export const mostStateBytes = (length: number): number =>
  5 + 4 * NUM_TABLES + 8 * (2 * NUM_TABLES * TABLE) + 3 + 7 * (6 + length);

/** Throws WireError; takes memory for the manifest's coordinates only. */
export function readState(bytes: Uint8Array, manifest: Manifest, place: string): HistoryState {
  const length = numParams(manifest);
  const reader = byteReader(bytes, place);
  const version = reader.varint("version", 0, 0xffffffff);
  const weights = new Int32Array(NUM_TABLES);
  for (let t = 0; t < NUM_TABLES; t++) weights[t] = reader.uint32(`weight ${t}`);
  if (weights.some((weight) => Math.abs(weight) >= 2 ** 27))
    throw new WireError("bad-field", reader.placed("weights"), "a weight of 2 or more");
  const counters = readCounters(reader);
  const words = (): Uint16Array => {
    const low = readBytes(reader, length);
    const high = readBytes(reader, length);
    const joined = new Uint16Array(length);
    for (let i = 0; i < length; i++) joined[i] = low[i]! | (high[i]! << 8);
    return joined;
  };
  const [slow, fast, drift] = [words(), words(), words()];
  const age = readBytes(reader, length);
  reader.end();
  if ([slow, fast].some((sums) => sums.some((sum) => sum > 2 ** 14)) || drift.some((sum) => sum > 2 ** 15))
    throw new WireError("bad-field", place, "a sum above 2^14");
  return {
    version,
    slow,
    fast,
    drift: unfolded(drift),
    age,
    weights,
    counters,
  };
}

// Loops, as `from` with a function is many times slower, and these run over all coordinates.

/** 0, -1, 1, -2, 2 and so on as 0, 1, 2, 3, 4. */
function zigzag(plane: Int16Array): Uint16Array {
  const folded = new Uint16Array(plane.length);
  for (let i = 0; i < plane.length; i++) folded[i] = plane[i]! < 0 ? -2 * plane[i]! - 1 : 2 * plane[i]!;
  return folded;
}

function unfolded(plane: Uint16Array): Int16Array {
  const signed = new Int16Array(plane.length);
  for (let i = 0; i < plane.length; i++) signed[i] = (plane[i]! >> 1) ^ -(plane[i]! & 1);
  return signed;
}

function bytesAt(plane: Uint16Array, shift: number): Uint8Array {
  const bytes = new Uint8Array(plane.length);
  for (let i = 0; i < plane.length; i++) bytes[i] = plane[i]! >> shift;
  return bytes;
}

/** Those that are not zero, each behind how many are. */
function readCounters(reader: ByteReader): Float64Array {
  const counters = new Float64Array(2 * NUM_TABLES * TABLE);
  for (let at = reader.varint("empty", 0, counters.length); at < counters.length; ) {
    const low = reader.varint("count", 0, 0xffffffff);
    const count = low + 2 ** 32 * reader.varint("count high", 0, 255);
    if (count === 0) throw new WireError("bad-field", reader.placed("count"), "is 0, and there nevertheless");
    counters[at++] = count;
    at += reader.varint("empty", 0, counters.length - at);
  }
  return counters;
}

/** Bytes as they are, or by rANS where that is shorter. */
function writeCodes(writer: ByteWriter, plane: Uint8Array): void {
  const codes = shorterCodes(plane, 8);
  const coded = new Uint8Array(Math.ceil(codes.bits / 8));
  const bits = bitWriter(coded);
  codes.write(bits);
  bits.flush();
  writer.uint8(codes.isRans ? 1 : 0);
  writer.varint(coded.length);
  writer.bytes(coded);
}

function readBytes(reader: ByteReader, length: number): Uint8Array {
  const isRans = reader.uint8("code", 0, 1) === 1;
  const coded = reader.bytes("plane", reader.varint("bytes", 0, 0xffffffff));
  const place = reader.placed("plane");
  const bits = bitReader(coded, place);
  const codes = readCodes(bits, 8, isRans, length, place);
  bits.end();
  return codes;
}
