import { expect, test } from "vitest";
import { step } from "../../src/coordinator/round/round.ts";
import { initialRound, type RoundConfig, type RoundEvent } from "../../src/coordinator/round/state.ts";
import { manifestOf } from "../../src/model/manifest.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { subModels } from "../../src/trainer/submodels.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { dense, halfWay, open, options, startClient, world } from "../suites/federation.ts";

/** In a fleet of narrow devices, those that can train the whole model are asked before a part of it starves. */

const zoo = "tiny-cnn";
const parts = subModels(zoo, [1, 0.5, 0.25], 1);
const initial = initialParams(zoo, 7);
const NUM_CLIENTS = 12;
const ROUNDS = 40;

/** Client 1 has the memory for the whole model, all others for a quarter; two of twelve are asked a round. */
async function federate(coverWithin: number, disk = memoryDisk(), stopAt = Infinity) {
  const virtual = world();
  const plain = options({
    rounds: ROUNDS,
    goal: 2,
    uplink: dense,
    downlink: dense,
    subModels: parts,
    coverWithin,
  });
  const contract = { ...plain.contract, source: { zoo, seed: 7 }, initial, manifest: manifestOf(initial) };
  const coordinator = await open(disk, virtual, { ...plain, contract });
  const trainer: Trainer = {
    ...halfWay(virtual),
    train: async ({ params }) => ({
      params: mapParams(params, ({ data }) => data.map((v) => v + 1 / 1024)),
      numSteps: 1,
      trainLoss: 1,
    }),
  };
  for (let i = 1; i <= NUM_CLIENTS; i++)
    startClient(i, coordinator.service, virtual, {
      trainer,
      profile: { memoryBytes: parts[i === 1 ? 0 : 2]!.memoryBytes },
      factory: initialParams,
    });
  const end = coordinator.finished;
  await virtual.run(
    stopAt === Infinity ? end : Promise.race([end, new Promise<void>((stop) => virtual.after(stopAt, stop))]),
  );
  coordinator.stop("enough");
  const wide = coordinator.events.flatMap((event) =>
    event.type === "report.accepted" && event.clientId === "client-1" ? [event.round] : [],
  );
  return { coordinator, wide };
}

/** The most rounds in a row without any of these. */
const longestGap = (rounds: readonly number[], last: number): number =>
  Math.max(...[...rounds, last + 1].map((round, i) => round - (rounds[i - 1] ?? 0) - 1));

test("without forced inclusion what only one device can train starves; with it, never beyond the bound", async () => {
  const without = await federate(1_000_000);
  expect(longestGap(without.wide, ROUNDS)).toBeGreaterThan(5);
  for (const bound of [1, 3, 5]) {
    const { wide, coordinator } = await federate(bound);
    expect(coordinator.book.held().version).toBe(ROUNDS);
    expect(longestGap(wide, ROUNDS)).toBeLessThanOrEqual(bound);
  }
});

test("rounds without coverage are a fold of the journal: a restart goes on counting", async () => {
  const disk = memoryDisk();
  const first = await federate(1_000_000, disk, 3000);
  const rounds = (book: typeof first.coordinator.book) =>
    [1, 2, 3, 4, 5, 6].map((number) => book.overdueWidth(number));
  expect(first.coordinator.book.held().version).toBeGreaterThan(3);
  expect(rounds(first.coordinator.book)).toContain(1);
  const again = await federate(1_000_000, disk, 0);
  expect(rounds(again.coordinator.book)).toEqual(rounds(first.coordinator.book));
});

test("only who waits can be asked, and who is chosen by chance is as good", () => {
  const config: RoundConfig = {
    seed: 1,
    rounds: 9,
    goal: 2,
    minimum: 1,
    overSelection: 1,
    selectionDeadlineMs: 1000,
    reportDeadlineMs: 5000,
    maxAbandoned: 2,
    maxStaleness: 0,
    concurrency: null,
    coverWithin: 1,
  };
  const cohortOf = (
    overdueWidth: number,
    seed: number,
    widths: Record<string, number>,
  ): readonly string[] => {
    const events: RoundEvent[] = [
      ...Object.entries(widths).map(
        ([clientId, width]): RoundEvent => ({ type: "checked-in", clientId, width }),
      ),
      { type: "committed", overdueWidth },
    ];
    const [state] = events.reduce<ReturnType<typeof step>>(
      ([before], event) => step(before, event, { ...config, seed }),
      [{ ...initialRound, phase: "closing" }, []],
    );
    return state.cohort;
  };
  const fleet = { a: 0.25, b: 0.5, c: 1, d: 0.25, e: 0.25 };
  for (let seed = 0; seed < 40; seed++) {
    const byChance = cohortOf(0, seed, fleet);
    expect(byChance).toHaveLength(2);
    expect(cohortOf(1, seed, fleet)).toContain("c");
    const half = cohortOf(0.5, seed, fleet);
    if (byChance.includes("b") || byChance.includes("c")) expect(half).toEqual(byChance);
    else expect(half.filter((id) => byChance.includes(id))).toHaveLength(1);
    expect(cohortOf(1, seed, { a: 0.25, b: 0.5, d: 0.25 })).toHaveLength(2); // nobody can
  }
});
