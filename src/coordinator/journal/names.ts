/** The files of a journal, by their names: `segment-NUMBER-EPOCH`, `blob-SHA256` and `epoch-EPOCH`. */

export interface SegmentName {
  readonly name: string;
  /** 1, 2, 3 ... along the chain. */
  readonly number: number;
  /** Of the coordinator that wrote it. */
  readonly epoch: number;
}

export function segmentName(number: number, epoch: number): SegmentName {
  return { name: `segment-${eight(number)}-${eight(epoch)}`, number, epoch };
}

export const claimName = (epoch: number): string => `epoch-${eight(epoch)}`;

export const blobName = (digest: string): string => `blob-${digest}`;

/** What a folder holds of a journal; files of others are left alone. */
export interface JournalFiles {
  readonly segments: readonly SegmentName[];
  readonly blobs: readonly string[];
  /** The epochs of the claims. */
  readonly claims: readonly number[];
  /** Of writes that came to nothing. */
  readonly leftovers: readonly string[];
}

export function journalFiles(names: readonly string[]): JournalFiles {
  const matching = (pattern: RegExp) => names.flatMap((name) => pattern.exec(name) ?? []);
  return {
    segments: names.flatMap((name) => {
      const match = /^segment-(\d{8})-(\d{8})$/.exec(name);
      return match ? [{ name, number: Number(match[1]), epoch: Number(match[2]) }] : [];
    }),
    blobs: matching(/^blob-[0-9a-f]{64}$/),
    claims: names.flatMap((name) => {
      const match = /^epoch-(\d{8})$/.exec(name);
      return match ? [Number(match[1])] : [];
    }),
    leftovers: matching(/^(?:segment|blob|epoch)-.*\.tmp$/),
  };
}

const eight = (n: number): string => String(n).padStart(8, "0");
