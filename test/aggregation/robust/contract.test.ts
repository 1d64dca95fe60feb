import { bulyan } from "../../../src/aggregation/robust/bulyan.ts";
import { centeredClipping } from "../../../src/aggregation/robust/centered-clipping.ts";
import { geometricMedian } from "../../../src/aggregation/robust/geometric-median.ts";
import { krum, multiKrum } from "../../../src/aggregation/robust/krum.ts";
import { coordinateMedian } from "../../../src/aggregation/robust/median.ts";
import type { RobustRule } from "../../../src/aggregation/robust/rule.ts";
import { trimmedMean } from "../../../src/aggregation/robust/trimmed-mean.ts";
import { type StrategySubject, strategySuite } from "../../suites/strategy.ts";
import { readingsOf, small } from "../../suites/updates.ts";

const suite = (name: string, rule: RobustRule, promises: Pick<StrategySubject, "translates" | "bounded">) =>
  strategySuite(name, {
    combine: (updates, attackers, previous) =>
      rule.combine(readingsOf([...updates].sort((a, b) => (a.clientId < b.clientId ? -1 : 1))), {
        manifest: small,
        attackers,
        previous,
        bytes: 2 ** 20,
      }),
    fewest: rule.fewest,
    averages: true,
    scales: true,
    ...promises,
  });

suite("median", coordinateMedian, { translates: true, bounded: "between honest values" });
suite("trimmed mean", trimmedMean, { translates: true, bounded: "between honest values" });
suite("krum", krum, { translates: true, bounded: 3 });
suite("multi-krum", multiKrum, { translates: true, bounded: 3 });
suite("bulyan", bulyan, { translates: true, bounded: 12 });
// It stops a thousandth short of the point, from where depends on the place.
suite("geometric median", geometricMedian, { translates: false, bounded: 11 });
for (const [iterations, cutoff] of [
  [1, null],
  [2, 2],
  [3, 4],
] as const)
  suite(
    `centered clipping, ${iterations} passes, cutoff ${cutoff}`,
    centeredClipping({ radius: "auto", iterations, cutoff }),
    {
      translates: true,
      bounded: iterations,
    },
  );
