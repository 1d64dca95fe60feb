import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { crc32c } from "../../wire/checksum.ts";
import { JournalError, RESTORE } from "./error.ts";
import { HEAD_BYTES, isOneBitOff, readHead, recordHash } from "./framing.ts";
import { blobName, type SegmentName } from "./names.ts";

/** What the first record of a segment says. */
export interface SegmentHead {
  readonly format: 1;
  readonly segment: string;
  /** The segment before, and how many of its bytes count; what stands after them was never acknowledged. */
  readonly previous: { readonly segment: string; readonly bytes: number } | null;
  /** The state that all records before this segment come to, in a blob; null where there is none. */
  readonly snapshot: BlobRef | null;
}

/** Bytes in a file of their own, by their SHA-256 in 64 hex digits. */
export interface BlobRef {
  readonly digest: string;
  readonly bytes: number;
}

export type Body =
  | { readonly head: SegmentHead }
  | { readonly record: Uint8Array }
  | { readonly blob: BlobRef };

/** A byte for the kind, then: the head as JSON; a record's own bytes; or the digest of a record that is a blob, and u32 length. */
const KIND = { head: 0, record: 1, blob: 2 } as const;

export function encodeBody(body: Body): Uint8Array {
  if ("head" in body) return concatBytes(Uint8Array.of(KIND.head), utf8ToBytes(JSON.stringify(body.head)));
  if ("record" in body) return concatBytes(Uint8Array.of(KIND.record), body.record);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.blob.bytes, true);
  return concatBytes(Uint8Array.of(KIND.blob), hexToBytes(body.blob.digest), length);
}

/** A record as it was read, and where it stands. */
export interface Stored {
  readonly place: string;
  readonly content: Uint8Array | BlobRef;
}

export interface Segment extends SegmentName {
  readonly head: SegmentHead;
  readonly records: readonly Stored[];
  /** That count. */
  readonly bytes: number;
  /** After them. */
  readonly tornBytes: number;
  /** SHA-256 of the last record. */
  readonly hash: Uint8Array;
}

/** The files that a segment names. */
export function blobsOf({ head, records }: Pick<Segment, "head" | "records">): readonly string[] {
  const refs = records.flatMap(({ content }) => (content instanceof Uint8Array ? [] : [content]));
  return [...(head.snapshot ? [head.snapshot] : []), ...refs].map(({ digest }) => blobName(digest));
}

/** What the head says, and the hash of the last record before the segment. Throws JournalError. */
export function readSegmentHead(file: Uint8Array, { name }: SegmentName) {
  const { body, previous } = recordAt(file, { name, number: 0, at: 0 });
  if (!("head" in body) || body.head.segment !== name)
    throw damaged({ name, number: 0, at: 0 }, `is not the head of ${name}`);
  if (body.head.format !== 1)
    throw new JournalError(
      "foreign",
      name,
      `is of journal format ${body.head.format}`,
      "go on with the build of fedpress that wrote it, or start a new run in another coordinator.stateDir",
    );
  return { ...body.head, hash: previous };
}

/**
 * All records of a segment, each checked against its checksums and the one before. `next` is the segment after it, which
 * says what counts; without, the last bytes may be torn: the end of what was being written when the writer died.
 */
export function readSegment(
  file: Uint8Array,
  name: SegmentName,
  next: { readonly name: string; readonly bytes: number; readonly hash: Uint8Array } | null,
): Segment {
  const end = next?.bytes ?? file.length;
  if (file.length < end)
    throw new JournalError(
      "damaged",
      name.name,
      `has ${file.length} bytes, of which ${next!.name} counts ${end}`,
      RESTORE,
    );
  const counted = file.subarray(0, end);
  let head: SegmentHead | null = null;
  let hash = readSegmentHead(counted, name).hash;
  const records: Stored[] = [];
  let at = 0;
  for (let number = 0; at < end; number++) {
    const place = { name: name.name, number, at };
    if (next === null && number > 0 && isTorn(counted, at)) break;
    const { body, previous, bytes } = recordAt(counted, place);
    if (!isEqual(previous, hash)) throw damaged(place, "does not follow the record before it");
    if ("head" in body) head = body.head;
    else records.push({ place: placeOf(place), content: "blob" in body ? body.blob : body.record });
    if ("head" in body !== (number === 0)) throw damaged(place, "is a head where none belongs");
    hash = recordHash(counted.subarray(at, at + HEAD_BYTES), counted.subarray(at + HEAD_BYTES, at + bytes));
    at += bytes;
  }
  if (next !== null && !isEqual(hash, next.hash))
    throw new JournalError(
      "damaged",
      name.name,
      `does not end with the record that ${next.name} follows`,
      RESTORE,
    );
  return { ...name, head: head!, records, bytes: at, tornBytes: file.length - at, hash };
}

