import { robustRule } from "../../../aggregation/strategy.ts";
import type { Priors, Residual } from "../../../compress/error-feedback.ts";
import { planGroups } from "../../../compress/plan.ts";
import { WireError } from "../../../model/error.ts";
import type { Params } from "../../../model/tensor.ts";
import type { AuditContext } from "./context.ts";
import { type Decoded, decoded } from "./decoded.ts";
import { type Counted, type FoldRules, foldAgain } from "./fold.ts";
import { type Accepted, type OpenRound, sha256 } from "./history.ts";
import type { RecordHead } from "./journal.ts";
import { stepAgain } from "./optimizer.ts";
import { unitsOfSteps, weighAgain } from "./weight.ts";

/** Every round against an offline reference: bounds, weights, fold, step, and what of the step was broadcast. */
export interface RoundAudit {
  /** Looks at a round that closes, before it does. Null when all is as it should be. */
  readonly closes: (open: OpenRound, head: RecordHead, version: number) => string | null;
  /** The coordinator was seen to take this step in a round, with so much owed before it. */
  readonly stepped: (round: number, target: Params, owed: Residual, isReplay: boolean) => void;
  /** The model that a coordinator says is its newest. */
  readonly published: (params: Params) => void;
  /** The bounds that a round must open with. */
  readonly exponents: () => readonly number[];
  readonly decode: (report: Pick<Accepted, "clientId" | "baseVersion" | "digest" | "frame">) => Decoded;
  /** A model that was published, by its digest. */
  readonly modelOf: (digest: string) => Float64Array | null;
}

interface Committed {
  readonly version: number;
  readonly round: number;
  readonly seen: Seen;
  readonly digest: string;
}

interface Seen {
  readonly target: Float64Array;
  readonly owed: Float64Array;
}

/** `priorsAt` are those of a version; `onFold` sees the reports that make the next one. */
export function roundAudit(
  { shape, options, plan, partOf, length, fail }: AuditContext,
  priorsAt: (version: number) => Priors,
  onFold: (reports: readonly Counted[]) => void,
): RoundAudit {
  const { config } = shape;
  const { manifest, limits, aggregation } = options.contract;
  const tensorOf = coordinatesOf(shape.initial);
  const groups = plan.whole.map(({ tensors }) => tensors.map((tensor) => manifest.tensors.indexOf(tensor)));
  let exponents: readonly number[] = manifest.tensors.map(() => 3);
  /** The median of the last round's local steps. */
  let lastSteps = Infinity;
  const step = stepAgain(aggregation.serverOptimizer, length);
  /** A round may be seen to close more than once: the last time counts that became durable. */
  const steps = new Map<number, Seen[]>();
  /** By their digests. */
  const models = new Map<string, Float64Array>([[digestAgain(shape.initial), flat(shape.initial)]]);
  const decodedReports = new Map<string, Decoded>();
  /** Rounds that committed, in order: what was owed after each is known with the next. */
  const committed: Committed[] = [];
  /** Sums of floats depend on their order, sums of integers do not. */
  const isRobust = robustRule(aggregation) !== null;
  const hasFeedback = feedbackOf(shape, options.contract.downlink);

  const decode: RoundAudit["decode"] = (report) => {
    const known = decodedReports.get(report.digest);
    if (known !== undefined) return known;
    const made = decoded(report.frame, partOf(report.clientId), length, limits, priorsAt(report.baseVersion));
    decodedReports.set(report.digest, made);
    return made;
  };

  const ofReport = (report: Accepted, version: number): string | null => {
    const who = `${report.clientId}'s report of round ${report.round}`;
    let update: Decoded;
    try {
      update = decode(report);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return `${who}: ${error.message}`;
    }
    if (update.round !== report.round || update.baseVersion !== report.baseVersion)
      return `${who}: its frame is of round ${update.round} and version ${update.baseVersion}`;
    const beyond = update.values.findIndex((v, at) => !(Math.abs(v) <= 2 ** exponents[tensorOf[at]!]!));
    if (beyond >= 0) return `${who}: ${update.values[beyond]} is beyond the bound`;
    const { gain, weight } = weighAgain(update, version, config);
    if (gain !== report.weight.gain || weight !== report.weight.weight)
      return `${who}: weighs ${JSON.stringify(report.weight)}, not ${JSON.stringify({ gain, weight })}`;
    return null;
  };

  const nextExponents = (reports: readonly Accepted[]): readonly number[] => {
    const next = [...exponents];
    for (const group of groups) {
      let most = 0;
      for (const report of reports)
        decode(report).values.forEach((v, at) => {
          if (group.includes(tensorOf[at]!)) most = Math.max(most, Math.abs(v));
        });
      if (most === 0) continue;
      let exponent = -100;
      while (2 ** exponent < 8 * most && exponent < 10) exponent++;
      for (const i of group)
        next[i] = config.cohort.maxStaleness > 0 ? Math.max(exponent, exponents[i]!) : exponent;
    }
    return next;
  };

  const closes: RoundAudit["closes"] = (open, head, version) => {
    if (open.exponents.join() !== exponents.join())
      return `round ${open.round} opened with bounds ${open.exponents}, not ${exponents}`;
    for (const report of open.accepted) {
      const wrong = ofReport(report, version);
      if (wrong !== null) return wrong;
    }
    if (head.outcome === "abandon") return null;
    const rules: FoldRules = {
      strategy: aggregation.strategy,
      attackers: aggregation.attackers,
      exponentOf: (at) => open.exponents[tensorOf[at]!]!,
      weightBudget: config.cohort.goal * 2 ** 31,
      // more than four times the last round's median lengthens nobody's step
      stepsOf: (update) => Math.min(unitsOfSteps(update, config), Math.ceil(4 * lastSteps)),
    };
    const counted = open.accepted.map((report) => ({
      clientId: report.clientId,
      update: decode(report),
      weight: report.weight,
    }));
    const covered = (at: number): boolean => counted.some(({ update }) => update.owned[at] === 1);
    const target = step(foldAgain(counted, rules, length), covered);
    const seen = steps.get(open.round) ?? [];
    const right = seen.find((one) => firstApart(one.target, target, isRobust ? 1e-6 : 0) < 0);
    if (right === undefined) return wrongStep(open.round, seen.at(-1), target);
    onFold(counted);
    exponents = nextExponents(open.accepted);
    lastSteps = medianOf(counted.map(({ update }) => unitsOfSteps(update, config)));
    return broadcast({ round: open.round, version: version + 1, seen: right, digest: head.digest });
  };

  /** B_v - B_(v-1) is the step, and what was owed before less what is owed after. */
  const broadcast = (now: Committed): string | null => {
    const before = committed.at(-1);
    const from = models.get(committed.at(-2)?.digest ?? digestAgain(shape.initial));
    committed.push(now);
    const to = before && models.get(before.digest);
    if (!before || !from || !to) return null;
    for (let at = 0; at < length; at++) {
      if (!hasFeedback(at)) continue;
      const [step, owed] = [before.seen.target[at]!, before.seen.owed[at]!];
      const wanted = step + owed - now.seen.owed[at]!;
      const got = to[at]! - from[at]!;
      if (Math.abs(got - wanted) > 1e-5 * (1 + Math.abs(to[at]!) + Math.abs(owed) + Math.abs(step)))
        return `version ${before.version} moves coordinate ${at} by ${got}; step and debt make ${wanted}`;
    }
    return null;
  };

  return {
    closes,
    decode,
    modelOf: (digest) => models.get(digest) ?? null,
    exponents: () => exponents,
    stepped: (round, target, owed, isReplay) => {
      const seen = { target: flat(target), owed: flatOwed(owed, shape, options.contract.downlink) };
      const closed = committed.find((one) => one.round === round)?.seen;
      if (isReplay && closed && !(isSame(closed.target, seen.target) && isSame(closed.owed, seen.owed)))
        fail("replay", `round ${round} is folded again to another step`);
      steps.set(round, [...(steps.get(round) ?? []), seen].slice(-8));
    },
    published: (params) => {
      models.set(digestAgain(params), flat(params));
    },
  };
}

