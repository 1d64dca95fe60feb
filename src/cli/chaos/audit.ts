import type { Record } from "../../coordinator/journal/record.ts";

/** A client's own account of one report. */
export interface Heard {
  readonly clientId: string;
  readonly round: number;
}

export interface HeardVerdict extends Heard {
  readonly outcome: string;
  /** The version that it was folded into. */
  readonly version: number | null;
}

/** What the clients were told, each at the moment when it was told. */
export interface Testimony {
  readonly receipts: readonly Heard[];
  readonly verdicts: readonly HeardVerdict[];
}

/**
 * What a journal and its clients' accounts contradict each other in: empty when every report that a client has a receipt
 * for was accepted, none was accepted twice, every verdict is what became of the round, and versions follow one another.
 * Reports count in the round that asked for them: a run of chaos takes none late. Where older records are gone, `start`
 * is the version that those which are left begin with, and what was told of earlier rounds is left out.
 */
export function contradictions(
  records: readonly Record[],
  { receipts, verdicts }: Testimony,
  start = 0,
): readonly string[] {
  const found: string[] = [];
  const first = firstRound(records);
  const isThere = ({ round }: Heard): boolean => start === 0 || round >= first;
  const accepted = new Set<string>();
  const versions = new Map<number, number | null>();
  let version = start;
  for (const record of records) {
    if (record.type === "accepted") {
      const key = keyOf(record);
      if (accepted.has(key)) found.push(`counted twice: ${key}`);
      if (versions.has(record.round)) found.push(`accepted after its round was closed: ${key}`);
      accepted.add(key);
    }
    if (record.type !== "closed") continue;
    if (versions.has(record.round)) found.push(`round ${record.round} closed twice`);
    const isCommit = record.outcome === "commit";
    if (record.version !== version + (isCommit ? 1 : 0))
      found.push(`round ${record.round} made version ${record.version} out of ${version}`);
    version = record.version;
    versions.set(record.round, isCommit ? record.version : null);
  }
  for (const receipt of receipts.filter(isThere))
    if (!accepted.has(keyOf(receipt))) found.push(`acknowledged and lost: ${keyOf(receipt)}`);
  for (const verdict of verdicts.filter(isThere)) {
    const key = keyOf(verdict);
    const { outcome } = verdict;
    if (outcome !== "folded" && outcome !== "dropped") continue;
    const made = versions.get(verdict.round);
    if (made === undefined) found.push(`a verdict before its round was closed: ${key} ${outcome}`);
    else if (outcome === "folded" && !accepted.has(key)) found.push(`folded and never accepted: ${key}`);
    else if (outcome === "folded" && made !== verdict.version)
      found.push(`told to be folded into version ${verdict.version}, not ${made}: ${key}`);
    else if (outcome === "dropped" && accepted.has(key) && made !== null)
      found.push(`folded and told to be dropped: ${key}`);
  }
  return found;
}

const firstRound = (records: readonly Record[]): number =>
  records.find((record) => record.type === "opened")?.round ?? Number.POSITIVE_INFINITY;

const keyOf = ({ clientId, round }: Heard): string => `${clientId}, round ${round}`;
