import type { Manifest } from "./manifest.ts";
import type { ClientId } from "./message.ts";
import type { DeviceProfile } from "./submodel.ts";

/**
 * What coordinator and client say to each other, as values: check in, task, report, receipt, verdict. The links
 * (gRPC, simulated) carry them; frames travel beside them as bytes.
 */

/** "Here I am, this is what I hold, and what became of my last report?" */
export interface CheckIn {
  /** The run that the client's state belongs to; null for a client that has none yet. */
  readonly runId: string | null;
  readonly numExamples: number;
  /** The global model that the client holds; null when it holds none. */
  readonly held: HeldModel | null;
  /** The report whose verdict is still unknown to the client. */
  readonly pending: ReportId | null;
  /** What the client can spare; without it the whole model is fine. */
  readonly device?: DeviceProfile;
}

export interface HeldModel {
  readonly version: number;
  /** SHA-256 of the model, 64 hex digits. */
  readonly digest: string;
}

/** A report's identity: a client reports once a round, and the digest is the SHA-256 of its frame. */
export interface ReportId {
  readonly round: number;
  readonly digest: string;
}

/** What became of a journaled report. Unknown: the round is still open, or the coordinator never got it. */
export type Verdict = {
  readonly report: ReportId;
  readonly outcome: "folded" | "dropped" | "refused" | "unknown";
  /** The version it was folded into; null otherwise. */
  readonly version: number | null;
};

/** The answer to a check-in; it comes when there is something to do, which may take rounds. */
export type CheckInReply =
  | { readonly kind: "task"; readonly task: Task; readonly verdict: Verdict | null }
  | { readonly kind: "finished"; readonly verdict: Verdict | null }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** One round's work for one client. */
export interface Task {
  readonly runId: string;
  readonly round: number;
  readonly base: HeldModel;
  readonly model: ModelSource;
  readonly manifest: Manifest;
  readonly train: TrainSettings;
  /** The compression plans, first match wins; both ends derive the same groups from plan and manifest. */
  readonly uplink: readonly PlanRule[];
  readonly downlink: readonly PlanRule[];
  readonly exponents: Exponents;
  /** What the client owns of the model; all of it if left out. */
  readonly part?: TaskPart;
  /** Reports after this many milliseconds from now are late. */
  readonly reportDeadlineMs: number;
  /** How far apart the client's heartbeats are while it trains: a third of the lease. */
  readonly heartbeatMs: number;
  /** For choices that both ends must make alike, 0 to 2^32-1. */
  readonly sharedSeed: number;
}

/** A client's part of the global model: it trains nothing else and reports about nothing else. */
export interface TaskPart {
  /** Of every layer's outputs, above 0 to 1: the architecture to train is that much narrower. */
  readonly width: number;
  /** Digest of the masks, 64 hex digits; a client that does not hold them fetches them. */
  readonly masks: string;
}

/** Where version 0 comes from: a zoo factory and a seed, or a checkpoint that is downloaded. */
export interface ModelSource {
  /** The architecture's name in the zoo. */
  readonly zoo: string;
  readonly seed: number;
}

/** How a client trains in one round. What is left out is off. */
export interface TrainSettings {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  /** Scales the learning rate from step to step; begins anew every round. */
  readonly schedule?: Schedule;
  /** FedProx's mu (Li et al., 2020): the loss gains mu/2 * |params - the round's base|^2. */
  readonly proximal?: number;
  /** Gradients of a larger norm, over all tensors together, are scaled down to it. */
  readonly clipNorm?: number;
  /**
   * What the whole training moved the params by is scaled down to this norm, over all tensors together: the clipping
   * of DP-FedAvg (McMahan et al., 2018). No noise is added, so by itself it promises no privacy.
   */
  readonly updateClipNorm?: number;
  /**
   * Decoupled (Loshchilov and Hutter, 2019): every step also takes learningRate * weightDecay of each coordinate off
   * it, biases too, past the optimizer's moments.
   */
  readonly weightDecay?: number;
  /** This share of each label is spread evenly over all classes (Szegedy et al., 2016); 0 to below 1. */
  readonly labelSmoothing?: number;
  readonly augment?: Augment;
  /**
   * FedNova (Wang et al., 2020): the delta is divided by the local steps that it took, as src/model/local-steps.ts
   * counts them, before what is owed is added.
   */
  readonly perStep?: true;
  /**
   * SCAFFOLD (Karimireddy et al., 2020): local steps are corrected by the control variates of the cohort, which comes
   * with the model, and of the client, which it keeps. `optimizer` is sgd, and `perStep` is on.
   */
  readonly controlVariates?: true;
  readonly residualDecay?: ResidualDecay;
  /** What passes from layer to layer is rounded to, and the params that the model trains on; float32 if left out. */
  readonly precision?: Precision;
}

