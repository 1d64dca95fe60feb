import { expect, test } from "vitest";
import { WEIGHT_UNIT } from "../../src/aggregation/weight.ts";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import type { Record } from "../../src/coordinator/journal/record.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { step } from "../../src/coordinator/round/round.ts";
import {
  initialRound,
  type RoundConfig,
  type RoundEvent,
  type RoundState,
  refusalOf,
} from "../../src/coordinator/round/state.ts";
import { sleep } from "../../src/model/clock.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { halfWay, open, options, recordsOn, startClient, world } from "../suites/federation.ts";

/** Reports that come after their round has closed, and rounds that nobody waits for. */

const config: RoundConfig = {
  seed: 1,
  rounds: 100,
  goal: 2,
  minimum: 2,
  overSelection: 1.5,
  selectionDeadlineMs: 1000,
  reportDeadlineMs: 5000,
  maxAbandoned: 2,
  maxStaleness: 2,
  concurrency: null,
  coverWithin: 5,
};

function run(events: readonly RoundEvent[], from: RoundState = initialRound, settings = config) {
  let state = from;
  const asked: string[] = [];
  for (const event of events) {
    const [next, effects] = step(state, event, settings);
    state = next;
    for (const effect of effects) if (effect.type === "configure") asked.push(effect.clientId);
  }
  return { state, asked };
}

const checkIn = (...ids: string[]): RoundEvent[] => ids.map((clientId) => ({ type: "checked-in", clientId }));
const report = (...ids: string[]): RoundEvent[] => ids.map((clientId) => ({ type: "reported", clientId }));
const committed: RoundEvent = { type: "committed" };
const accepts = (state: RoundState, clientId: string, round: number) =>
  refusalOf(state, clientId, round) === null;

test("who misses the goal is asked no more in that round, and its report counts in the next", () => {
  const { state: second } = run([
    ...checkIn("a", "b", "c"),
    ...report("a", "b"),
    committed,
    ...checkIn("a", "b", "d"),
  ]);
  expect(second).toMatchObject({ round: 2, version: 1, late: [{ clientId: "c", round: 1, version: 0 }] });
  expect(accepts(second, "c", 1)).toBe(true);
  expect(accepts(second, "c", 2)).toBe(false);
  expect(accepts(second, "a", 1)).toBe(false);
  const { state } = run(report("c", "a"), second);
  expect(state).toMatchObject({ phase: "closing", reported: ["c", "a"] });
});

test("too late is late: after two more versions nobody asks for it", () => {
  const round = (...ids: string[]): RoundEvent[] => [
    ...checkIn(...ids),
    ...report(ids[0]!, ids[1]!),
    committed,
  ];
  const { state: second } = run([
    ...round("a", "b", "c"),
    ...round("a", "b", "d"),
    ...checkIn("a", "b", "e"),
  ]);
  expect(second.late.map(({ clientId }) => clientId)).toEqual(["c", "d"]);
  const { state: third } = run([...report("a", "b"), committed, ...checkIn("a", "b", "f")], second);
  expect(third.late.map(({ clientId }) => clientId)).toEqual(["d", "e"]);
  expect(refusalOf(third, "c", 1)).toMatchObject({ code: "wrong-round" });
});

test("who checks in again has given up its late report", () => {
  const { state } = run([
    ...checkIn("a", "b", "c"),
    ...report("a", "b"),
    committed,
    ...checkIn("c", "a", "b"),
  ]);
  expect(state.late).toEqual([]);
  expect(accepts(state, "c", 1)).toBe(false);
  expect(accepts(state, "c", 2)).toBe(true);
});

test("without staleness nothing is late", () => {
  const strict = { ...config, maxStaleness: 0 };
  const { state } = run([...checkIn("a", "b", "c"), ...report("a", "b"), committed], initialRound, strict);
  expect(state.late).toEqual([]);
});

const buffered = { ...config, minimum: 1, concurrency: 3 };

test("buffered: who checks in is asked at once while there is room, and the goal makes the next version", () => {
  const first = run(checkIn("a", "b", "c", "d"), initialRound, buffered);
  expect(first.asked).toEqual(["a", "b", "c"]);
  expect(first.state.waiting).toEqual(["d"]);
  // a reports: there is room for d, not again for a
  const second = run([...report("a"), ...checkIn("a")], first.state, buffered);
  expect(second.asked).toEqual(["d"]);
  // b fills the buffer; c and d go on for the older model, a is asked for the newer one
  const third = run([...report("b"), committed], second.state, buffered);
  expect(third.asked).toEqual(["a"]);
  expect(third.state).toMatchObject({ round: 2, version: 1, phase: "reporting", cohort: ["a"] });
  expect(third.state.late.map(({ clientId }) => clientId)).toEqual(["c", "d"]);
  const fourth = run(report("d", "c"), third.state, buffered);
  expect(fourth.state.phase).toBe("closing");
});

test("buffered: a lost client's place is free when its report would be too stale", () => {
  const one = { ...buffered, goal: 1, concurrency: 2, maxStaleness: 1 };
  let { state } = run(checkIn("gone", "a"), initialRound, one);
  for (const [i, id] of ["a", "b"].entries()) {
    const next = run([...report(id), committed, ...checkIn("b", "c")], state, one);
    expect(next.asked).toContain(i === 0 ? "b" : "c");
    state = next.state;
  }
  expect(state.late.some(({ clientId }) => clientId === "gone")).toBe(false);
});

