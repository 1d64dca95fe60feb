import type { MaskRules } from "../aggregation/mask-step.ts";
import type { AggregationSettings } from "../aggregation/strategy.ts";
import type { Manifest } from "../model/manifest.ts";
import type { ClientId } from "../model/message.ts";
import type { ModelSource, PlanRule, TrainSettings } from "../model/protocol.ts";
import type { SubModel } from "../model/submodel.ts";
import type { Masks, Params } from "../model/tensor.ts";
import type { Limits } from "../wire/limits.ts";

/** What the fold of the journal depends on, besides the journal. */
export interface Contract {
  readonly manifest: Manifest;
  readonly source: ModelSource;
  /** Whether version 0 is what the zoo's factory makes of the seed; else it travels as a checkpoint. */
  readonly seeded: boolean;
  readonly initial: Params;
  readonly uplink: readonly PlanRule[];
  readonly downlink: readonly PlanRule[];
  readonly aggregation: AggregationSettings;
  readonly train: TrainSettings;
  /** Parts of the model that clients are given by what their devices can do; none when everybody trains everything. */
  readonly subModels: readonly SubModel[];
  /** What clients own of the model for good, in a study whose journal nobody replays; all others follow `masks`. */
  readonly ownMasks?: ReadonlyMap<ClientId, Masks>;
  readonly masks: MaskRules;
  /** The weights of a round's updates add up to at most this. */
  readonly weightBudget: number;
  /** Whether the last round's updates are kept, for an ensemble of teachers; else they are folded and gone. */
  readonly keepsUpdates: boolean;
  /** Memory for a robust fold to work in, beside a round's reports; the model is the same whatever it is. */
  readonly foldBytes: number;
  /** How many versions the model may have moved on while a client trained; 0: reports count in their own round only. */
  readonly maxStaleness: number;
  readonly limits: Limits;
}
