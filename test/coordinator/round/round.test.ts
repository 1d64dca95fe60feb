import { expect, test } from "vitest";
import { step } from "../../../src/coordinator/round/round.ts";
import {
  initialRound,
  type RoundConfig,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
  refusalOf,
} from "../../../src/coordinator/round/state.ts";

const config: RoundConfig = {
  seed: 1,
  rounds: 2,
  goal: 3,
  minimum: 2,
  overSelection: 1,
  selectionDeadlineMs: 1000,
  reportDeadlineMs: 5000,
  maxAbandoned: 2,
  maxStaleness: 0,
  concurrency: null,
  coverWithin: 5,
};

/** Runs events through the machine and gathers what it asks for. */
function run(events: readonly RoundEvent[], from: RoundState = initialRound, settings = config) {
  let state = from;
  const effects: RoundEffect[] = [];
  for (const event of events) {
    const [next, more] = step(state, event, settings);
    state = next;
    effects.push(...more);
  }
  return { state, effects };
}

const checkIn = (...ids: string[]): RoundEvent[] => ids.map((clientId) => ({ type: "checked-in", clientId }));
const report = (...ids: string[]): RoundEvent[] => ids.map((clientId) => ({ type: "reported", clientId }));
const types = (effects: readonly RoundEffect[]) => effects.map(({ type }) => type);

test("a round opens at the goal, closes at the goal, and the run is done at its version", () => {
  const open = run(checkIn("a", "b", "c"));
  expect(open.effects[1]).toEqual({ type: "open", round: 1, cohort: ["a", "b", "c"] });
  expect(types(open.effects)).toEqual(["timer", "open", "configure", "configure", "configure", "timer"]);
  const closed = run(report("a", "b", "c"), open.state);
  expect(closed.effects).toEqual([{ type: "close", round: 1, outcome: "commit" }]);
  expect(closed.state.phase).toBe("closing");
  const next = run(
    [{ type: "committed" }, ...checkIn("a", "b", "c"), ...report("a", "b", "c")],
    closed.state,
  );
  expect(next.state.round).toBe(2);
  const done = run([{ type: "committed" }], next.state);
  expect(done.effects).toEqual([{ type: "finish", outcome: "done", detail: "version 2 reached" }]);
  expect(run(checkIn("a"), done.state).effects).toEqual([]);
});

test("with the minimum there, it waits for a full cohort only until the selection deadline", () => {
  const { state, effects } = run(checkIn("a", "b"));
  expect(effects).toEqual([{ type: "timer", event: "selection-deadline", round: 1, afterMs: 1000 }]);
  const opened = run([{ type: "selection-deadline", round: 1 }], state);
  expect(opened.effects[0]).toEqual({ type: "open", round: 1, cohort: ["a", "b"] });
  expect(run([{ type: "selection-deadline", round: 7 }], state).effects).toEqual([]);
});

test("below the minimum the deadline opens nothing, and a new one starts with the minimum", () => {
  const { state } = run([...checkIn("a", "b"), { type: "left", clientId: "a" }]);
  const after = run([{ type: "selection-deadline", round: 1 }], state);
  expect(after.effects).toEqual([]);
  expect(types(run(checkIn("c"), after.state).effects)).toEqual(["timer"]);
});

test("the report deadline commits what reached the minimum and abandons less", () => {
  const open = run(checkIn("a", "b", "c")).state;
  const enough = run([...report("a", "b"), { type: "report-deadline", round: 1 }], open);
  expect(enough.effects).toEqual([{ type: "close", round: 1, outcome: "commit" }]);
  const few = run([...report("a"), { type: "report-deadline", round: 1 }], open);
  expect(few.effects[0]).toEqual({ type: "close", round: 1, outcome: "abandon" });
  expect(few.state).toMatchObject({ phase: "selecting", version: 0, abandonedInRow: 1 });
});

