import type { Manifest } from "../../model/manifest.ts";
import type { Params } from "../../model/tensor.ts";
import type { Aggregate } from "../aggregate.ts";
import type { Reading } from "./reading.ts";

/**
 * A fold that bounds what a few hostile clients can do. It goes over all updates of the round, and counts clients, not
 * examples: how many examples stand behind an update is only a claim.
 *
 * Left out of a payload is a zero, as everywhere; but where most of a round's clients leave most coordinates out, a
 * median over those zeros is zero for good. So rules that go coordinate by coordinate ask the *holders*, the clients
 * whose payload carries it, and only if they are at least 2f + 1; rules that compare whole updates take the zeros as
 * they are, over the coordinates that both clients own.
 */
export interface RobustRule {
  /** The fewest updates that it can be given, for so many hostile ones among them. */
  readonly fewest: (attackers: number) => number;
  /** The least memory in which it can be done, besides one decoded update at a time and vectors of the model's size. */
  readonly leastBytes: (round: RoundSize) => number;
  /**
   * `updates` in the order of client ids, `fewest` or more: sums of floats depend on their order. Gives the same bits
   * whatever `bytes` is; with more of them updates are read less often.
   */
  readonly combine: (updates: readonly Reading[], context: RobustContext) => Aggregate;
}

export interface RoundSize {
  readonly updates: number;
  readonly coordinates: number;
  /** Of the largest update, decoded. */
  readonly updateBytes: number;
  /** Whether clients may own a part of the model. */
  readonly masked: boolean;
}

export interface RobustContext {
  readonly manifest: Manifest;
  /** How many of the updates may be hostile: the f of the papers, 0 or more. */
  readonly attackers: number;
  /** The delta that the last committed round came to; null in the first. */
  readonly previous: Params | null;
  /** Memory to work in, `leastBytes` or more. */
  readonly bytes: number;
}
