import type { AggregationStrategy } from "../../aggregation/strategy.ts";
import { emptyResidual } from "../../compress/error-feedback.ts";
import { firstHistory, type History } from "../../compress/history.ts";
import type { PlanGroup } from "../../compress/plan.ts";
import { usesHistory } from "../../compress/priors.ts";
import type { Contract } from "../contract.ts";
import { type ChainState, versionZero } from "./chain.ts";
import { type ControlState, noControl } from "./control-track.ts";
import { ALL_OWNED } from "./model-masks.ts";
import type { StepState } from "./model-step.ts";
import { NOTHING_GIVEN, type OwnersState } from "./owners.ts";
import type { Teachers } from "./teachers.ts";
import { firstUsual, type Usual } from "./usual.ts";
import { NO_VERDICTS, type VerdictRows } from "./verdicts.ts";

/** All that the fold of later records, and what is said about earlier ones, depend on while no round is open. */
export interface BookState {
  /** The last one; 0 before there was one. */
  readonly round: number;
  readonly chain: ChainState;
  readonly step: StepState;
  readonly usual: Usual;
  /** Null without SCAFFOLD. */
  readonly control: ControlState | null;
  readonly owners: OwnersState;
  /** Of the versions whose reports may still be coded by them, the newest last; null where no plan has history. */
  readonly histories: readonly History[] | null;
  /** Of the last committed round, where they are kept. */
  readonly teachers: Teachers | null;
  readonly verdicts: VerdictRows;
}

/** A run's before its first record. */
export const firstState = (
  {
    manifest,
    initial,
    subModels,
    ...plans
  }: Pick<Contract, "manifest" | "initial" | "subModels" | "uplink" | "downlink">,
  { optimizer, control }: Pick<AggregationStrategy, "optimizer" | "control">,
  downlink: readonly PlanGroup[],
): BookState => ({
  round: 0,
  chain: versionZero(initial),
  step: {
    residual: emptyResidual(downlink),
    optimizer: optimizer.init(initial),
    masks: ALL_OWNED,
    previous: null,
  },
  usual: firstUsual(manifest, subModels),
  control: control && noControl(initial),
  owners: NOTHING_GIVEN,
  histories: usesHistory(plans.uplink, plans.downlink) ? [firstHistory(initial)] : null,
  teachers: null,
  verdicts: NO_VERDICTS,
});
