import { gzipSync } from "node:zlib";
import { firstHistory, foldHistory, type History, priorsOf } from "../../../compress/history.ts";
import { type PlanGroup, scatter } from "../../../compress/plan.ts";
import type { PositionCode } from "../../../compress/positions/coder.ts";
import { golombRice } from "../../../compress/positions/golomb-rice.ts";
import { historyPositions, historySigns } from "../../../compress/positions/history.ts";
import { rangeGaps } from "../../../compress/positions/range.ts";
import { shorterCodes } from "../../../compress/values/codes.ts";
import type { ClientId } from "../../../model/message.ts";
import type { Positions, SparseVector } from "../../../model/tensor.ts";
import { type ContextCounts, contextBits, contextCounts, countContexts } from "./context-bits.ts";
import type { Recording } from "./record.ts";

export const coderNames = [
  "golomb-rice",
  "range",
  "rans bitmap",
  "gzip bitmap",
  "history",
  "and signs",
] as const;

export interface Replayed {
  readonly messages: number;
  readonly coordinates: number;
  /** Whole payloads in ternary values, heads included: of every coder, whatever is shorter; the last has the signs in its bits. */
  readonly bytes: Readonly<Record<(typeof coderNames)[number], number>>;
  /**
   * Bits of the positions: by golomb-rice, and ideal ones by adaptive counts, by what was broadcast, and by what the client itself sent beside it,
   * an upper estimate of what a history of its own would add. Of the downlink the second is null.
   */
  readonly golombBits: number;
  readonly sharedBits: number;
  readonly privateBits: number | null;
}

/** Codes a recorded run's messages over again, one way, learning on the way as both ends would. */
export function replay(recording: Recording, direction: "uplink" | "downlink"): Replayed {
  const rule = { ...recording.group.rule, history: true as const };
  const group: PlanGroup = { ...recording.group, rule };
  const { length } = group;
  const bytes = Object.fromEntries(coderNames.map((name) => [name, 0])) as Record<
    (typeof coderNames)[number],
    number
  >;
  const [shared, joint] = [contextCounts(), contextCounts()];
  const own = new Map<ClientId, History>();
  const ideal = { golomb: 0, shared: 0, joint: 0 };
  let [messages, coordinates] = [0, 0];
  let history = firstHistory(recording.initial);
  for (const { uplinks, downlink } of recording.rounds) {
    const [prior] = priorsOf([group], history);
    const classes = prior!.planes[0]!;
    const sentNow = direction === "uplink" ? uplinks : [{ client: null, sent: downlink }];
    for (const { client, sent } of sentNow) {
      const support = sent.support!;
      messages++;
      coordinates += support.length;
      const gaps = golombRice(support);
      ideal.golomb += gaps.bits;
      bytes["golomb-rice"] += payloadBytes(gaps, support.length);
      bytes.range += payloadBytes(rangeGaps(support), support.length);
      bytes.history += payloadBytes(historyPositions(support, prior!), support.length);
      const minus = Uint8Array.from(sent.values, (value) => (value < 0 ? 1 : 0));
      bytes["and signs"] += payloadBytes(historySigns(support, minus, prior!), 0);
      const bitmap = bitmapOf(support, length);
      bytes["rans bitmap"] += payloadBytes(
        { headBytes: 1, bits: shorterCodes(bitmap, 8).bits },
        support.length,
      );
      bytes["gzip bitmap"] += payloadBytes(
        { headBytes: 0, bits: 8 * gzipSync(bitmap, { level: 9 }).length },
        support.length,
      );
      ideal.shared += learned(shared, classes, support);
      if (client === null) continue;
      const before = own.get(client) ?? firstHistory(recording.initial);
      const [ownPrior] = priorsOf([group], before);
      const both = Uint16Array.from(classes, (c, i) => 8 * c + (ownPrior!.planes[0]![i]! >> 2));
      ideal.joint += learned(joint, both, support);
      own.set(client, foldHistory(before, scatter(group, sent)));
    }
    history = foldHistory(history, scatter(group, downlink));
  }
  const privateBits = direction === "uplink" ? ideal.joint : null;
  return { messages, coordinates, bytes, golombBits: ideal.golomb, sharedBits: ideal.shared, privateBits };
}

function learned(counts: ContextCounts, contexts: Uint8Array | Uint16Array, support: Positions): number {
  const bits = contextBits(counts, contexts, support);
  countContexts(counts, contexts, support);
  return bits;
}

/** Coders, head of the positions, mu, positions and a bit a sign. */
const payloadBytes = ({ headBytes, bits }: Pick<PositionCode, "headBytes" | "bits">, signs: number): number =>
  1 + headBytes + 4 + Math.ceil((bits + signs) / 8);

function bitmapOf(support: Positions, length: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(length / 8));
  for (const at of support) bitmap[at >> 3]! |= 1 << (at & 7);
  return bitmap;
}

/** Million coordinates a second that a history folds, classes and digest of the next version included: the fastest turn. */
export function foldSpeed(recording: Recording, turns: number): number {
  const { group, rounds, initial } = recording;
  let history = firstHistory(initial);
  let best = 0;
  const deltas = rounds.map(({ downlink }: { readonly downlink: SparseVector }) => scatter(group, downlink));
  for (let turn = 0; turn < turns; turn++) {
    const delta = deltas[turn % deltas.length]!;
    const startMs = performance.now();
    history = foldHistory(history, delta);
    best = Math.max(best, group.length / (1000 * (performance.now() - startMs)));
  }
  return best;
}
