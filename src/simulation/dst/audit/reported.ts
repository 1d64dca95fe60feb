import type { ClientId } from "../../../model/message.ts";
import type { AuditContext } from "./context.ts";
import type { Decoded } from "./decoded.ts";
import type { History } from "./history.ts";
import { coordinatesOf, forEachGroup } from "./rounds.ts";

/** What a report says, where its codec leaves nothing out: what was trained and owed, up to the round's bounds; and of whom. */
export type ReportAudit = (clientId: ClientId, made: MadeReport, history: History) => void;

interface MadeReport {
  readonly round: number;
  readonly update: Decoded;
  readonly trained: Float64Array;
  readonly residualBefore: readonly (Float32Array | null)[];
}

export function reportAudit({ shape, options, plan, partOf, fail }: AuditContext): ReportAudit {
  const { uplink } = options.contract;
  const { epochs, batchSize } = shape.config.train;
  const tensorOf = coordinatesOf(shape.initial);
  const isExact = plan.whole.map(
    ({ rule: { codec } }) => codec.select === "all" && codec.values === "float32",
  );
  const places: { readonly place: number; readonly group: number; readonly i: number }[] = [];
  forEachGroup(shape.initial, uplink, (place, group, i) => {
    if (isExact[group]) places.push({ place, group, i });
  });

  return (clientId, { round, update, trained, residualBefore }, history) => {
    const asked = history.rounds.get(round);
    if (asked === undefined)
      return fail("report", `${clientId} has a report of round ${round}, which is not durable`);
    const part = partOf(clientId);
    const { values, numExamples, numSteps } = update;
    const own = shape.clients[Number(clientId.slice("client-".length)) - 1]!.numExamples;
    const steps = epochs * Math.ceil(own / batchSize);
    if (numExamples !== own || numSteps !== steps)
      fail(
        "report",
        `${clientId} says ${numExamples} examples and ${numSteps} steps; it has ${own} and took ${steps}`,
      );
    const owned = new Set(part.owned);
    for (const { place, group, i } of places) {
      if (!owned.has(place)) continue;
      const bound = 2 ** asked.exponents[tensorOf[place]!]!;
      const whole = trained[place]! + (residualBefore[group]?.[i] ?? 0);
      const wanted = Math.min(bound, Math.max(-bound, whole));
      if (Math.abs(values[place]! - wanted) > 1e-6 * Math.abs(wanted))
        return fail(
          "report",
          `${clientId} sends ${values[place]} at coordinate ${place} in round ${round}, and trained ${wanted}`,
        );
    }
  };
}
