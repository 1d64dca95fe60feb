import { concatBytes } from "@noble/hashes/utils.js";
import type { Disk } from "../../model/disk.ts";
import { digestOf } from "../../model/manifest.ts";
import { type Claim, claimFolder } from "./claim.ts";
import { recordHash, recordHead } from "./framing.ts";
import { blobName, segmentName } from "./names.ts";
import type { Patience } from "./patience.ts";
import { type JournalContents, readJournal } from "./read.ts";
import { type BlobRef, type Body, blobsOf, encodeBody, type SegmentHead } from "./segment.ts";

/**
 * The durable log: records appended in order, each durable before `append` resolves. One flush serves all who wait (group
 * commit): a record that comes while one is running waits for the next. A failed write ends it for good, since nothing on
 * the file can be relied on after that; one that fails for want of room is done again.
 */
export interface Journal {
  readonly append: (bytes: Uint8Array) => Promise<void>;
  /**
   * Begins a new segment with the state that all records so far come to; once both are durable, what is older goes, unless
   * all is kept. Resolves then.
   */
  readonly snapshot: (state: Uint8Array) => Promise<void>;
  /** Throws a JournalError once another coordinator has taken the folder over. */
  readonly confirm: () => Promise<void>;
}

export interface JournalSettings {
  /** A segment that has so many bytes is followed by a new one. */
  readonly segmentBytes: number;
  /** A record that has more has a file of its own. */
  readonly blobBytes: number;
  /** What becomes of segments that no restart reads any more. */
  readonly keep: "needed" | "all";
}

/**
 * Takes the folder over, reads what is there, and opens it for more, in a segment of its own: whatever a crash or a fenced
 * writer left after what was read counts for nothing from there on. Throws JournalError.
 */
export async function openJournal(
  disk: Disk,
  settings: JournalSettings,
  patience: Patience,
): Promise<JournalContents & { readonly journal: Journal }> {
  const claim = await patience.run(() => claimFolder(disk));
  const contents = await readJournal(disk, "snapshot");
  const tip = contents.segments.at(-1);
  // What a killed process wrote may be there without being durable; so may the name of a snapshot's file.
  const start = contents.snapshot === null ? null : contents.segments[0]!.head.snapshot;
  const found = [...(tip ? [tip.name] : []), ...(start ? [blobName(start.digest)] : [])];
  for (const name of found) await patience.run(() => disk.flush(name));
  const journal = writer(disk, settings, patience, claim, contents);
  await journal.opened;
  const useless = uselessFiles(contents, settings.keep);
  await patience.run(() => disk.remove(useless));
  return { ...contents, journal };
}

/** Of the files that were found, those that nobody will read again. */
function uselessFiles({ files, segments, repairs }: JournalContents, keep: JournalSettings["keep"]) {
  const stale = repairs.filter(({ what }) => what === "stale-segment" || what === "leftover");
  const useless = stale.map(({ file }) => file);
  if (keep === "all") return useless;
  const first = segments[0]?.number ?? 0;
  const named = new Set(segments.flatMap(blobsOf));
  return [
    ...useless,
    ...files.segments.flatMap(({ name, number }) => (number < first ? [name] : [])),
    ...files.blobs.filter((blob) => !named.has(blob)),
  ];
}

/** What one flush brings to the disk. */
interface Batch {
  /** Where in the segment; all before is durable when it is written. */
  readonly at: number;
  readonly parts: Uint8Array[];
  /** Before the records that name them. */
  readonly blobs: Map<string, Uint8Array>;
  readonly done: Promise<void>;
}

