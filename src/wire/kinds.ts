import type { Manifest } from "../model/manifest.ts";
import type { Params } from "../model/tensor.ts";

/** What travels, and what is kept in files: docs/wire-format.md. */
export type Frame =
  | OriginFrame
  | UpdateFrame
  | DeltaFrame
  | CheckpointFrame
  | StudentFrame
  | MasksFrame
  | TallyFrame
  | ControlFrame
  | HistoryFrame
  | PatchFrame;

/** Version 0 as the zoo's factory and its seed; the receiver makes it itself and compares digests. */
export interface OriginFrame {
  readonly kind: "origin";
  readonly zoo: string;
  /** 0 to 2^32-1. */
  readonly seed: number;
  /** SHA-256 of the model, 64 hex digits. */
  readonly digest: string;
}

/** A client's report. Round, version and steps are 0 to 2^32-1. */
export interface UpdateFrame {
  readonly kind: "update";
  readonly round: number;
  readonly baseVersion: number;
  /** Short digest of the manifest. */
  readonly manifest: number;
  /** Short digest of the uplink plan. */
  readonly plan: number;
  /** 1 to 2^15. */
  readonly numExamples: number;
  readonly numSteps: number;
  /** A float32, in nats. */
  readonly trainLoss: number;
  /** One a plan group, in order. */
  readonly payloads: readonly Uint8Array[];
}

/** From version - 1 to version, for everybody. */
export interface DeltaFrame {
  readonly kind: "delta";
  /** 1 to 2^32-1. */
  readonly version: number;
  readonly manifest: number;
  /** Short digest of the downlink plan. */
  readonly plan: number;
  /** Short digest of the model after it. */
  readonly digest: number;
  readonly payloads: readonly Uint8Array[];
}

/** A whole model in float32; describes itself. */
export interface CheckpointFrame {
  readonly kind: "checkpoint";
  readonly version: number;
  readonly params: Params;
}

/** What the updates of a part of a round's cohort come to, exactly: tallies of one grid add up. */
export interface TallyFrame {
  readonly kind: "tally";
  readonly round: number;
  readonly baseVersion: number;
  /** Short digest of the manifest. */
  readonly manifest: number;
  /** 1 to 2^32-1. */
  readonly numUpdates: number;
  /** Of the round's grid; 1 to 2^53-1. */
  readonly weightBudget: number;
  /** 1 to `weightBudget`. */
  readonly total: number;
  /** 0 to 2^96-1. */
  readonly steps: bigint;
  /** One a tensor of the manifest, in its order. */
  readonly tensors: readonly TallyTensor[];
}

export interface TallyTensor {
  /** Of the round's grid, -100 to 100. */
  readonly exponent: number;
  /** Integers, one a coordinate, as src/compress/integers.ts codes them. */
  readonly sums: Uint8Array;
  /** Likewise; null when every update owned the whole tensor. */
  readonly owners: Uint8Array | null;
}

/** What SCAFFOLD's clients correct their steps by, beside the model of the same version. */
export interface ControlFrame {
  readonly kind: "control";
  /** 1 to 2^32-1: that of version 0 is zero and does not travel. */
  readonly version: number;
  /** Short digest of the manifest. */
  readonly manifest: number;
  /** Of all tensors one after the other, in the manifest's order; finite, at least one. */
  readonly values: Float32Array;
}

/** What the coders of a plan with history know of a version, beside a whole model of that version. */
export interface HistoryFrame {
  readonly kind: "history";
  /** 1 to 2^32-1: that of version 0 follows from the model. */
  readonly version: number;
  /** Short digest of the manifest. */
  readonly manifest: number;
  /** As src/compress/history codes it. */
  readonly state: Uint8Array;
}

/** A whole model as what differs of it from version 0; `src/wire/patch.ts` makes and applies it. */
export interface PatchFrame {
  readonly kind: "patch";
  /** 1 to 2^32-1. */
  readonly version: number;
  readonly manifest: number;
  /** Short digest of the model that it leads to. */
  readonly digest: number;
  /** A mask over all coordinates, tensor after tensor. */
  readonly support: Uint8Array;
  /** Of the coordinates in it, in order. */
  readonly planes: Uint8Array;
}

/** A compact model to ship, compressed like an update; describes itself. */
export interface StudentFrame {
  readonly kind: "student";
  readonly architecture: string;
  readonly manifest: Manifest;
  readonly groups: readonly StudentGroup[];
}

export interface StudentGroup {
  /** Places in the manifest, rising; every tensor is in exactly one group. */
  readonly tensors: readonly number[];
  readonly payload: Uint8Array;
}

/** Which coordinates of a model somebody owns. */
export interface MasksFrame {
  readonly kind: "masks";
  readonly manifest: number;
  /** One a tensor of the manifest, in order. */
  readonly masks: readonly Uint8Array[];
}
