import type { Weight } from "../../aggregation/weight.ts";
import type { ClientId } from "../../model/message.ts";
import type { Exponents } from "../../model/protocol.ts";
import type { ByteTotals } from "../../telemetry/event.ts";
import type { Evidence } from "../round/over-selection.ts";
import { splitHead, withHead } from "./headed.ts";

/** SHA-256 of every part of the config that the fold depends on: a journal is never replayed under another. */
export type RunContract = { readonly [part: string]: string };

/** What the journal holds, in order; the coordinator's state is the fold of it. */
export type Record =
  | {
      readonly type: "started";
      readonly runId: string;
      readonly contract: RunContract;
    }
  | {
      readonly type: "opened";
      readonly round: number;
      readonly cohort: readonly ClientId[];
      /** The bounds of its tally's grid. */
      readonly exponents: Exponents;
      /** Of the cohort's parts of the model, in its order; left out when all have the whole. */
      readonly widths?: readonly number[];
      /** Running totals, so that a restarted run goes on counting. */
      readonly bytes: ByteTotals;
    }
  /** One more in the open round's cohort. */
  | { readonly type: "joined"; readonly round: number; readonly clientId: ClientId }
  | {
      readonly type: "accepted";
      /** The round that asked for it, and the version that it was trained from. */
      readonly round: number;
      readonly baseVersion: number;
      readonly clientId: ClientId;
      /** What it counts for. */
      readonly weight: Weight;
      readonly frame: Uint8Array;
    }
  | {
      readonly type: "refused";
      /** The round that asked for it: its client is out of the open one, once and for all. */
      readonly round: number;
      readonly clientId: ClientId;
      /** Of the frame; null where the link turned it away before it was whole. */
      readonly digest: string | null;
      readonly code: string;
    }
  /** An operator's word. */
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  | {
      readonly type: "closed";
      readonly round: number;
      readonly outcome: "commit" | "abandon";
      /** The model after it; a replay must come to the same bits. */
      readonly version: number;
      readonly digest: string;
      /** Of the drop-outs so far, for the size of the cohorts to come. */
      readonly evidence: Evidence;
      readonly bytes: ByteTotals;
    };

/** The journal adds length, checksum and chain. */
export function encodeRecord(record: Record): Uint8Array {
  const { frame, ...head } = record.type === "accepted" ? record : { ...record, frame: new Uint8Array() };
  return withHead(head, frame);
}

/** The checksum has been verified, so that only another version of fedpress could have written what fails here. */
export function decodeRecord(record: Uint8Array): Record {
  const { head, bytes } = splitHead(record, "journal record");
  return head.type === "accepted" ? { ...head, frame: bytes.slice() } : head;
}
