import { bytesOf } from "../../../coordinator/book/restart.ts";
import type { RecordedVersions } from "./record.ts";

/** What it takes to bring a client to the newest version that has slept so many of them, in bytes of frames. */
export interface CatchUpRow {
  readonly slept: number;
  readonly deltas: number;
  readonly patch: number;
  readonly checkpoint: number;
  readonly chosen: { readonly kind: string; readonly bytes: number };
}

/** Those that the run is long enough for, and all of it. */
export const sleepsOf = (rounds: number): readonly number[] => [
  ...[1, 5, 20, 100, 300].filter((slept) => slept < rounds),
  rounds,
];

export function rowOf(recorded: RecordedVersions, slept: number): CatchUpRow {
  const { book, digests, deltaBytes, originBytes, patchBytes, checkpointBytes, besideBytes } = recorded;
  const version = book.held().version - slept;
  const { kind, frames } = book.catchUp({ version, digest: digests[version]! });
  return {
    slept,
    deltas: deltaBytes.slice(version + 1).reduce((sum, bytes) => sum + bytes, 0),
    patch: (version === 0 ? 0 : originBytes) + patchBytes + besideBytes,
    checkpoint: checkpointBytes + besideBytes,
    chosen: { kind, bytes: bytesOf(frames) },
  };
}
