import { WireError } from "../model/error.ts";
import type { ClientId } from "../model/message.ts";
import type { ByteTotals } from "../telemetry/event.ts";

/** What the journal holds, in order; the coordinator's state is the fold of it. */
export type Record =
  | {
      readonly type: "started";
      readonly runId: string;
      /** SHA-256 over everything that the fold depends on, so that a journal is never replayed under another config. */
      readonly contract: string;
      readonly digest: string;
    }
  | { readonly type: "opened"; readonly round: number; readonly cohort: readonly ClientId[] }
  | {
      readonly type: "accepted";
      readonly round: number;
      readonly clientId: ClientId;
      readonly frame: Uint8Array;
    }
  | {
      readonly type: "closed";
      readonly round: number;
      readonly outcome: "commit" | "abandon";
      /** The model after it; a replay must come to the same bits. */
      readonly version: number;
      readonly digest: string;
      /** Running totals, so that a restarted run goes on counting. */
      readonly bytes: ByteTotals;
    };

/** `u32 head length, head as JSON, frame bytes`: the journal adds length, checksum and chain. */
export function encodeRecord(record: Record): Uint8Array {
  const { frame, ...head } = record.type === "accepted" ? record : { ...record, frame: new Uint8Array() };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(4 + json.length + frame.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(frame, 4 + json.length);
  return bytes;
}

/** The checksum has been verified, so that only another version of fedpress could have written what fails here. */
export function decodeRecord(bytes: Uint8Array): Record {
  const length =
    bytes.length < 4 ? Infinity : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (4 + length > bytes.length) throw new WireError("truncated", "journal record", "head beyond the record");
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return head.type === "accepted" ? { ...head, frame: bytes.slice(4 + length) } : head;
}
