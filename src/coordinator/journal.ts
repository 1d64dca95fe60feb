import type { Disk } from "../model/disk.ts";
import { crc32c } from "../wire/checksum.ts";

/**
 * The durable log: records appended in order, each durable before `append` resolves. One flush serves all who wait
 * (group commit). On disk a record is `u32 length, u32 head CRC, u32 body CRC, bytes`, little endian: the head's CRC-32C
 * is over the previous record's body CRC and the length, the body's over the head CRC and the bytes. So a record
 * cannot be lost from the middle, repeated or reordered unseen, and a damaged length is not mistaken for a torn tail.
 */
export interface Journal {
  append(bytes: Uint8Array): Promise<void>;
}

/** The journal cannot be trusted: what is wrong, where, and what a person can do. */
export class JournalError extends Error {
  override readonly name = "JournalError";
}

const HEAD = 12;

/**
 * Reads what is there and opens the journal for more. A torn last record is set aside in `NAME.torn` and cut off: no
 * receipt was given for it. Anything else that does not check out is refused.
 */
export async function openJournal(
  disk: Disk,
  name: string,
): Promise<{
  readonly records: readonly Uint8Array[];
  readonly journal: Journal;
  readonly tornBytes: number;
}> {
  const file = (await disk.read(name)) ?? new Uint8Array();
  const { records, length, chain } = scan(file, name);
  if (length < file.length) {
    await disk.write(`${name}.torn`, file.slice(length));
    await disk.truncate(name, length);
  }
  return { records, journal: appender(disk, name, chain), tornBytes: file.length - length };
}

function scan(file: Uint8Array, name: string): { records: Uint8Array[]; length: number; chain: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const records: Uint8Array[] = [];
  let at = 0;
  let chain = 0;
  const damaged = (what: string): JournalError =>
    new JournalError(
      `${name}: the ${what} of record ${records.length} at byte ${at} is damaged; ` +
        "restore the file from a copy, or start a new run in another coordinator.stateDir",
    );
  while (at + HEAD <= file.length) {
    const length = view.getUint32(at, true);
    const head = chained(chain, file.subarray(at, at + 4));
    if (head !== view.getUint32(at + 4, true)) {
      // A crash can leave a file that has grown, but only by zeros.
      if (file.subarray(at).every((byte) => byte === 0)) break;
      throw damaged("head");
    }
    const end = at + HEAD + length;
    if (end > file.length) break; // torn while it was written
    const bytes = file.subarray(at + HEAD, end);
    const sum = chained(head, bytes);
    if (sum !== view.getUint32(at + 8, true)) {
      if (end === file.length) break; // written in full length, but not all of its pages
      throw damaged("body");
    }
    records.push(bytes);
    chain = sum;
    at = end;
  }
  return { records, length: at, chain };
}

function appender(disk: Disk, name: string, chainSoFar: number): Journal {
  let chain = chainSoFar;
  /** The flush that is still open to more records: it starts when the one before it has ended. */
  let next: { readonly parts: Uint8Array[]; readonly done: Promise<void> } | null = null;
  /** Rejects for good once a write failed: after that nothing on the file can be relied on. */
  let last: Promise<void> = Promise.resolve();

  const openFlush = () => {
    const parts: Uint8Array[] = [];
    const before = last;
    const done = (async () => {
      try {
        await before;
      } finally {
        next = null;
      }
      await disk.append(name, concat(parts));
    })();
    last = done;
    return { parts, done };
  };

  return {
    append: (bytes) => {
      const head = new Uint8Array(HEAD);
      const view = new DataView(head.buffer);
      view.setUint32(0, bytes.length, true);
      view.setUint32(4, chained(chain, head.subarray(0, 4)), true);
      chain = chained(view.getUint32(4, true), bytes);
      view.setUint32(8, chain, true);
      next ??= openFlush();
      next.parts.push(head, bytes);
      return next.done;
    },
  };
}

function chained(previous: number, bytes: Uint8Array): number {
  const link = new Uint8Array(4);
  new DataView(link.buffer).setUint32(0, previous, true);
  return crc32c(concat([link, bytes]));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
