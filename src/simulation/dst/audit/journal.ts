import { createHash } from "node:crypto";
import { crc32c } from "./checksum.ts";

/**
 * A reader of the journal for the auditor, written from docs/journal.md and sharing no code with the coordinator's: what
 * of the files on a disk is a record that counts.
 */
export interface JournalRecord {
  readonly head: RecordHead;
  readonly frame: Uint8Array;
}

/** Fields by type of record, as they are written. */
export interface RecordHead {
  readonly type: string;
  readonly runId: string;
  readonly round: number;
  readonly cohort: readonly string[];
  readonly exponents: readonly number[];
  readonly clientId: string;
  readonly baseVersion: number;
  readonly weight: { readonly gain: number; readonly weight: number };
  readonly outcome: "commit" | "abandon";
  readonly version: number;
  readonly digest: string;
  readonly code: string;
  readonly evidence: Evidence;
  readonly bytes: Totals;
}

/** What became of clients that were asked. */
export interface Evidence {
  readonly heard: number;
  readonly lost: number;
}

export interface Totals {
  readonly uplink: number;
  readonly downlink: number;
  readonly denseUplink: number;
  readonly denseDownlink: number;
}

export interface DurableFiles {
  readonly names: () => readonly string[];
  readonly read: (name: string) => Uint8Array | null;
  /** Whether a process would find it now. */
  readonly isSeen: (name: string) => boolean;
}

export interface JournalReader {
  /**
   * Reads on from where it was: the records that count now and did not before. A broken chain is a reason; so are records
   * that counted and do not any more.
   */
  readonly readOn: () => { readonly records: readonly JournalRecord[]; readonly wrong: string | null };
  /** The newest segment that counts, and how many bytes of it. */
  readonly newest: () => { readonly name: string; readonly bytes: number } | null;
}

interface Segment {
  readonly name: string;
  readonly epoch: number;
  readonly number: number;
  /** Those that the run is folded from, without the segment's head. */
  readonly records: JournalRecord[];
  /** Up to where it is read, and the hash of the last record there. */
  at: number;
  hash: string;
  previous: { readonly segment: string; readonly bytes: number } | null;
  /** Another segment says where it ends. */
  isClosed: boolean;
}

const HEAD = 48;
const ZEROS = "0".repeat(64);

export function journalReader(files: DurableFiles): JournalReader {
  const segments = new Map<string, Segment>();
  /** The last of the chain so far. */
  let newest: Segment | null = null;

  /** Reads whole records up to `end`; a reason when what stands there does not follow. */
  const readSegment = (segment: Segment, file: Uint8Array, end: number): string | null => {
    while (segment.at + HEAD <= end) {
      const { at } = segment;
      const view = new DataView(file.buffer, file.byteOffset + at, HEAD);
      const bodyEnd = at + HEAD + view.getUint32(0, true);
      const body = file.subarray(at + HEAD, bodyEnd);
      if (crc32c(file.subarray(at, at + 44)) !== view.getUint32(44, true) || bodyEnd > end) return null;
      if (crc32c(body) !== view.getUint32(40, true)) return null;
      const previous = Buffer.from(file.subarray(at + 8, at + 40)).toString("hex");
      if (at > 0 && previous !== segment.hash)
        return `${segment.name}, byte ${at}: does not follow the record before`;
      if (at === 0) {
        const head = JSON.parse(text(body.subarray(1)));
        if (body[0] !== 0 || head.segment !== segment.name)
          return `${segment.name} does not begin with its head`;
        segment.previous = head.previous;
        const last = head.previous && segments.get(head.previous.segment);
        if (last) {
          const wrong = closeSegment(last, head.previous.bytes);
          if (wrong !== null) return wrong;
          if (last.hash !== previous)
            return `${segment.name} follows another record than ${last.name} ends with`;
        } else if (head.previous === null && previous !== ZEROS) return `${segment.name} follows nothing`;
      } else segment.records.push(recordOf(body, files));
      segment.hash = createHash("sha256").update(file.subarray(at, bodyEnd)).digest("hex");
      segment.at = bodyEnd;
    }
    return null;
  };

  const closeSegment = (segment: Segment, bytes: number): string | null => {
    segment.isClosed = true;
    if (segment.at > bytes) return `${segment.name} counted ${segment.at} bytes, and now ${bytes}`;
    const file = files.read(segment.name);
    if (segment.at === bytes || file === null) return null;
    if (file.length < bytes)
      return `${segment.name} has ${file.length} bytes, of which the next counts ${bytes}`;
    const wrong = readSegment(segment, file, bytes);
    return wrong ?? (segment.at === bytes ? null : `${segment.name} ends at ${segment.at}, not ${bytes}`);
  };

  const told = new Map<string, number>();
  /** What was not told of yet, along the chain that ends here. */
  const untold = (end: Segment): readonly JournalRecord[] => {
    const before = end.previous && segments.get(end.previous.segment);
    const own = end.records.slice(told.get(end.name) ?? 0);
    told.set(end.name, end.records.length);
    return before ? [...untold(before), ...own] : own;
  };

  return {
    newest: () => newest && { name: newest.name, bytes: newest.at },
    readOn: () => {
      const names = files.names();
      // gone for everybody at once, though a crash of the machine may bring one back
      const claims = new Set(
        names.flatMap((name) => (files.isSeen(name) && /^epoch-(\d{8})$/.exec(name)?.[1]) || []),
      );
      const found = names
        .flatMap((name) => /^segment-(\d{8})-(\d{8})$/.exec(name) ?? [])
        .filter((part) => part.startsWith("segment"));
      for (const name of found.sort(byEpoch)) {
        const [, number, epoch] = name.split("-");
        const known = segments.get(name) ?? {
          name,
          number: Number(number),
          epoch: Number(epoch),
          records: [],
          at: 0,
          hash: ZEROS,
          previous: null,
          isClosed: false,
        };
        segments.set(name, known);
        // whose claim is gone writes nothing that counts, but for what the next one counts
        if (known.isClosed || !claims.has(epoch!)) continue;
        const file = files.read(name)!;
        const wrong = readSegment(known, file, file.length);
        if (wrong !== null) return { records: [], wrong };
        if (known.at > 0) newest = known;
      }
      return { records: newest === null ? [] : untold(newest), wrong: null };
    },
  };
}

const byEpoch = (a: string, b: string): number => {
  const [x, y] = [a, b].map((name) => name.split("-")[2]! + name.split("-")[1]!);
  return x! < y! ? -1 : 1;
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** In the place of a record whose blob is not there. */
export const GONE = "gone";

/** A record's own bytes, or those of the blob that it names: the length of a JSON head as LEB128, the head, a frame. */
function recordOf(body: Uint8Array, files: DurableFiles): JournalRecord {
  const bytes =
    body[0] === 2
      ? files.read(`blob-${Buffer.from(body.subarray(1, 33)).toString("hex")}`)
      : body.subarray(1);
  if (bytes === null) return { head: { type: GONE } as RecordHead, frame: new Uint8Array() };
  let length = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    length |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  return { head: JSON.parse(text(bytes.subarray(at, at + length))), frame: bytes.slice(at + length) };
}
