import type { ClientState } from "../../../client/state.ts";
import type { Params } from "../../../model/tensor.ts";
import type { AuditContext } from "./context.ts";
import type { Counted } from "./fold.ts";
import { feedbackOf } from "./rounds.ts";

/**
 * SCAFFOLD's control variates (Karimireddy et al., 2020, option II), once more from what was reported: a client's becomes
 * c_i - c - d_i / rate with every report that is folded, d_i being its delta a local step, and the cohort's is the mean of
 * all clients that were ever folded, by their weights.
 */
export interface ControlAudit {
  readonly isUsed: boolean;
  /** A round is folded to the next version. */
  readonly folded: (reports: readonly Counted[]) => void;
  /** What is wrong with a cohort's variate of a version; null when it is right. */
  readonly wrongShared: (version: number, values: ArrayLike<number> | null) => string | null;
  /** The same of a client's own, from its state before; `isFolded`: of the report that waited then. */
  readonly wrongOwn: (before: ClientState | null, state: ClientState, isFolded: boolean) => string | null;
  /** And of what it will be once the report that waits is folded, which was made of these values. */
  readonly wrongNext: (state: ClientState, trained: Float64Array, sent: Float64Array) => string | null;
}

export function controlAudit({ shape, options, length }: AuditContext): ControlAudit {
  const { optimizer } = shape.config.train;
  const rate = "sgd" in optimizer ? optimizer.sgd.learningRate : optimizer.adam.learningRate;
  /** By version. */
  const shared: Float64Array[] = [new Float64Array(length)];
  const weights = new Map<string, number>();
  const isOwed = feedbackOf(shape, options.contract.uplink);
  const weightOfAll = (): number => [...weights.values()].reduce((a, b) => a + b, 0);

  return {
    isUsed: options.contract.aggregation.strategy === "scaffold",
    folded: (reports) => {
      const before = weightOfAll();
      for (const { clientId, weight } of reports) weights.set(clientId, weight.weight);
      const after = weightOfAll();
      const next = shared.at(-1)!.map((c, at) => {
        const changes = reports.map(({ update, weight }) => weight.weight * -(c + update.values[at]! / rate));
        return Math.fround((before * c + changes.reduce((a, b) => a + b, 0)) / after);
      });
      shared.push(next);
    },
    wrongShared: (version, values) => {
      const right = shared[version];
      if (right === undefined) return `there is no version ${version}`;
      if (values === null) return version === 0 ? null : `version ${version} comes without one`;
      return apart(values, right);
    },
    wrongOwn: (before, { controls }, isFolded) => {
      const right = (isFolded ? before?.pending?.ownControl : null) ?? before?.controls.own ?? null;
      return apart(flat(controls.own, length), flat(right, length));
    },
    wrongNext: ({ controls, pending }, trained, sent) => {
      if (!pending?.ownControl) return "a report waits without one";
      const [own, c] = [flat(controls.own, length), flat(controls.shared, length)];
      const right = own.map((v, at) => v - c[at]! - (isOwed(at) ? trained : sent)[at]! / rate);
      return apart(flat(pending.ownControl, length), right);
    },
  };
}

const flat = (params: Params | null, length: number): Float64Array =>
  params === null
    ? new Float64Array(length)
    : Float64Array.from([...params.values()].flatMap(({ data }) => [...data]));

function apart(values: ArrayLike<number>, right: Float64Array): string | null {
  if (values.length !== right.length) return `it has ${values.length} values, not ${right.length}`;
  const at = right.findIndex((v, i) => !(Math.abs(values[i]! - v) <= 1e-5 * (1 + Math.abs(v))));
  return at < 0 ? null : `coordinate ${at} is ${values[at]}, not ${right[at]}`;
}
