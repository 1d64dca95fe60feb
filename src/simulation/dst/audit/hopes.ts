import { type History, type HistoryRules, silentIn } from "./history.ts";

/**
 * Why the open round has to be over, as the durable records have it: nobody is left who may report, or too few are. Those
 * who may are more than a coordinator knows of, because a check-in after a round gives up its report: where it has to close
 * by these records, it had to when it wrote the last of them.
 */
export function overdue(
  history: History,
  { minimum, maxStaleness, isBuffered }: Pick<HistoryRules, "minimum" | "maxStaleness" | "isBuffered">,
): string | null {
  const { open, version, late } = history;
  if (open === null) return null;
  const silent = silentIn(history, open).length;
  const numLate = [...late.values()].filter((asked) => version - asked <= maxStaleness).length;
  const hopes = silent + (maxStaleness === 0 ? 0 : numLate);
  const { length } = open.accepted;
  if (hopes === 0 && length >= minimum) return `${length} have reported, and nobody is left who may`;
  const tooFew = !isBuffered && length + hopes < minimum; // somebody else may join where rounds are buffered
  return tooFew ? `${length} have reported, and ${hopes} may, of ${minimum} at least` : null;
}