function wrongStep(round: number, seen: Seen | undefined, target: Float64Array): string {
  if (seen === undefined) return `round ${round} is committed, but nobody saw its step`;
  const at = firstApart(seen.target, target, 0);
  return `round ${round} steps by ${seen.target[at]} at coordinate ${at}, the reference by ${target[at]}`;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** SHA-256 of a model, as docs/wire-format.md has it. */
export function digestAgain(params: Params): string {
  const lines = [...params].map(([name, { shape }]) => `${name} ${shape.join("x")}\n`).join("");
  const values = [...params.values()].map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return sha256(new TextEncoder().encode(lines), ...values);
}

function flat(params: Params): Float64Array {
  const values = [...params.values()].flatMap(({ data }) => [...data]);
  return Float64Array.from(values);
}

/** Of every coordinate its tensor's place. */
export const coordinatesOf = (params: Params): readonly number[] =>
  [...params.values()].flatMap(({ data }, i) => [...data].map(() => i));

/** What is owed by plan groups, by coordinate of the model. */
function flatOwed(owed: Residual, { initial }: Shape, rules: Parameters<typeof planGroups>[0]): Float64Array {
  const all = new Float64Array([...initial.values()].reduce((n, { data }) => n + data.length, 0));
  forEachGroup(initial, rules, (place, group, i) => {
    const vector = owed[group];
    if (vector) all[place] = vector[i]!;
  });
  return all;
}

/** Whether what is not sent of a coordinate is owed. */
export function feedbackOf(
  { initial }: Shape,
  rules: Parameters<typeof planGroups>[0],
): (at: number) => boolean {
  const has = new Set<number>();
  const groups = groupsOf(initial, rules);
  forEachGroup(initial, rules, (place, group) => {
    if (groups[group]!.rule.errorFeedback) has.add(place);
  });
  return (at) => has.has(at);
}

const groupsOf = (initial: Params, rules: Parameters<typeof planGroups>[0]) =>
  planGroups(rules, { tensors: [...initial].map(([name, { shape }]) => ({ name, shape })) }, "plan");

/** Every coordinate of the model with its group and its place in that. */
export function forEachGroup(
  initial: Params,
  rules: Parameters<typeof planGroups>[0],
  visit: (place: number, group: number, i: number) => void,
): void {
  const starts = new Map<string, number>();
  let start = 0;
  for (const [name, { data }] of initial) {
    starts.set(name, start);
    start += data.length;
  }
  groupsOf(initial, rules).forEach(({ tensors }, group) => {
    let i = 0;
    for (const { name } of tensors)
      for (let k = 0; k < initial.get(name)!.data.length; k++) visit(starts.get(name)! + k, group, i++);
  });
}

/** What is in float32 beside what is in float64, up to a share of it; without one, to the bit. */
const firstApart = (a: Float64Array, b: Float64Array, share: number): number =>
  a.findIndex((v, i) => !(Math.abs(v - Math.fround(b[i]!)) <= share * (Math.abs(v) + 1e-6)));

const isSame = (a: Float64Array, b: Float64Array): boolean => a.every((v, i) => Object.is(v, b[i]));

type Shape = AuditContext["shape"];
