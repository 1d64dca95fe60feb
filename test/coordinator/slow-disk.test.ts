import { expect, test } from "vitest";
import { sleep } from "../../src/model/clock.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { halfWay, open, options, startClient, world } from "../suites/federation.ts";

/** A flush takes longer than a round may last: who was about to be asked in one is asked in the next. */
test("nobody who checks in is forgotten when the round closes before the journal is on disk", async () => {
  const virtual = world();
  const disk = memoryDisk();
  const slow = {
    ...disk,
    append: async (name: string, bytes: Uint8Array) => {
      await sleep(virtual.clock, 300, new AbortController().signal);
      await disk.append(name, bytes);
    },
  };
  const opening = open(
    slow,
    virtual,
    options({ rounds: 30, goal: 1, minimum: 1, maxStaleness: 30, concurrency: 5 }),
  );
  await virtual.run(opening);
  const coordinator = await opening;
  const clients = [1, 2, 3, 4, 5].map((i) => {
    const trainer = {
      ...halfWay(virtual),
      train: async (...[task, signal]: Parameters<ReturnType<typeof halfWay>["train"]>) => {
        await sleep(virtual.clock, 170 * i, signal);
        return halfWay(virtual).train(task, signal);
      },
    };
    return startClient(i, coordinator.service, virtual, { trainer });
  });
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  expect(coordinator.book.held().version).toBe(30);
  for (const { events } of clients) {
    const tasks = events.flatMap((e) => (e.type === "task" ? [e.round] : []));
    expect(Math.max(...tasks)).toBeGreaterThan(20);
  }
});
