import { assert } from "../model/assert.ts";
import { type Fitted, fitInto, framedBytes, type Room, type Steered } from "./budget.ts";
import { codec } from "./codec.ts";
import type { Choice } from "./error-feedback.ts";
import type { TensorPrior } from "./history/prior.ts";
import type { Encoded } from "./payload.ts";
import type { PlanGroup } from "./plan.ts";
import { valueBits } from "./values/width.ts";

/** A group's vector as its codec takes it. */
export interface ToEncode {
  readonly group: PlanGroup;
  readonly vector: Float32Array;
  readonly bound: number;
  readonly seed: number;
  readonly prior: TensorPrior | null;
}

/**
 * The groups of one frame. Those with a budget get the room that others leave, together; those that select by rate alone get
 * as many bytes as their top-k takes, each its own.
 */
export function encodeGroups(
  all: readonly ToEncode[],
  room: Room | null,
): { readonly coded: readonly Encoded[]; readonly choice: Choice | null } {
  const coded: (Encoded | null)[] = all.map((one) => (hasBudget(one) ? null : encodeAlone(one)));
  const fitted: { readonly fitted: Fitted; readonly length: number }[] = [];
  all.forEach((one, i) => {
    const { select } = one.group.rule.codec;
    if (typeof select !== "object" || !("topK" in select) || !select.rateDistortion) return;
    const bytes = framedBytes(coded[i]!.payload);
    const found = fitInto([steered(one)], { bytes, slack: BY_RATE_SLACK * bytes }, true);
    fitted.push({ fitted: found, length: one.vector.length });
    coded[i] = found.encoded[0]!;
  });
  const open = all.filter(hasBudget);
  if (open.length > 0) {
    assert(room !== null, "a plan with a budget is encoded into a room");
    const taken = coded.reduce((sum, one) => sum + (one === null ? 0 : framedBytes(one.payload)), 0);
    const byRate = open.some(
      ({ group: { rule } }) => (rule.codec.select as Selection).rateDistortion === true,
    );
    const found = fitInto(open.map(steered), { ...room, bytes: room.bytes - taken }, byRate);
    fitted.push({ fitted: found, length: open.reduce((sum, { vector }) => sum + vector.length, 0) });
    let next = 0;
    for (let i = 0; i < coded.length; i++) coded[i] ??= found.encoded[next++]!;
  }
  return { coded: coded as readonly Encoded[], choice: choiceOf(fitted) };
}

/** What a byte more or less would change is less than this. */
const BY_RATE_SLACK = 0.01;

type Selection = { readonly rateDistortion?: true };

const hasBudget = ({ group: { rule } }: ToEncode): boolean =>
  typeof rule.codec.select === "object" && "budget" in rule.codec.select;

const encodeAlone = ({ group, vector, seed, bound, prior }: ToEncode): Encoded =>
  group.codec.encode(vector, seed, bound, prior);

/** A choice that the value coder makes it makes once: bytes that jump from count to count could miss the room. */
function steered(one: ToEncode): Steered {
  const { codec: spec, errorFeedback } = one.group.rule;
  let settled = one.group.codec;
  return {
    vector: one.vector,
    prior: one.prior,
    valueBits: valueBits(spec.values),
    encode(positions) {
      const coded = settled.encode(one.vector, one.seed, one.bound, one.prior, positions);
      const isOpen =
        typeof spec.values === "object" && "levels" in spec.values && spec.values.levels === "auto";
      if (isOpen && settled === one.group.codec && positions.length > 0) {
        const levels = new Set(coded.sent.values.map(Math.abs)).size;
        settled = codec({ ...spec, values: { levels } }, errorFeedback);
      }
      return coded;
    },
  };
}

function choiceOf(all: readonly { readonly fitted: Fitted; readonly length: number }[]): Choice | null {
  if (all.length === 0) return null;
  const length = all.reduce((sum, one) => sum + one.length, 0);
  return {
    density: all.reduce((sum, one) => sum + one.fitted.density * one.length, 0) / length,
    lambda: Math.min(...all.map(({ fitted }) => fitted.lambda)),
  };
}