test("buffered: who is silent when a round is abandoned holds no place any more, but may still report", () => {
  const first = run(checkIn("x", "y", "z", "a", "b", "c"), initialRound, buffered);
  expect(first.asked).toEqual(["x", "y", "z"]);
  const second = run([{ type: "report-deadline", round: 1 }], first.state, buffered);
  expect(second.asked).toEqual(["a", "b", "c"]);
  expect(accepts(second.state, "x", 1)).toBe(true);
  const third = run([...report("a", "x"), committed, ...checkIn("a", "d")], second.state, buffered);
  expect(third.state).toMatchObject({ round: 3, version: 1, phase: "reporting" });
  expect(third.asked).toEqual(["a"]); // beside b and c
});

test("buffered: whose late report was refused joins the next round, not the one that would refuse it again", () => {
  const settings = { ...buffered, concurrency: 2 };
  const { state } = run(
    [...checkIn("a", "x"), ...report("a"), ...checkIn("b"), ...report("b"), committed, ...checkIn("a")],
    initialRound,
    settings,
  );
  expect(accepts(state, "x", 1)).toBe(true);
  const second = run([{ type: "refused", clientId: "x" }, ...checkIn("x")], state, settings);
  expect(second.asked).not.toContain("x");
  const third = run([...report("a"), ...checkIn("b"), ...report("b"), committed], second.state, settings);
  expect(third.asked).toContain("x");
});

test("fedbuff as it comes: a deadline folds what is in the buffer, and drops nothing that was accepted", () => {
  const {
    goal,
    minimum = goal,
    ...cohort
  } = parseConfig({
    model: { zoo: "mlp" },
    aggregation: { strategy: "fedbuff" },
  }).cohort;
  const { concurrency, maxStaleness } = cohort;
  const settings = { ...config, goal, minimum, concurrency, maxStaleness };
  const ids = Array.from({ length: 12 }, (_, i) => `client-${i}`);
  const some = ids.slice(0, goal - 1);
  const { state } = run([...checkIn(...ids), ...report(...some)], initialRound, settings);
  expect(state).toMatchObject({ phase: "reporting", round: 1 });
  const late = run([{ type: "report-deadline", round: 1 }], state, settings);
  expect(late.state).toMatchObject({ phase: "closing", reported: some });
});

async function fleet(settings: CoordinatorOptions, disk = memoryDisk()) {
  const virtual = world();
  const coordinator = await open(disk, virtual, settings);
  const clients = [1, 2, 3, 4, 5].map((i) => {
    const trainer = {
      ...halfWay(virtual),
      train: async (...[task, signal]: Parameters<ReturnType<typeof halfWay>["train"]>) => {
        await sleep(virtual.clock, 1700 * i * i, signal);
        return halfWay(virtual).train(task, signal);
      },
    };
    return startClient(i, coordinator.service, virtual, { trainer });
  });
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  await coordinator.finished;
  const records = await recordsOn(disk);
  const accepted = records.filter((r): r is Extract<Record, { type: "accepted" }> => r.type === "accepted");
  return { coordinator, clients, disk, accepted };
}

const fedbuff = () =>
  options({
    rounds: 12,
    goal: 2,
    minimum: 1,
    maxStaleness: 30,
    concurrency: 5,
    aggregation: { stalenessExponent: 1 },
  });

test("a buffered run ends at its version, folds reports of older models for less, and is told of each", async () => {
  const { coordinator, clients, accepted } = await fleet(fedbuff());
  expect(coordinator.book.held().version).toBe(12);
  let version = 0;
  let inBuffer = 0;
  for (const { baseVersion, weight, clientId } of accepted) {
    // examples are 1 + client
    const examples = 1 + Number(clientId.split("-")[1]);
    expect(weight).toEqual({
      gain: Math.round((examples * WEIGHT_UNIT) / (1 + version - baseVersion)),
      weight: examples * WEIGHT_UNIT,
    });
    inBuffer = (inBuffer + 1) % 2;
    if (inBuffer === 0) version++;
  }
  expect(Math.max(...accepted.map(({ round, baseVersion }) => round - 1 - baseVersion))).toBe(0);
  const stale = accepted.filter(({ weight: { gain, weight } }) => gain < weight);
  expect(stale.length).toBeGreaterThan(3);
  const folded = clients.flatMap(({ events }) => events.filter((e) => e.type === "verdict"));
  expect(folded.filter(({ verdict }) => verdict.outcome === "folded").length).toBeGreaterThan(10);
});

test("teachers are the models of reports that were trained from the newest version, not of late ones", async () => {
  const { contract, ...rest } = fedbuff();
  const { coordinator, accepted } = await fleet({ ...rest, contract: { ...contract, keepsUpdates: true } });
  const inLastRound = accepted.slice(-2);
  const fresh = inLastRound.filter(({ baseVersion }) => baseVersion === 11);
  expect(fresh.length).toBeLessThan(2); // else this shows nothing
  expect(coordinator.book.lastClientModels().length).toBe(fresh.length);
});

test("its journal refolds to the same model", async () => {
  const { coordinator, disk } = await fleet(fedbuff());
  const again = await open(disk, world(), fedbuff());
  expect(again.resumedFinished).toBe(true);
  expect(again.book.held()).toEqual(coordinator.book.held());
});

test("FedAsync: every report makes a version", async () => {
  const { accepted, coordinator } = await fleet(
    options({ rounds: 9, goal: 1, minimum: 1, maxStaleness: 30, concurrency: 5 }),
  );
  expect(coordinator.book.held().version).toBe(9);
  expect(accepted.length).toBe(9);
});
