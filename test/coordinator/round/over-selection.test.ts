import fc from "fast-check";
import { expect, test } from "vitest";
import {
  cohortFor,
  dropOutOf,
  type Evidence,
  noEvidence,
  observed,
  shortfall,
} from "../../../src/coordinator/round/over-selection.ts";
import { step } from "../../../src/coordinator/round/round.ts";
import {
  initialRound,
  type RoundConfig,
  type RoundEvent,
  type RoundState,
} from "../../../src/coordinator/round/state.ts";
import { derive } from "../../../src/model/rng.ts";

/** So much evidence that the share that is lost is as good as known. */
const known = (dropOut: number): Evidence => ({ heard: 1e9 * (1 - dropOut), lost: 1e9 * dropOut });

test("the probability of too few reports, by hand", () => {
  // heard 1, lost 1 is a uniform distribution of the share: all counts of reports are equally likely
  for (const goal of [0, 1, 2, 3, 4])
    expect(shortfall(3, goal, { heard: 1, lost: 1 })).toBeCloseTo(goal / 4, 12);
  // a known share of one half: of three clients none, one, two or three report 1, 3, 3 and 1 times of 8
  for (const [goal, times] of [0, 1, 4, 7, 8].entries())
    expect(shortfall(3, goal, known(0.5))).toBeCloseTo(times / 8, 6);
  // heard 2, lost 1: twice as likely heard; of two clients B(k + 2, 3 - k) / B(2, 1) C(2, k) = 1/6, 2/6, 3/6
  for (const [goal, sixths] of [0, 1, 3, 6].entries())
    expect(shortfall(2, goal, { heard: 2, lost: 1 })).toBeCloseTo(sixths / 6, 12);
});

test("over-selection for 99.9 %: the figures that are known for a known drop-out", () => {
  const factor = (goal: number, dropOut: number) => cohortFor(goal, known(dropOut)) / goal;
  expect(factor(100, 0.1)).toBeCloseTo(1.24, 2);
  expect(factor(100, 0.3)).toBeCloseTo(1.7, 2);
  expect(factor(100, 0.5)).toBeCloseTo(2.48, 2);
  expect(factor(100, 0.9)).toBeCloseTo(13.2, 2);
  expect(factor(20, 0.3)).toBeCloseTo(2.1, 2);
  expect(factor(1000, 0.3)).toBeCloseTo(1.51, 2);
  // with as much evidence as is remembered, a little more: the README's figures
  const remembered = observed(noEvidence, { heard: 0.7e6, lost: 0.3e6 });
  expect([100, 10].map((goal) => cohortFor(goal, remembered))).toEqual([175, 25]);
});

test("nobody is asked in reserve before somebody was lost, and one who is does not rule", () => {
  expect(cohortFor(10, noEvidence)).toBe(10);
  expect(cohortFor(10, observed(noEvidence, { heard: 500, lost: 0 }))).toBe(10);
  const one = observed(noEvidence, { heard: 2, lost: 1 });
  expect(dropOutOf(one)).toBeCloseTo(1 / 13, 12);
  expect(cohortFor(3, one)).toBe(8);
  // and it is forgotten
  let evidence = one;
  for (let round = 0; round < 2000; round++) evidence = observed(evidence, { heard: 3, lost: 0 });
  expect(cohortFor(3, evidence)).toBe(3);
  // a fleet that is all gone asks for no more than 16 times the goal
  expect(cohortFor(5, observed(noEvidence, { heard: 0, lost: 1e6 }))).toBe(80);
});

