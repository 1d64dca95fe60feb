import type { AuditContext } from "./context.ts";
import { type History, type OpenRound, silentIn } from "./history.ts";
import type { Evidence, RecordHead } from "./journal.ts";

/**
 * What became of those who were asked, as every round that closes has it written down, and how many may be asked after
 * that. Of clients that were silent when their round reached its goal the coordinator learns later, which is not durable
 * before the next round closes: at worst all of them are lost.
 */
export interface EvidenceAudit {
  /** Both before the record is followed; null when it may stand there. */
  readonly opens: (head: RecordHead) => string | null;
  readonly closes: (open: OpenRound, head: RecordHead, history: History) => string | null;
  /** A life begins: nobody is waited for any more of whom the last one might have heard. */
  readonly begins: () => void;
}

/** Of clients that were asked: all, those that were not heard, and those that were not refused. */
interface Asked {
  readonly all: number;
  readonly unheard: number;
  readonly unrefused: number;
}

const NOBODY: Asked = { all: 0, unheard: 0, unrefused: 0 };

/** Beyond this the older count for less. */
const MEMORY = 512;

export function evidenceAudit({ shape }: AuditContext): EvidenceAudit {
  const { goal, overSelection, concurrency } = shape.config.cohort;
  let known: Evidence = { heard: 10, lost: 0 };
  /** Of what became of these nothing may be written down yet. */
  let awaited: Asked = NOBODY;

  const opens: EvidenceAudit["opens"] = ({ round, cohort }) => {
    const worst = { heard: known.heard, lost: known.lost + awaited.unheard };
    if (concurrency !== null || overSelection !== "auto" || total(worst) > MEMORY) return null;
    const fewer = cohort.length - 1;
    return fewer >= goal && shortfall(fewer, goal, worst) <= 0.001
      ? `round ${round} asks ${fewer + 1} clients; ${fewer} are enough for ${goal}, after ${JSON.stringify(worst)}`
      : null;
  };

  const closes: EvidenceAudit["closes"] = (open, { round, evidence }, history) => {
    const before = known;
    known = evidence;
    const wrong = (what: string): string =>
      `round ${round} closes with ${what} of ${JSON.stringify(evidence)}, after ${JSON.stringify(before)}`;
    const grown = total(evidence) - total(before);
    if (concurrency !== null) return grown === 0 ? null : wrong("more");
    const cohort = new Set(history.rounds.get(round)!.cohort);
    const heard = open.accepted.filter(({ clientId }) => cohort.has(clientId)).length;
    const lost = [...open.refused].filter((clientId) => cohort.has(clientId)).length;
    const silent = silentIn(history, open).length;
    const now = { all: cohort.size, unheard: lost + silent, unrefused: heard + silent };
    const waits = silent > 0 && open.accepted.length >= goal;
    const most = waits ? awaited : added(awaited, now);
    const left = added(awaited, now);
    const all = left.all - grown;
    awaited =
      all <= 0
        ? NOBODY
        : { all, unheard: Math.min(all, left.unheard), unrefused: Math.min(all, left.unrefused) };
    if (total(before) + left.all > MEMORY) return null;
    if (grown > most.all) return wrong("too many");
    const [fewestHeard, fewestLost] = silent === 0 ? [heard, lost] : [0, 0];
    const [moreHeard, moreLost] = [evidence.heard - before.heard, evidence.lost - before.lost];
    if (moreHeard < fewestHeard || moreHeard > most.unrefused) return wrong("what was heard");
    return moreLost < fewestLost || moreLost > most.unheard ? wrong("what was lost") : null;
  };

  return {
    opens,
    closes,
    begins: () => {
      awaited = NOBODY;
    },
  };
}

const total = ({ heard, lost }: Evidence): number => heard + lost;

const added = (a: Asked, b: Asked): Asked => ({
  all: a.all + b.all,
  unheard: a.unheard + b.unheard,
  unrefused: a.unrefused + b.unrefused,
});

/** The probability that fewer than `goal` of `size` report, as the beta-binomial distribution has it, from none upwards. */
export function shortfall(size: number, goal: number, { heard, lost }: Evidence): number {
  if (lost === 0) return size < goal ? 1 : 0;
  let term = 1;
  for (let j = 0; j < size; j++) term *= (lost + j) / (heard + lost + j);
  let sum = 0;
  for (let k = 0; k < Math.min(goal, size + 1); k++) {
    sum += term;
    term *= ((size - k) * (heard + k)) / ((k + 1) * (lost + size - k - 1));
  }
  return sum;
}