/** Numbers of 16 bits have their optimizer move float32 masters; float16 also scales the loss. */
export const precisions = ["float32", "bfloat16", "float16"] as const;
export type Precision = (typeof precisions)[number];

/**
 * What a client owes has aged while it was away: at its next report it counts `factor` of it for every round beyond
 * `afterRounds` that it missed in a row. What is taken off is gone for good.
 */
export interface ResidualDecay {
  /** Rounds without a report that change nothing, 0 to 2^31-1. */
  readonly afterRounds: number;
  /** 0 to below 1. */
  readonly factor: number;
}

export interface Schedule {
  /** The rate rises linearly over this many steps: step t of them, from 1, has t / warmUpSteps of it. */
  readonly warmUpSteps: number;
  readonly decay: Decay;
}

/** What follows the warm-up: nothing; a factor every so many steps; or half a cosine down to `floor` at the last step. */
export type Decay =
  | "constant"
  | { readonly step: { readonly everySteps: number; readonly factor: number } }
  | { readonly cosine: { readonly floor: number } };

/** Random variation of every example in every epoch. Shift and flip are for images. */
export interface Augment {
  /** Largest move of an image, in pixels either way; zeros come in. */
  readonly shift?: number;
  /** Every other image left to right. */
  readonly flip?: boolean;
  /** Standard deviation of the noise on every input. */
  readonly noise?: number;
}

export type Optimizer =
  | { readonly sgd: { readonly learningRate: number; readonly momentum: number } }
  | { readonly adam: { readonly learningRate: number } };

/** One line of a compression plan: tensors by name (`*` matches any run of characters), and their codec. */
export interface PlanRule {
  readonly tensors: string;
  readonly codec: CodecSpec;
  readonly errorFeedback: boolean;
  /** Positions may be coded by what both ends know of the broadcasts before; see src/compress/history.ts. */
  readonly history?: true;
}

export interface CodecSpec {
  /** Which coordinates are sent. */
  readonly select:
    | "all"
    /**
     * This fraction, above 0 to 1, of the largest magnitudes; or as many bytes of what is largest for its bits, where a
     * history tells some coordinates' from others'.
     */
    | { readonly topK: number; readonly rateDistortion?: true }
    /** As many of the largest as the frame has room for, by one threshold over all rules that have the budget. */
    | { readonly budget: Budget; readonly rateDistortion?: true }
    /** Magnitudes of this or more, above 0. */
    | { readonly threshold: number }
    /** This fraction, above 0 to 1, drawn at random. */
    | { readonly randomK: number }
    /** The `keep` largest of every `of` in a row: 1 to of - 1 of 2 to 24. */
    | { readonly blocks: { readonly keep: number; readonly of: number } }
    /** Two factors of this many columns, 1 to 32, of one tensor as a matrix. */
    | { readonly lowRank: number }
    /** Whole rows, of all axes but the last: those of largest mean square, up to this fraction, above 0 to 1. */
    | { readonly rows: number }
    /** Whole columns, of the last axis: the filters or neurons of a layer, by the same measure. */
    | { readonly filters: number };
  /** How their values are coded. */
  readonly values:
    | "float32"
    | "float16"
    | "bfloat16"
    | "ternary"
    | "sign"
    /** Bits a value, 1 to 8; to the nearest level, or at random so that the mean is right. */
    | { readonly uniform: number; readonly rounding?: "stochastic" }
    /** Levels of a magnitude, 1 to 32767. */
    | { readonly qsgd: number }
    /** Centroids, 2 to 256. */
    | { readonly codebook: number }
    /** Magnitudes, 2 or 3; or of 1 to 3 what pays in each message. */
    | { readonly levels: number | "auto" }
    /** Bits a value, 1 to 4. */
    | { readonly eden: number };
}

