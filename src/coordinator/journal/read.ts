import type { Disk } from "../../model/disk.ts";
import { digestOf } from "../../model/manifest.ts";
import { JournalError, RESTORE } from "./error.ts";
import { NO_RECORD } from "./framing.ts";
import { blobName, type JournalFiles, journalFiles, type SegmentName } from "./names.ts";
import { type BlobRef, readSegment, readSegmentHead, type Segment, type SegmentHead } from "./segment.ts";

/** Something that was not as a clean end leaves it, and is no loss. */
export interface Repair {
  /**
   * The end of a write that was never acknowledged; a snapshot that did not come to be, or cannot be read where all that
   * it stands for still can; a file of a writer that had been fenced; one of a write that came to nothing.
   */
  readonly what: "torn-tail" | "snapshot" | "stale-segment" | "leftover";
  readonly file: string;
  readonly bytes: number;
}

export interface JournalContents {
  readonly files: JournalFiles;
  /** In order, from the one that the fold begins with; none in an empty journal. */
  readonly segments: readonly Segment[];
  /** The state before those; null when they are all that there ever was. */
  readonly snapshot: Uint8Array | null;
  readonly records: readonly { readonly place: string; readonly bytes: Uint8Array }[];
  readonly repairs: readonly Repair[];
  /** SHA-256 of the last record. */
  readonly hash: Uint8Array;
}

/**
 * Reads what a folder holds of a journal and changes nothing; every checksum, the chain, and every blob are verified. From
 * the newest snapshot, or from the first record that is still there. Throws JournalError where anything is amiss that
 * no crash can leave behind. A writer that is at work may remove what was listed: then it is read anew.
 */
export async function readJournal(disk: Disk, from: "snapshot" | "first"): Promise<JournalContents> {
  for (let names = await disk.list(); ; ) {
    try {
      return await readListed(disk, names, from);
    } catch (error) {
      if (!(error instanceof JournalError && error.code === "missing")) throw error;
      const now = new Set(await disk.list());
      if (names.every((name) => now.has(name))) throw error;
      names = [...now];
    }
  }
}

async function readListed(
  disk: Disk,
  names: readonly string[],
  from: "snapshot" | "first",
): Promise<JournalContents> {
  if (names.includes("journal.log"))
    throw new JournalError(
      "foreign",
      "journal.log",
      "was written by a fedpress from before journals had segments",
      "go on with that one, or start a new run in another coordinator.stateDir",
    );
  const files = journalFiles(names);
  const repairs: Repair[] = [];
  const repair = (what: Repair["what"], file: string, bytes: number) => repairs.push({ what, file, bytes });
  for (const file of files.leftovers) repair("leftover", file, (await disk.read(file))?.length ?? 0);
  if (files.segments.length === 0)
    return { files, segments: [], snapshot: null, records: [], repairs, hash: NO_RECORD };

  const { links, snapshot, unusable } = await walkBack(disk, files.segments, from);
  for (const { digest, bytes } of unusable) repair("snapshot", blobName(digest), bytes);
  const segments = links.map((link, i) => {
    const next = links[i + 1];
    return readSegment(
      link.file,
      link.segment,
      next === undefined
        ? null
        : { name: next.segment.name, bytes: next.head.previous!.bytes, hash: next.head.hash },
    );
  });
  const first = segments[0]!;
  const last = segments.at(-1)!;
  if (last.tornBytes > 0) repair("torn-tail", last.name, last.tornBytes);
  const chained = new Set(segments.map(({ name }) => name));
  for (const { name, number } of files.segments)
    if (number >= first.number && !chained.has(name))
      repair("stale-segment", name, (await disk.read(name))?.length ?? 0);

  const records: { place: string; bytes: Uint8Array }[] = [];
  for (const { place, content } of segments.flatMap((segment) => segment.records)) {
    const bytes = content instanceof Uint8Array ? content : await readBlob(disk, content);
    if (bytes instanceof JournalError) throw bytes;
    records.push({ place, bytes });
  }
  return { files, segments, snapshot, records, repairs, hash: last.hash };
}

interface Link {
  readonly segment: SegmentName;
  readonly file: Uint8Array;
  readonly head: SegmentHead & { readonly hash: Uint8Array };
}

/**
 * From the newest segment, which is the last of the highest epoch, back to where the fold can begin: a segment whose
 * snapshot can be read, or the first of all. A writer that was fenced is not on the way, since whoever took over went on
 * from what it had read, under a higher epoch.
 */
async function walkBack(disk: Disk, segments: readonly SegmentName[], from: "snapshot" | "first") {
  const byName = new Map(segments.map((segment) => [segment.name, segment]));
  let at: SegmentName | undefined = segments.reduce((a, b) =>
    b.epoch > a.epoch || (b.epoch === a.epoch && b.number > a.number) ? b : a,
  );
  let problem: JournalError | null = null;
  let unusable: readonly BlobRef[] = [];
  const walked: Link[] = [];
  let start: { readonly length: number; readonly snapshot: Uint8Array | null } | null = null;
  while (at !== undefined) {
    const file = await disk.read(at.name);
    if (file === null) {
      problem ??= new JournalError("missing", at.name, "was there, and is not any more", RESTORE);
      break;
    }
    const head = readSegmentHead(file, at);
    walked.push({ segment: at, file, head });
    if (head.previous === null) {
      start = { length: walked.length, snapshot: null };
      break;
    }
    if (head.snapshot !== null) {
      const snapshot = await readBlob(disk, head.snapshot);
      if (snapshot instanceof JournalError) {
        problem ??= snapshot;
        unusable = [...unusable, head.snapshot];
      } else {
        start = { length: walked.length, snapshot };
        if (from === "snapshot") break;
      }
    }
    at = byName.get(head.previous.segment);
  }
  if (start === null && problem !== null) throw problem;
  if (start === null) {
    const { segment, head } = walked.at(-1)!;
    throw new JournalError(
      "missing",
      head.previous!.segment,
      `is not there, and ${segment.name} follows it`,
      RESTORE,
    );
  }
  return { links: walked.slice(0, start.length).reverse(), snapshot: start.snapshot, unusable };
}

/** What the digest stands for; a JournalError when it is not there, or not what it was. */
async function readBlob(disk: Disk, { digest, bytes }: BlobRef): Promise<Uint8Array | JournalError> {
  const name = blobName(digest);
  const file = await disk.read(name);
  if (file === null) return new JournalError("missing", name, `is not there, ${bytes} bytes`, RESTORE);
  if (file.length !== bytes || digestOf(file) !== digest)
    return new JournalError("damaged", name, "does not hash to its name", RESTORE);
  return file;
}