interface Place {
  readonly name: string;
  /** Of the record in its segment; its head is 0. */
  readonly number: number;
  readonly at: number;
}

const placeOf = ({ name, number, at }: Place): string => `${name}, record ${number} at byte ${at}`;

const damaged = (place: Place, detail: string): JournalError =>
  new JournalError("damaged", placeOf(place), detail, RESTORE);

/** The record at `at`, which must be whole. */
function recordAt(file: Uint8Array, place: Place) {
  const { at } = place;
  const left = file.length - at;
  if (left < HEAD_BYTES) throw damaged(place, `has ${left} bytes where its head needs ${HEAD_BYTES}`);
  const head = readHead(file, at);
  if (head === null) throw damaged(place, "the checksum of its head differs");
  if (head.length > left - HEAD_BYTES)
    throw damaged(place, `says ${head.length} bytes where ${left - HEAD_BYTES} follow`);
  const bytes = file.subarray(at + HEAD_BYTES, at + HEAD_BYTES + head.length);
  if (crc32c(bytes) !== head.bodySum) throw damaged(place, "the checksum of its bytes differs");
  return { body: decodeBody(bytes, place), previous: head.previous, bytes: HEAD_BYTES + head.length };
}

function decodeBody(bytes: Uint8Array, place: Place): Body {
  const rest = bytes.subarray(1);
  if (bytes[0] === KIND.record) return { record: rest };
  if (bytes[0] === KIND.head) return { head: JSON.parse(new TextDecoder().decode(rest)) };
  if (bytes[0] !== KIND.blob || rest.length !== 36) throw damaged(place, "is of no kind that there is");
  const length = new DataView(rest.buffer, rest.byteOffset + 32, 4).getUint32(0, true);
  return { blob: { digest: bytesToHex(rest.subarray(0, 32)), bytes: length } };
}

/**
 * Whether the record at `at` is one that a crash has torn, and none that was ever acknowledged: not whole, by more than a
 * flipped bit, with nothing after it that was written when these bytes were on disk.
 */
function isTorn(file: Uint8Array, at: number): boolean {
  if (file.length - at < HEAD_BYTES) return true;
  const head = readHead(file, at);
  if (head === null) {
    const sum = new DataView(file.buffer, file.byteOffset + at + 44, 4).getUint32(0, true);
    return !isOneBitOff(file.subarray(at, at + 44), sum) && !isFollowed(file, at, at + 1);
  }
  const bytes = file.subarray(at + HEAD_BYTES, at + HEAD_BYTES + head.length);
  if (bytes.length < head.length) return true;
  // a client's frame may look like a record: where this one ends is known, and none begins before
  const next = at + HEAD_BYTES + head.length;
  return crc32c(bytes) !== head.bodySum && !isOneBitOff(bytes, head.bodySum) && !isFollowed(file, at, next);
}

/** Whether a record stands at `from` or behind it that was written when what is at `at` was on disk. */
function isFollowed(file: Uint8Array, at: number, from: number): boolean {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let other = from; other + HEAD_BYTES <= file.length; other++) {
    const durable = view.getUint32(other + 4, true);
    if (durable > at && durable <= other && readHead(file, other) !== null) return true;
  }
  return false;
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((v, i) => v === b[i]);
