import * as zlib from "node:zlib";
import { inflateSync } from "fflate";
import { problem } from "./files.ts";

/** One file of a zip, as the directory at its end says. */
export interface ZipMember {
  readonly name: string;
  readonly crc: number;
  /** 0 is stored, 8 deflated. */
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where its own header starts. */
  readonly offset: number;
}

const END = 0x06054b50;
const END_64_LOCATOR = 0x07064b50;
const MEMBER = 0x02014b50;
/** In a field of 32 bits: the value is in the extra field of 64. */
const ELSEWHERE = 0xffffffff;

/** The files of a zip; nothing is unpacked. Throws ConfigError naming `path`. */
export function zipMembers(zip: Buffer, path: string, what: string): readonly ZipMember[] {
  try {
    const end = endOf(zip);
    const is64 = end >= 20 && zip.readUInt32LE(end - 20) === END_64_LOCATOR;
    const end64 = is64 ? number64(zip, end - 12) : 0;
    const count = is64 ? number64(zip, end64 + 32) : zip.readUInt16LE(end + 10);
    let at = is64 ? number64(zip, end64 + 48) : zip.readUInt32LE(end + 16);
    const members: ZipMember[] = [];
    for (let i = 0; i < count; i++) {
      if (zip.readUInt32LE(at) !== MEMBER) throw new RangeError(`no directory entry at byte ${at}`);
      members.push(memberAt(zip, at));
      at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    }
    return members;
  } catch (error) {
    throw problem(path, (error as Error).message, what); // a number beyond the bytes, for one
  }
}

/** The last record, before a comment of at most 65,535 bytes. */
function endOf(zip: Buffer): number {
  for (let at = zip.length - 22; at >= 0 && at >= zip.length - 22 - 65_535; at--)
    if (zip.readUInt32LE(at) === END) return at;
  throw new RangeError("no directory");
}

const number64 = (zip: Buffer, at: number): number => Number(zip.readBigUInt64LE(at));

function memberAt(zip: Buffer, at: number): ZipMember {
  const extra = at + 46 + zip.readUInt16LE(at + 28);
  const sizes = [at + 24, at + 20, at + 42].map((field) => zip.readUInt32LE(field));
  let at64 = extraOf64(zip, extra, extra + zip.readUInt16LE(at + 30));
  const [bytes, packedBytes, offset] = sizes.map((value) => {
    if (value !== ELSEWHERE || at64 === null) return value;
    at64 += 8;
    return number64(zip, at64 - 8);
  }) as [number, number, number];
  const isUtf8 = (zip.readUInt16LE(at + 8) & 0x800) !== 0;
  return {
    name: zip.toString(isUtf8 ? "utf8" : "latin1", at + 46, extra),
    crc: zip.readUInt32LE(at + 16),
    method: zip.readUInt16LE(at + 10),
    packedBytes,
    bytes,
    offset,
  };
}

/** Where the sizes of 64 bits start; null where there are none. */
function extraOf64(zip: Buffer, start: number, end: number): number | null {
  for (let at = start; at + 4 <= end; at += 4 + zip.readUInt16LE(at + 2))
    if (zip.readUInt16LE(at) === 1) return at + 4;
  return null;
}

/** Deflate packs at most 258 bytes in 2 bits. */
const MAX_RATIO = 1032;

/** One file, no larger than `maxBytes`, and as its checksum says. Throws ConfigError naming `place`. */
export function unpack(zip: Buffer, member: ZipMember, place: string, maxBytes: number): Uint8Array {
  const { method, packedBytes, bytes, crc, offset } = member;
  if (bytes > maxBytes) throw problem(place, `${bytes} bytes`, `at most ${maxBytes} bytes`);
  if (method !== 0 && method !== 8)
    throw problem(place, `method ${method}`, "stored or deflated: numpy.savez or savez_compressed");
  const start = offset + 30 <= zip.length ? offset + 30 + lengthsAt(zip, offset + 26) : zip.length;
  const packed = zip.subarray(start, start + packedBytes);
  const isPossible = method === 0 ? bytes === packedBytes : bytes <= MAX_RATIO * packedBytes;
  if (packed.length !== packedBytes || !isPossible)
    throw problem(place, `${packed.length} bytes`, `${packedBytes} bytes that hold ${bytes}`);
  const content = method === 0 ? packed : inflated(packed, bytes, place);
  const found = crc32(content);
  if (found !== crc) throw problem(place, hex(found), `content of checksum ${hex(crc)}, as the zip says`);
  return content;
}

/** Of the name and the extra field of a file's own header. */
const lengthsAt = (zip: Buffer, at: number): number => zip.readUInt16LE(at) + zip.readUInt16LE(at + 2);

function inflated(packed: Buffer, bytes: number, place: string): Uint8Array {
  try {
    return inflateSync(packed, { out: new Uint8Array(bytes) });
  } catch (error) {
    throw problem(place, (error as Error).message, "content that can be unpacked");
  }
}

const hex = (crc: number): string => `0x${crc.toString(16).padStart(8, "0")}`;

/** Some versions of Node that fedpress runs on have none. */
const crc32: (bytes: Uint8Array) => number = zlib.crc32 ?? ownCrc32;

/** CRC-32 of zip and gzip, bit by bit from the lowest. */
export function ownCrc32(bytes: Uint8Array): number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    return crc;
  });
  let crc = ~0;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255]!;
  return ~crc >>> 0;
}
