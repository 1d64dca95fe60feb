import { decodeAny } from "../../../compress/codec.ts";
import { golombRice } from "../../../compress/positions/golomb-rice.ts";
import { shortestPositions } from "../../../compress/positions.ts";
import { assert } from "../../../model/assert.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { Limits } from "../../../wire/limits.ts";

/**
 * How many bytes longer a frame would be, had its payloads' positions been coded by Golomb and Rice alone: of ternary
 * payloads of vectors of `length`, without a prior. 0 of frames without any. Frames are looked at once.
 */
export function golombRecount(length: number, limits: Limits): (frame: Uint8Array) => number {
  const known = new WeakMap<Uint8Array, number>();
  return (bytes) => {
    const before = known.get(bytes);
    if (before !== undefined) return before;
    const frame = decodeFrame(bytes, limits);
    const payloads = frame.kind === "update" || frame.kind === "delta" ? frame.payloads : [];
    const more = payloads.reduce((sum, payload) => sum + longer(payload, length), 0);
    known.set(bytes, more);
    return more;
  };
}

function longer(payload: Uint8Array, length: number): number {
  const { support } = decodeAny(payload, length, "payload");
  if (support === null || support.length === 0) return 0;
  const [sent, golomb] = [shortestPositions(support, length), golombRice(support)];
  const bytesOf = ({ headBytes, bits }: { headBytes: number; bits: number }): number =>
    headBytes + Math.ceil((bits + support.length) / 8); // a sign each
  const size = payload.length - bytesOf(sent) + bytesOf(golomb);
  assert(payload[0]! >>> 4 === sent.id, "the payload's positions are coded in the shortest way");
  return size + prefix(size) - payload.length - prefix(payload.length);
}

/** Of the length that stands before a payload. */
const prefix = (size: number): number => (size < 2 ** 7 ? 1 : size < 2 ** 14 ? 2 : size < 2 ** 21 ? 3 : 4);