test("a stale deadline of an earlier round changes nothing", () => {
  const first = run([
    ...checkIn("a", "b", "c"),
    ...report("a", "b", "c"),
    { type: "committed" },
    ...checkIn("a", "b", "c"),
  ]);
  expect(first.state.round).toBe(2);
  expect(run([{ type: "report-deadline", round: 1 }], first.state).effects).toEqual([]);
});

test("too many rounds abandoned in a row fail the run", () => {
  const attempt: RoundEvent[] = [...checkIn("a", "b", "c"), { type: "report-deadline", round: 1 }];
  const once = run(attempt);
  const twice = run([...checkIn("a", "b", "c"), { type: "report-deadline", round: 2 }], once.state);
  expect(twice.effects.at(-1)).toMatchObject({ type: "finish", outcome: "failed" });
  expect(twice.state.phase).toBe("finished");
});

test("when everybody who can still report has, the round closes early", () => {
  const open = run(checkIn("a", "b", "c")).state;
  const { effects } = run([...report("a"), { type: "left", clientId: "c" }, ...report("b")], open);
  expect(effects).toEqual([{ type: "close", round: 1, outcome: "commit" }]);
});

test("who returns in the middle of a round gets the same task again, unless it has reported", () => {
  const open = run([...checkIn("a", "b", "c"), { type: "left", clientId: "a" }]).state;
  expect(open.gone).toEqual(["a"]);
  const back = run(checkIn("a"), open);
  expect(back.effects).toEqual([{ type: "configure", clientId: "a" }]);
  expect(back.state.gone).toEqual([]);
  const reported = run([...report("a"), ...checkIn("a")], back.state);
  expect(reported.effects).toEqual([]);
  expect(reported.state.waiting).toEqual(["a"]);
});

test("an upload that outlives its link counts once: the client is not lost and here at the same time", () => {
  const open = run([...checkIn("a", "b", "c"), { type: "left", clientId: "a" }]).state;
  const reported = run(report("a", "b"), open);
  expect(reported.state).toMatchObject({ phase: "reporting", gone: [], reported: ["a", "b"] });
  expect(run(report("c"), reported.state).effects).toEqual([{ type: "close", round: 1, outcome: "commit" }]);
});

test("a refused report puts its client out of the round, and ends a round that cannot reach its minimum", () => {
  const open = run(checkIn("a", "b", "c")).state;
  const once = run([{ type: "refused", clientId: "a" }], open);
  expect(once.effects).toEqual([]);
  expect(refusalOf(once.state, "a", 1)?.code).toBe("already-refused");
  expect(run(checkIn("a"), once.state).effects).toEqual([]); // it waits for the next round
  expect(run(report("b", "c"), once.state).effects[0]).toMatchObject({ type: "close", outcome: "commit" });
  const twice = run([{ type: "refused", clientId: "b" }], once.state);
  expect(twice.effects[0]).toEqual({ type: "close", round: 1, outcome: "abandon" });
});

test("reports that do not count are refused by name", () => {
  const open = run(checkIn("a", "b", "c")).state;
  expect(refusalOf(open, "a", 1)).toBeNull();
  expect(refusalOf(open, "a", 2)?.code).toBe("wrong-round");
  expect(refusalOf(open, "z", 1)?.code).toBe("not-selected");
  const reported = run(report("a"), open).state;
  expect(refusalOf(reported, "a", 1)?.code).toBe("already-reported");
  expect(refusalOf(initialRound, "a", 0)?.code).toBe("wrong-round");
});

test("the cohort is a seeded choice among those who wait, whatever the order they came in", () => {
  const six = ["a", "b", "c", "d", "e", "f"];
  const waiting = (ids: string[]): RoundState => ({
    ...initialRound,
    phase: "closing",
    round: 4,
    waiting: ids,
  });
  const cohortOf = (ids: string[], seed: number) => {
    const [opened] = run([{ type: "committed" }], waiting(ids), { ...config, seed }).effects;
    return opened?.type === "open" ? opened.cohort : [];
  };
  expect(cohortOf(six, 1)).toHaveLength(3);
  expect(cohortOf(six, 1)).toEqual(cohortOf([...six].reverse(), 1));
  const distinct = new Set(Array.from({ length: 30 }, (_, seed) => cohortOf(six, seed).join()));
  expect(distinct.size).toBeGreaterThan(8); // of 20 possible
});

