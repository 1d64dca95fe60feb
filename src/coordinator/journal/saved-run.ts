import type { ByteTotals } from "../../telemetry/event.ts";
import type { RoundState } from "../round/state.ts";
import { splitHead, withHead } from "./headed.ts";
import type { RunContract } from "./record.ts";

/** What a snapshot stands for: the fold of all records before it, with no round open. */
export interface SavedRun {
  readonly runId: string;
  readonly contract: RunContract;
  readonly bytes: ByteTotals;
  /** Of the round machine, as the fold of the records has it. */
  readonly round: RoundState;
  /** As `Book.snapshot` gives it. */
  readonly book: Uint8Array;
}

export const encodeSavedRun = ({ book, ...head }: SavedRun): Uint8Array => withHead(head, book);

/** Its digest has been verified. */
export function decodeSavedRun(saved: Uint8Array): SavedRun {
  const { head, bytes } = splitHead(saved, "snapshot");
  return { ...head, book: bytes };
}
