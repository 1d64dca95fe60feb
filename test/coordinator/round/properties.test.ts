import fc from "fast-check";
import { expect, test } from "vitest";
import type { Record } from "../../../src/coordinator/journal/record.ts";
import { afterRecord } from "../../../src/coordinator/round/replay.ts";
import { step } from "../../../src/coordinator/round/round.ts";
import {
  baseOf,
  initialRound,
  isEarly,
  numLateAtWork,
  owes,
  owing,
  type RoundConfig,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
  refusalOf,
} from "../../../src/coordinator/round/state.ts";

/** The machine under whatever may happen, with a coordinator that asks it first and writes down what it does. */

const ids = ["a", "b", "c", "d", "e", "f", "g"];
const id = fc.constantFrom(...ids);

const checkingIn = fc
  .tuple(id, fc.constantFrom(0.5, 1))
  .map(([clientId, width]): RoundEvent => ({ type: "checked-in", clientId, width }));

const happening = fc.oneof(
  { weight: 6, arbitrary: checkingIn },
  { weight: 2, arbitrary: id.map((clientId): RoundEvent => ({ type: "left", clientId })) },
  { weight: 6, arbitrary: id.map((clientId): RoundEvent => ({ type: "reported", clientId })) },
  { weight: 1, arbitrary: id.map((clientId): RoundEvent => ({ type: "refused", clientId })) },
  { weight: 1, arbitrary: fc.nat(9).map((round): RoundEvent => ({ type: "selection-deadline", round })) },
  { weight: 1, arbitrary: fc.nat(9).map((round): RoundEvent => ({ type: "report-deadline", round })) },
  { weight: 1, arbitrary: fc.boolean().map((abandon): RoundEvent => ({ type: "paused", abandon })) },
  { weight: 1, arbitrary: fc.constant<RoundEvent>({ type: "resumed" }) },
  { weight: 1, arbitrary: fc.constant<RoundEvent>({ type: "restarted" }) },
);

const settings: fc.Arbitrary<RoundConfig> = fc
  .record({
    seed: fc.nat(9),
    rounds: fc.integer({ min: 1, max: 8 }),
    goal: fc.integer({ min: 1, max: 4 }),
    less: fc.nat(3),
    overSelection: fc.constantFrom<"auto" | number>("auto", 1, 1.5),
    maxAbandoned: fc.integer({ min: 2, max: 9 }),
    maxStaleness: fc.nat(3),
    more: fc.option(fc.nat(3), { nil: null }),
  })
  .map(({ less, more, ...rest }) => ({
    ...rest,
    minimum: Math.max(1, rest.goal - less),
    concurrency: more === null ? null : rest.goal + more,
    selectionDeadlineMs: 1000,
    reportDeadlineMs: 5000,
    coverWithin: 5,
  }));

