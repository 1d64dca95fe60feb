/**
 * How many clients to ask so that enough of them report: asked of what became of those asked before. Nothing but sums,
 * products and quotients, so that every engine comes to the same number.
 */

/** What became of clients that were asked: fractions, once there were so many that the older count for less. */
export interface Evidence {
  /** Came back with their report, or at all, before the deadline of the round that asked them. */
  readonly heard: number;
  /** Did not, or sent something that was refused. */
  readonly lost: number;
}

/** Before anybody was asked: a fleet is reliable until somebody is lost, and one of the first who is does not rule. */
export const noEvidence: Evidence = { heard: 10, lost: 0 };

/** Clients whose fate is remembered: enough to know a drop-out of 30 % to 2 points, few enough to follow a day. */
const MEMORY = 512;

/** A round reaches its goal with this probability, if clients go on as they did. */
const CERTAINTY = 0.999;

/** Clients asked a report that is wanted, at most: what a drop-out of more than 90 % would take. */
const MOST_FACTOR = 16;

export function observed(evidence: Evidence, more: Evidence): Evidence {
  const [heard, lost] = [evidence.heard + more.heard, evidence.lost + more.lost];
  const total = heard + lost;
  return total <= MEMORY
    ? { heard, lost }
    : { heard: (heard * MEMORY) / total, lost: (lost * MEMORY) / total };
}

/** The mean of what is known of the share that is lost. */
export const dropOutOf = ({ heard, lost }: Evidence): number => lost / (heard + lost);

/** Asked at every check-in, and the same until somebody reports or is lost. */
const known = new WeakMap<Evidence, { readonly goal: number; readonly cohort: number }>();

/** The smallest cohort of which at least `goal` report with a probability of 99.9 %, at most 16 times the goal. */
export function cohortFor(goal: number, evidence: Evidence): number {
  const before = known.get(evidence);
  if (before?.goal === goal) return before.cohort;
  const cohort = smallestCohort(goal, evidence);
  known.set(evidence, { goal, cohort });
  return cohort;
}

function smallestCohort(goal: number, evidence: Evidence): number {
  if (evidence.lost === 0) return goal;
  let [below, enough] = [goal - 1, MOST_FACTOR * goal];
  while (enough - below > 1) {
    const size = Math.floor((below + enough) / 2);
    if (shortfall(size, goal, evidence) <= 1 - CERTAINTY) enough = size;
    else below = size;
  }
  return enough;
}

/**
 * The probability that fewer than `goal` of `size` clients report. How many do is beta-binomial: each reports with the
 * same probability, of which nothing is known but the evidence (a Beta distribution), so that little evidence asks for a
 * larger cohort. Terms by the ratio of neighbours, from the middle outwards until they no longer count.
 */
export function shortfall(size: number, goal: number, { heard, lost }: Evidence): number {
  const middle = Math.round((size * heard) / (heard + lost));
  let [few, enough] = middle < goal ? [1, 0] : [0, 1];
  const add = (count: number, term: number): boolean => {
    if (count < goal) few += term;
    else enough += term;
    return term * size > NEGLIGIBLE * (few + enough);
  };
  for (let k = middle, term = 1; k < size; k++) {
    term *= ((size - k) * (heard + k)) / ((k + 1) * (lost + size - k - 1));
    if (!add(k + 1, term)) break;
  }
  for (let k = middle, term = 1; k > 0; k--) {
    term *= (k * (lost + size - k)) / ((size - k + 1) * (heard + k - 1));
    if (!add(k - 1, term)) break;
  }
  return few / (few + enough);
}

const NEGLIGIBLE = 1e-12;