/**
 * What a frame may take: bytes, 256 or more, or what the client's link sends in so many seconds, above 0, at the rate that
 * it has measured.
 */
export type Budget = { readonly bytesPerRound: number } | { readonly secondsPerRound: number };

/**
 * Of every tensor, in the manifest's order, the exponent (-100 to 100) of the round's bound: |delta| is at most
 * 2^exponent. Tensors that share a payload share a bound.
 */
export type Exponents = readonly number[];

/** "Bring me from what I hold to this version." */
export interface FetchModel {
  readonly held: HeldModel | null;
  readonly version: number;
  /** Digest of masks to bring along, as the last frame. */
  readonly masks?: string;
  /** A checkpoint, whatever is less: what came before did not lead to the model announced. */
  readonly whole?: boolean;
  /** What is here of the same download that broke: its digest, and bytes of all its frames together. */
  readonly resume?: { readonly transfer: string; readonly offset: number };
}

/** The frames that lead to a version, and from which byte of all of them together they have to be sent. */
export interface Download {
  readonly frames: readonly Uint8Array[];
  /** SHA-256 of the frames' SHA-256 digests, one after the other; 64 hex digits. */
  readonly transfer: string;
  readonly offset: number;
  /** To be told of bytes as they go out. */
  readonly sent: (bytes: number) => void;
}

/** Whether a report that has no receipt yet still counts, and how many bytes of it are with the coordinator. */
export type Standing =
  | { readonly kind: "accepted"; readonly report: ReportId }
  | { readonly kind: "wanted"; readonly receivedBytes: number }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Accepted means journaled, no more; what it came to is the verdict. */
export type Receipt =
  | { readonly kind: "accepted"; readonly report: ReportId }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface Refusal {
  /** A WireError code, or one of the session's own. */
  readonly code: string;
  readonly detail: string;
  /** Whether the same client may try again later in this run. */
  readonly retry: boolean;
  /**
   * Not now: nothing is decided, a report is kept, and the same may be asked again after so many milliseconds. Without it
   * the refusal is for good, and a report that was refused counts for nothing.
   */
  readonly retryAfterMs?: number;
}

/** The coordinator's side of one client's visit; links call it, on whatever carries them. */
export interface ClientSession {
  readonly clientId: ClientId;
  checkIn(request: CheckIn): Promise<CheckInReply>;
  /** Why a report of that round would not count any more; null when it would. The lease begins anew. */
  heartbeat(round: number): Refusal | null;
  /** Something came from the client, or went to it: the lease begins anew. */
  heard(): void;
  /** Of what has arrived it knows nothing: the link's end does. */
  inquire(report: ReportId): Promise<Standing>;
  fetchModel(request: FetchModel): Promise<Download>;
  report(report: ReportId, frame: Uint8Array): Promise<Receipt>;
  /** The link turned a report away before it was whole; round 0 when that is not known. */
  refuse(round: number, refusal: Refusal): void;
  /** So many bytes of reports arrived and were thrown away: they are counted. Good for a closed session too. */
  lost(bytes: number): void;
  /** The link is gone; anything that waits is abandoned. */
  close(): void;
}

/** What a link's server end needs of a coordinator. */
export interface CoordinatorService {
  /**
   * One live session a client id: a second is refused. `onExpired` is called when the client was not heard of for the
   * lease: the session is closed then.
   */
  open(clientId: ClientId, onExpired?: () => void): ClientSession | Refusal;
  /** Whether a report might still count, now or later. */
  counts(clientId: ClientId, report: ReportId): boolean;
  /** After each round that closes: reports of it may count no more. */
  onRoundClosed(listener: () => void): void;
}
