import { STEPS_UNIT } from "../../aggregation/mean.ts";
import type { Reading } from "../../aggregation/robust/reading.ts";
import { addUpdate, type Tally } from "../../aggregation/tally.ts";
import type { Weight } from "../../aggregation/weight.ts";
import { localSteps } from "../../model/local-steps.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { ClientId } from "../../model/message.ts";
import type { ReportId } from "../../model/protocol.ts";
import type { Contract } from "../contract.ts";
import type { CheckedUpdate } from "../sessions/report-check.ts";
import { nothingSeen, type Seen, see } from "./usual.ts";

/** A round as others see it. */
export interface OpenRound {
  readonly round: number;
  readonly cohort: readonly ClientId[];
  readonly accepted: ReadonlyMap<ClientId, ReportId>;
}

/** And what its reports have come to so far. */
export interface Gathering extends OpenRound {
  readonly accepted: Map<ClientId, ReportId>;
  readonly weights: Map<ClientId, number>;
  /** Null where all updates are folded together at the end. */
  readonly tally: Tally | null;
  /** Where reports are kept: as the bytes that came. */
  readonly readings: Reading[];
  readonly seen: Seen;
}

export const nothingGathered = (
  round: number,
  cohort: readonly ClientId[],
  tally: Tally | null,
  manifest: Manifest,
): Gathering => ({
  round,
  cohort,
  accepted: new Map(),
  weights: new Map(),
  tally,
  readings: [],
  seen: nothingSeen(manifest),
});

/** In place. `digest` is that of the report's frame, `lastSteps` the median of what clients took in the last round. */
export function gather(
  open: Gathering,
  checked: CheckedUpdate,
  { weight, digest }: { readonly weight: Weight; readonly digest: string },
  {
    train,
    keepsReports,
    lastSteps,
  }: Pick<Contract, "train"> & { readonly keepsReports: boolean; readonly lastSteps: number | null },
): void {
  const { update, reading } = checked;
  const { clientId, round, numSteps } = update;
  const steps = Math.min(2 ** 32 - 1, Math.round(localSteps(train, numSteps) * STEPS_UNIT));
  const most = lastSteps === null ? steps : Math.ceil(MOST_TIMES_STEPS * lastSteps);
  if (open.tally !== null) addUpdate(open.tally, update, weight, Math.min(steps, most));
  if (keepsReports) open.readings.push(reading);
  see(open.seen, checked, steps);
  open.weights.set(clientId, weight.weight);
  open.accepted.set(clientId, { round, digest });
}

/**
 * As FedNova counts steps, those of one client beyond so many times the median of the last round do not count: they lengthen
 * the step of all, and nobody can check more of them than that there are the examples, which nobody can check either.
 */
const MOST_TIMES_STEPS = 4;
