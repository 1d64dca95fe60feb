import type { Reading } from "../../aggregation/robust/reading.ts";
import { robustRule, type StrategyName, strategyNames } from "../../aggregation/strategy.ts";
import { planGroups } from "../../compress/plan.ts";
import { reusedScratch } from "../../compress/scratch.ts";
import { reportBytes } from "../../coordinator/sessions/report-bytes.ts";
import { ConfigError } from "../../model/error.ts";
import type { Manifest } from "../../model/manifest.ts";
import { type FoldCase, foldCodecs, messageOf, payloadsOf } from "./fold.ts";

const settings = { centeredClipping: { radius: "auto", iterations: 3, cutoff: 4 } } as const;

/** A fifth of the clients, as by default. */
const SHARE = 0.2;

const ruleOf = (strategy: StrategyName) => robustRule({ strategy, ...settings });

export const robustNames: readonly StrategyName[] = strategyNames.filter((name) => ruleOf(name) !== null);

export interface RobustCase extends FoldCase {
  readonly rule: StrategyName;
  /** Of `coordinator.limits.robustBytes`. */
  readonly megabytes: number;
}

export interface RobustRow extends RobustCase {
  /** From the reports' payloads to the delta, as at the close of a round; of the processor, so that others' work does not count. */
  readonly seconds: number;
  /** Of that, decoding. */
  readonly decodeSeconds: number;
  /** How often each payload was decoded. */
  readonly passes: number;
  /** What the reports take that are kept until then. */
  readonly reportsMB: number;
  /** Of resident memory, looked at whenever an update is decoded, above what it was with the payloads made. */
  readonly peakMB: number;
}

/** Folds once, as a coordinator does when a round closes. Throws ConfigError where a config would be refused. */
export function measureRobust(robustCase: RobustCase): RobustRow {
  const { rule: name, codec: codecName, clients, params, megabytes } = robustCase;
  const manifest: Manifest = { tensors: [{ name: "w", shape: [params] }] };
  const rule = ruleOf(name)!;
  const attackers = Math.floor(SHARE * clients);
  const plan = [{ tensors: "*", codec: foldCodecs[codecName], errorFeedback: true }];
  const groups = planGroups(plan, manifest, "uplink");
  const { encoded, decoded } = reportBytes(groups, false);
  const bytes = 1e6 * megabytes - clients * encoded - decoded;
  const round = { updates: clients, coordinates: params, updateBytes: decoded, masked: false };
  if (bytes < rule.leastBytes(round) || clients < rule.fewest(attackers))
    throw new ConfigError([
      { path: "--memory", value: megabytes, expected: `more for ${name} of ${clients}` },
    ]);

  const payloads = payloadsOf(codecName, clients, params);
  const scratch = reusedScratch();
  const masks = new Map([["w", null]]);
  const before = process.memoryUsage().rss;
  let peak = before;
  let [reads, decodeSeconds] = [0, 0];
  const readings = Array.from({ length: clients }, (_, i): Reading => {
    const read = () => {
      const began = cpuSeconds();
      scratch.reset();
      const update = messageOf(
        groups[0]!.codec.decode(payloads[i % payloads.length]!, params, name, scratch),
        i,
      );
      decodeSeconds += cpuSeconds() - began;
      reads++;
      peak = Math.max(peak, process.memoryUsage.rss());
      return update;
    };
    return { clientId: `client-${i}`, masks, read };
  });
  const began = cpuSeconds();
  rule.combine(readings, { manifest, attackers, previous: null, bytes });
  const seconds = cpuSeconds() - began;
  peak = Math.max(peak, process.memoryUsage.rss());
  const ofPayloads = payloads.reduce((sum, { length }) => sum + length, 0) / payloads.length;
  return {
    ...robustCase,
    seconds,
    decodeSeconds,
    passes: reads / clients,
    reportsMB: (clients * ofPayloads) / 1e6,
    peakMB: (peak - before) / 1e6,
  };
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const cells = (texts: readonly string[]): string => texts.map((text) => text.padStart(11)).join("");

export const ROBUST_HEAD = `${"rule".padEnd(18)}${cells(["codec", "clients", "params", "memory MB", "seconds", "decoding", "passes", "reports MB", "peak MB"])}`;

export const robustLine = (row: RobustRow): string =>
  `${row.rule.padEnd(18)}${cells([
    row.codec,
    String(row.clients),
    row.params.toExponential(0),
    String(row.megabytes),
    row.seconds.toFixed(2),
    row.decodeSeconds.toFixed(2),
    row.passes.toFixed(1),
    row.reportsMB.toFixed(0),
    row.peakMB.toFixed(0),
  ])}`;
