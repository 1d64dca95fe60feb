import { type History, writeHistory } from "../../compress/history.ts";
import { encodeFrame } from "../../wire/frame.ts";

/** What the coders of a plan with history know of the newest versions: as the model, a fold of the journal. */
export interface Histories {
  readonly newest: () => History;
  /** Null for a version that is too old: reports of that one come without. */
  readonly of: (version: number) => History | null;
  readonly follow: (next: History) => void;
  /** What goes down beside a whole model of the newest version: nothing at version 0, where it follows from the model. */
  readonly frames: () => readonly Uint8Array[];
  /** A part of the book's state: of the newest versions, oldest first. */
  readonly state: () => readonly History[];
}

/** Each takes as much memory as several models: a run whose reports may be very late does not keep as many as it might. */
export const MOST_HISTORIES = 16;

/** `manifest` is the short digest; reports may be of models that are `maxStaleness` versions old. */
export function openHistories(before: readonly History[], manifest: number, maxStaleness: number): Histories {
  const kept = Math.min(MOST_HISTORIES, 1 + maxStaleness);
  let all = before;
  let frame: Uint8Array | null = null;
  const newest = (): History => all.at(-1)!;

  return {
    newest,
    of: (version) => all.find((one) => one.version === version) ?? null,
    follow: (next) => {
      all = [...all, next].slice(-kept);
      frame = null;
    },
    frames: () => {
      const { version } = newest();
      if (version === 0) return [];
      frame ??= encodeFrame({ kind: "history", version, manifest, state: writeHistory(newest()) });
      return [frame];
    },
    state: () => all,
  };
}