test("after a restart an open round goes on, with its deadline anew", () => {
  const restarted = (more: Partial<RoundState>): RoundState => ({ ...initialRound, version: 1, ...more });
  const cohort = ["a", "b", "c"];
  const state = restarted({ phase: "reporting", round: 5, cohort, reported: ["a"] });
  const { effects } = run([{ type: "restarted" }], state);
  expect(effects).toEqual([{ type: "timer", event: "report-deadline", round: 5, afterMs: 5000 }]);
  expect(run(checkIn("b"), state).effects).toEqual([{ type: "configure", clientId: "b" }]);
  const full = restarted({ phase: "reporting", round: 5, cohort, reported: cohort });
  expect(run([{ type: "restarted" }], full).effects).toEqual([
    { type: "close", round: 5, outcome: "commit" },
  ]);
  expect(run([{ type: "restarted" }], restarted({ version: 2, round: 9 })).effects[0]).toMatchObject({
    type: "finish",
    outcome: "done",
  });
});

test("a round closes, or is abandoned, as soon as the last late client that it counted on checks in anew", () => {
  const settings = { ...config, rounds: 3, maxStaleness: 2, maxAbandoned: 3 };
  const first = run(checkIn("a", "b", "m"), initialRound, settings);
  const late = run(
    [...report("a", "b"), { type: "report-deadline", round: 1 }, { type: "committed" }],
    first.state,
    settings,
  );
  const second = run(
    [...checkIn("a", "b"), { type: "selection-deadline", round: 2 }, ...report("a", "b")],
    late.state,
    settings,
  );
  expect(second.state).toMatchObject({ phase: "reporting", round: 2 });
  expect(run(checkIn("m"), second.state, settings).effects).toEqual([
    { type: "close", round: 2, outcome: "commit" },
  ]);
  const refused: RoundEvent = { type: "refused", clientId: "b" };
  const few = run(
    [...checkIn("a", "b"), { type: "selection-deadline", round: 2 }, ...report("a"), refused],
    late.state,
    settings,
  );
  expect(few.state.phase).toBe("reporting"); // m may still make it two
  expect(run(checkIn("m"), few.state, settings).effects[0]).toEqual({
    type: "close",
    round: 2,
    outcome: "abandon",
  });
});

test("a late client that is ready again and again, and never reports, is counted on once", () => {
  const settings = { ...config, rounds: 3, goal: 3, minimum: 3, maxStaleness: 2, maxAbandoned: 3 };
  const ready: RoundEvent = { type: "offered", clientId: "m" };
  // nobody is asked in reserve: the first round fails for want of m
  const first = run(
    [...checkIn("a", "b", "m"), ...report("a", "b"), { type: "report-deadline", round: 1 }],
    initialRound,
    settings,
  );
  expect(first.effects.at(-1)).toEqual({ type: "close", round: 1, outcome: "abandon" });
  const second = run([ready, ...checkIn("a", "b", "c"), ...report("a", "b")], first.state, settings);
  expect(second.state).toMatchObject({ round: 2, cohort: ["a", "b"], promised: ["m"] });
  const failed = run([{ type: "report-deadline", round: 2 }, ready], second.state, settings);
  expect(failed.state.offered).toEqual(["m"]);
  const third = run(checkIn("a", "b"), failed.state, settings);
  expect(third.state.cohort).toEqual(["a", "b", "c"]);
  // once it is heard of it is as good as any
  expect(run(report("m"), third.state, settings).state.promised).toEqual([]);
  expect(run(checkIn("m"), third.state, settings).state.promised).toEqual([]);
});
