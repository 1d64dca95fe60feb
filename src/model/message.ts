import type { Params, Positions, SparseVector } from "./tensor.ts";

export type ClientId = string;

/** What a client owns and what this update carries of it, for one tensor. */
export interface TensorUpdate {
  /** Coordinates that the client's model owns; null when it owns the whole tensor. */
  readonly mask: Positions | null;
  readonly delta: SparseVector;
}

/** A decoded update: client minus global, to be added. */
export interface UpdateMessage {
  readonly clientId: ClientId;
  readonly round: number;
  /** The version of the global model that it was trained from. */
  readonly baseVersion: number;
  /** Training examples behind it, 1 to 2^15: the weight in the mean. */
  readonly numExamples: number;
  /** Local optimizer steps taken. */
  readonly numSteps: number;
  readonly trainLoss: number;
  readonly tensors: ReadonlyMap<string, TensorUpdate>;
}

/** The global model as every client holds it: version v is the broadcast model B_v. */
export interface Model {
  readonly version: number;
  readonly params: Params;
}

/** Weights in the mean are integers up to here, so that a client's say is bounded. */
export const MAX_NUM_EXAMPLES = 2 ** 15;