/** A coordinator without bytes: performs what the machine asks for, and keeps the journal. */
function coordinator(config: RoundConfig) {
  let state = initialRound;
  const journal: Record[] = [];
  /** Who counted in the open round, by the tally. */
  let counted: string[] = [];
  let timer: number | null = null;
  /** Clients that ask again whether the next round is open, with the round that asked them. */
  const held = new Map<string, number>();
  const bytes = {} as Extract<Record, { type: "closed" }>["bytes"];

  const dispatch = (event: RoundEvent): readonly RoundEffect[] => {
    const before = state;
    const [next, effects] = step(state, event, config);
    state = next;
    check(before, next, effects);
    for (const effect of effects) perform(effect);
    return effects;
  };

  const perform = (effect: RoundEffect): void => {
    switch (effect.type) {
      case "open":
        expect(state.paused).toBe(false);
        counted = [];
        journal.push({ type: "opened", round: effect.round, cohort: effect.cohort, exponents: [], bytes });
        return;
      case "join":
        journal.push({ type: "joined", round: effect.round, clientId: effect.clientId });
        return;
      case "timer":
        if (effect.event === "report-deadline") timer = effect.round;
        return;
      case "close": {
        expect(new Set(counted).size).toBe(counted.length);
        const { evidence, round } = state;
        if (effect.outcome === "commit") {
          expect(counted.length).toBeGreaterThanOrEqual(config.minimum);
          expect(counted.length).toBeLessThanOrEqual(config.goal);
        }
        const version = state.version + (effect.outcome === "commit" ? 1 : 0);
        const { outcome } = effect;
        journal.push({ type: "closed", round, outcome, version, digest: "", evidence, bytes });
        if (outcome === "commit")
          dispatch({ type: "committed", overdueWidth: state.round % 3 === 0 ? 1 : 0 });
      }
    }
  };

  const check = (before: RoundState, next: RoundState, effects: readonly RoundEffect[]): void => {
    expect(next.round - before.round).toBeLessThanOrEqual(1);
    const accounted = [...next.reported, ...next.refused, ...next.gone];
    expect(new Set(accounted).size, "one fate a client").toBe(accounted.length);
    for (const who of next.gone)
      expect(owes(next, who) || next.phase !== "reporting", "lost, and owes").toBe(true);
    for (const { version } of next.late)
      expect(next.version - version).toBeLessThanOrEqual(config.maxStaleness);
    expect(new Set(next.late.map(({ clientId }) => clientId)).size).toBe(next.late.length);
    const awaited = next.awaited.flatMap(({ clientIds }) => clientIds);
    expect(new Set(awaited).size, "awaited once").toBe(awaited.length);
    for (const who of next.waiting) expect(owes(next, who), "who waits owes nothing").toBe(false);
    for (const who of next.waiting) expect(next.present.map(({ clientId }) => clientId)).toContain(who);
    // who was gone holds a place as a late client: more than there are, as long as nobody is asked
    const asks = effects.some((one) => one.type === "join" || (one.type === "open" && one.cohort.length > 0));
    if (config.concurrency !== null && asks) {
      const atWork = next.cohort.filter((who) => owes(next, who) && !next.gone.includes(who)).length;
      expect(atWork + numLateAtWork(next)).toBeLessThanOrEqual(config.concurrency);
    }
    if (next.phase !== "reporting") return;
    expect(next.reported.length, "a round closes at its goal").toBeLessThan(config.goal);
    const numSilent = owing(next).length;
    if (config.concurrency === null)
      expect(next.reported.length + next.late.length + numSilent, "enough are left").toBeGreaterThanOrEqual(
        config.minimum,
      );
    if (next.reported.length >= config.minimum)
      expect(next.late.length + numSilent - next.gone.length, "somebody is left").toBeGreaterThan(0);
  };

  const report = (clientId: string, round: number): void => {
    if (isEarly(state, clientId, round)) {
      held.set(clientId, round);
      dispatch({ type: "offered", clientId });
    } else if (refusalOf(state, clientId, round) === null) {
      counted.push(clientId);
      journal.push({
        type: "accepted",
        round,
        baseVersion: baseOf(state, clientId, round)!,
        clientId,
        weight: { gain: 1, weight: 1 },
        frame: new Uint8Array(),
      });
      dispatch({ type: "reported", clientId });
    }
    while (state.phase === "reporting" && held.size > 0) {
      const [next] = held;
      held.delete(next![0]);
      report(...next!);
    }
  };

  /** The round that this client was asked in last, were it to report. */
  const roundOf = (clientId: string): number =>
    state.late.find((one) => one.clientId === clientId)?.round ?? state.round;

  return {
    state: () => state,
    journal,
    timer: () => timer,
    happens: (event: RoundEvent): void => {
      if (event.type === "reported") return report(event.clientId, roundOf(event.clientId));
      if (event.type === "refused") {
        const { clientId } = event;
        const round = roundOf(clientId);
        if (state.phase !== "reporting" || refusalOf(state, clientId, round) !== null) return;
        journal.push({ type: "refused", round, clientId, digest: null, code: "not-finite" });
      }
      if (state.phase !== "finished" && (event.type === "paused" || event.type === "resumed"))
        journal.push({ type: event.type });
      dispatch(event);
      report("nobody", 0);
    },
  };
}

const durable = ({ phase, version, round, paused, abandonedInRow, evidence, late, ...rest }: RoundState) => ({
  phase,
  version,
  round,
  paused,
  abandonedInRow,
  evidence,
  ...(phase === "reporting" && {
    cohort: rest.cohort,
    reported: rest.reported,
    refused: rest.refused,
  }),
});

test("property: whatever happens, nobody counts twice, nobody works beyond the limit, versions rise by one", () => {
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 120 }), (config, events) => {
      const run = coordinator(config);
      for (const event of events) run.happens(event);
      expect(run.state().version).toBeLessThanOrEqual(config.rounds);
    }),
    { numRuns: 1000 },
  );
});

test("property: the journal's fold is the machine, so that a restart goes on inside the round", () => {
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 120 }), (config, events) => {
      const run = coordinator(config);
      for (const event of events) {
        run.happens(event);
        const state = run.state();
        const again = run.journal.reduce((at, record) => afterRecord(at, record, config), initialRound);
        if (state.phase === "finished") break;
        // what was learned since the last round closed is learned anew
        const { evidence, ...known } = durable(state);
        const { evidence: written, ...refolded } = durable(again);
        expect(refolded).toEqual(known);
        expect(written.heard + written.lost).toBeLessThanOrEqual(evidence.heard + evidence.lost);
        // who has checked in since is late again; nobody who is late is forgotten
        expect(again.late).toEqual(expect.arrayContaining([...state.late]));
        for (const { clientId } of again.late) expect(owes(again, clientId)).toBe(false);
      }
    }),
    { numRuns: 1000 },
  );
});

test("property: every round ends: with its timers and with clients that come back, a run that is not paused is done", () => {
  fc.assert(
    fc.property(settings, fc.array(happening, { maxLength: 80 }), (config, events) => {
      const run = coordinator({ ...config, maxAbandoned: 1000 });
      for (const event of events) run.happens(event);
      run.happens({ type: "resumed" });
      for (let i = 0; i < 200 && run.state().phase !== "finished"; i++) {
        for (const clientId of ids) run.happens({ type: "checked-in", clientId });
        run.happens({ type: "selection-deadline", round: run.state().round + 1 });
        for (const clientId of ids) run.happens({ type: "reported", clientId });
        run.happens({ type: "report-deadline", round: run.timer() ?? 0 });
      }
      expect(run.state().version).toBe(config.rounds);
    }),
    { numRuns: 150 },
  );
});