function writer(
  disk: Disk,
  { segmentBytes, blobBytes, keep }: JournalSettings,
  patience: Patience,
  claim: Claim,
  contents: JournalContents,
): Journal & { readonly opened: Promise<void> } {
  /** All that is on the disk and what is about to be, oldest first. */
  let segments = contents.segments.map((s) => ({ name: s.name, number: s.number, blobs: blobsOf(s) }));
  let { hash } = contents;
  /** Of the last segment, counting what still waits to be written. */
  let length = contents.segments.at(-1)?.bytes ?? 0;
  /** The flush that is still open to more records: it starts when what was asked for before it has ended. */
  let open: Batch | null = null;
  let last: Promise<void> = Promise.resolve();

  /** After all that was asked for before; not at all once anything failed. */
  const inOrder = (action: () => Promise<void>): Promise<void> => {
    last = last.then(action);
    last.catch(() => {}); // whoever asked for it has it too
    return last;
  };

  const record = (body: Body, durable: number): Uint8Array => {
    const bytes = encodeBody(body);
    const head = recordHead(hash, durable, bytes);
    hash = recordHash(head, bytes);
    return concatBytes(head, bytes);
  };

  const startSegment = (snapshot: BlobRef | null): Promise<void> => {
    const before = segments.at(-1);
    const { name, number } = segmentName((before?.number ?? 0) + 1, claim.epoch);
    const previous = before ? { segment: before.name, bytes: length } : null;
    const head: SegmentHead = { format: 1, segment: name, previous, snapshot };
    const bytes = record({ head }, 0);
    open = null;
    length = bytes.length;
    segments = [...segments, { name, number, blobs: snapshot ? [blobName(snapshot.digest)] : [] }];
    return inOrder(async () => {
      await patience.run(() => disk.write(name, bytes));
      await claim.check();
    });
  };

  const flush = async (name: string, { at, parts, blobs }: Batch): Promise<void> => {
    for (const [blob, bytes] of blobs) await patience.run(() => disk.write(blob, bytes));
    // nothing is ever cut off: whoever takes over meanwhile may have read a part of it
    const bytes = concatBytes(...parts);
    try {
      await patience.run(() => disk.extend(name, at, bytes));
    } finally {
      await claim.check(); // whatever came of it: a segment of whoever is fenced may be gone
    }
  };

  const openBatch = (): Batch => {
    if (length >= segmentBytes) void startSegment(null);
    const { name } = segments.at(-1)!;
    const batch: Batch = {
      at: length,
      parts: [],
      blobs: new Map(),
      done: inOrder(() => {
        if (open === batch) open = null;
        return flush(name, batch);
      }),
    };
    return batch;
  };

  const append = (bytes: Uint8Array): Promise<void> => {
    open ??= openBatch();
    let body: Body = { record: bytes };
    if (bytes.length > blobBytes) {
      const digest = digestOf(bytes);
      body = { blob: { digest, bytes: bytes.length } };
      open.blobs.set(blobName(digest), bytes);
      const segment = segments.at(-1)!;
      segments = [...segments.slice(0, -1), { ...segment, blobs: [...segment.blobs, blobName(digest)] }];
    }
    const written = record(body, open.at);
    open.parts.push(written);
    length += written.length;
    return open.done;
  };

  const snapshot = (state: Uint8Array): Promise<void> => {
    const digest = digestOf(state);
    const started = startSegment({ digest, bytes: state.length });
    const { number } = segments.at(-1)!;
    const written = patience.run(() => disk.write(blobName(digest), state));
    // That the claim stands after both were durable means that whoever takes over begins from here.
    return Promise.all([started, written]).then(
      () => inOrder(() => forget(number)),
      (error) => inOrder(() => Promise.reject(error)),
    );
  };

  /** Removes what is before a segment that begins with a snapshot. */
  const forget = async (number: number): Promise<void> => {
    await claim.check();
    if (keep === "all") return;
    const old = segments.filter((segment) => segment.number < number);
    segments = segments.filter((segment) => segment.number >= number);
    const named = new Set(segments.flatMap(({ blobs }) => blobs));
    const blobs = old.flatMap((segment) => segment.blobs).filter((blob) => !named.has(blob));
    await patience.run(() => disk.remove([...old.map(({ name }) => name), ...blobs]));
  };

  return { append, snapshot, confirm: claim.check, opened: startSegment(null) };
}
