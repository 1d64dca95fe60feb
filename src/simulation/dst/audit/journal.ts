/**
 * A reader of the journal for the auditor, written from its description and sharing no code with the coordinator's.
 * On disk a record is `u32 length, u32 head sum, u32 body sum, bytes`; the head's CRC-32C goes over the body sum of the
 * record before it and the length, the body's over the head sum and the bytes. A record's bytes are the length of a JSON
 * head as LEB128, the head, and a frame where there is one.
 */
export interface JournalRecord {
  readonly head: RecordHead;
  readonly frame: Uint8Array;
}

/** Fields by type of record, as they are written. */
export interface RecordHead {
  readonly type: "started" | "opened" | "accepted" | "closed";
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
  readonly bytes: Totals;
}

export interface Totals {
  readonly uplink: number;
  readonly downlink: number;
  readonly denseUplink: number;
  readonly denseDownlink: number;
}

/** Where the reader has come to. */
export interface Place {
  readonly at: number;
  readonly sum: number;
}

export const START: Place = { at: 0, sum: 0 };

/** All whole records from a place on; what follows the last of them is torn, or no record yet. */
export function readJournal(
  file: Uint8Array,
  from: Place,
): { readonly records: readonly JournalRecord[]; readonly place: Place } {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const records: JournalRecord[] = [];
  let { at, sum } = from;
  while (at + 12 <= file.length) {
    const length = view.getUint32(at, true);
    const head = checksum(sum, file.subarray(at, at + 4));
    const end = at + 12 + length;
    if (head !== view.getUint32(at + 4, true) || end > file.length) break;
    const bytes = file.subarray(at + 12, end);
    const body = checksum(head, bytes);
    if (body !== view.getUint32(at + 8, true)) break;
    records.push(recordOf(bytes));
    [at, sum] = [end, body];
  }
  return { records, place: { at, sum } };
}

function recordOf(bytes: Uint8Array): JournalRecord {
  let length = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    length |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(at, at + length)));
  return { head, frame: bytes.slice(at + length) };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c >>> 0;
});

/** CRC-32C over a number in four bytes and then bytes. */
function checksum(number: number, bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let shift = 0; shift < 32; shift += 8) c = TABLE[(c ^ (number >>> shift)) & 255]! ^ (c >>> 8);
  for (const byte of bytes) c = TABLE[(c ^ byte) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}
