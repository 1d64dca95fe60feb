import type { Masks, Params } from "../model/tensor.ts";

/** What a round's updates come to. */
export interface Aggregate {
  /** Coordinate by coordinate, zero where nobody had a say. */
  readonly delta: Params;
  /** The coordinates that a reporter owns; the server optimizer leaves all others alone. */
  readonly covered: Masks;
}