test("property: the smallest cohort, for any evidence", () => {
  const evidence = fc.record({
    heard: fc.double({ min: 0.5, max: 500, noNaN: true }),
    lost: fc.double({ min: 1e-6, max: 500, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), evidence, (goal, what) => {
      const size = cohortFor(goal, what);
      if (size < 16 * goal) expect(shortfall(size, goal, what)).toBeLessThanOrEqual(0.001);
      if (size > goal) expect(shortfall(size - 1, goal, what)).toBeGreaterThan(0.001);
    }),
  );
});

const config: RoundConfig = {
  seed: 1,
  rounds: 1000,
  goal: 20,
  minimum: 10,
  overSelection: "auto",
  selectionDeadlineMs: 10_000,
  reportDeadlineMs: 60_000,
  maxAbandoned: 50,
  maxStaleness: 0,
  concurrency: null,
  coverWithin: 5,
};

/**
 * A fleet whose clients are lost with a fixed probability each time they are asked: half of them with their link, half
 * of them in silence, and back two minutes later. The others take 5 to 50 s. Reports of every round that closed.
 */
function fleet(
  dropOut: number,
  { numClients, numRounds, seed }: Record<"numClients" | "numRounds" | "seed", number>,
) {
  const rng = derive(seed, "fleet");
  const queue: { readonly at: number; readonly run: () => void }[] = [];
  const counts: number[] = [];
  let state: RoundState = initialRound;
  let now = 0;
  const after = (ms: number, run: () => void): void => {
    const at = now + ms;
    const place = queue.findIndex((one) => one.at > at);
    queue.splice(place < 0 ? queue.length : place, 0, { at, run });
  };
  const dispatch = (event: RoundEvent): void => {
    const [next, effects] = step(state, event, config);
    state = next;
    for (const effect of effects) {
      if (effect.type === "timer")
        after(effect.afterMs, () => dispatch({ type: effect.event, round: effect.round }));
      if (effect.type === "configure") asked(effect.clientId, next.round);
      if (effect.type !== "close") continue;
      counts.push(state.reported.length);
      if (effect.outcome === "commit") dispatch({ type: "committed" });
    }
  };
  const checkIn = (clientId: string) => dispatch({ type: "checked-in", clientId });
  const asked = (clientId: string, round: number): void => {
    if (rng.uniform() < dropOut) {
      if (rng.uniform() < 0.5) after(1000, () => dispatch({ type: "left", clientId }));
      return after(120_000, () => checkIn(clientId));
    }
    after(5000 + 45_000 * rng.uniform(), () => {
      if (state.phase === "reporting" && state.round === round) dispatch({ type: "reported", clientId });
      checkIn(clientId);
    });
  };
  for (let i = 0; i < numClients; i++) after(i, () => checkIn(`client-${i}`));
  while (counts.length < numRounds) {
    const next = queue.shift()!;
    now = next.at;
    next.run();
  }
  return { counts, evidence: state.evidence };
}

test.each([0.1, 0.3, 0.5])("at a drop-out of %d no more than 3 rounds of 300 miss their goal", (dropOut) => {
  for (const seed of [1, 2, 3]) {
    const { counts, evidence } = fleet(dropOut, { numClients: 400, numRounds: 300, seed });
    expect(counts.filter((reports) => reports < config.goal).length).toBeLessThanOrEqual(3);
    expect(Math.abs(dropOutOf(evidence) - dropOut)).toBeLessThan(0.1);
  }
});

test("a fleet that loses nobody is asked for no more than the goal, however slow some are", () => {
  const { evidence } = fleet(0, { numClients: 400, numRounds: 100, seed: 1 });
  expect(evidence.lost).toBe(0);
});

test("who was slow at the goal but comes by the deadline was not lost; who does not come was", () => {
  const settings = { ...config, goal: 2, minimum: 2, overSelection: 2 };
  const run = (from: RoundState, ...events: RoundEvent[]) =>
    events.reduce((state, event) => step(state, event, settings)[0], from);
  const checkIn = (clientId: string): RoundEvent => ({ type: "checked-in", clientId });
  const closed = run(
    initialRound,
    ...["a", "b", "c", "d"].map(checkIn),
    { type: "reported", clientId: "a" },
    { type: "reported", clientId: "b" },
    { type: "committed" },
  );
  expect(closed.awaited).toEqual([{ round: 1, heard: 2, lost: 0, clientIds: ["c", "d"] }]);
  expect(closed.evidence).toEqual(noEvidence);
  const after = run(closed, checkIn("c"), { type: "report-deadline", round: 1 });
  expect(after.awaited).toEqual([]);
  expect(after.evidence).toEqual({ heard: 13, lost: 1 });
});

test("a small fleet that lost somebody does not wait for clients that are not there", () => {
  const settings = { ...config, goal: 3, minimum: 2 };
  const ids = ["a", "b", "c"];
  let state: RoundState = { ...initialRound, evidence: { heard: 40, lost: 4 } };
  const run = (event: RoundEvent) => {
    const [next, effects] = step(state, event, settings);
    state = next;
    return effects.map(({ type }) => type);
  };
  const all = () => ids.flatMap((clientId) => run({ type: "checked-in", clientId }));
  expect(all()).toEqual(["timer"]); // who else may come is not known yet
  run({ type: "selection-deadline", round: 1 });
  expect(state.cohort).toEqual(ids);
  for (const clientId of ids) run({ type: "reported", clientId });
  run({ type: "committed" });
  expect(all()).toContain("open");
});

test("the same is reckoned once, however many check in meanwhile", () => {
  let looks = 0;
  const evidence = {
    heard: 100,
    get lost() {
      looks++;
      return 20;
    },
  };
  const size = cohortFor(50, evidence);
  expect(size).toBe(cohortFor(50, { heard: 100, lost: 20 }));
  const before = looks;
  for (let i = 0; i < 10; i++) expect(cohortFor(50, evidence)).toBe(size);
  expect(looks).toBe(before);
  expect(cohortFor(10, evidence)).toBe(cohortFor(10, { heard: 100, lost: 20 }));
  expect(cohortFor(50, evidence)).toBe(size);
});
