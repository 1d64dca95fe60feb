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
    extend: async (name: string, at: number, bytes: Uint8Array) => {
      await sleep(virtual.clock, 300, new AbortController().signal);
      await disk.extend(name, at, bytes);
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

test("no version is handed out before it is on disk: a power cut could take it back", async () => {
  const virtual = world();
  const disk = memoryDisk();
  const appends = { begun: 0, done: 0 };
  const slow = {
    ...disk,
    extend: async (name: string, at: number, bytes: Uint8Array) => {
      const nth = ++appends.begun;
      await sleep(virtual.clock, 300, new AbortController().signal);
      await disk.extend(name, at, bytes);
      appends.done = nth;
    },
  };
  const opening = open(slow, virtual, options({ rounds: 5, goal: 1 }));
  await virtual.run(opening);
  const coordinator = await opening;
  const session = coordinator.service.open("looks-on");
  if ("code" in session) expect.fail("the coordinator takes another client");
  const { end } = startClient(1, coordinator.service, virtual);
  let looks = 0;
  let early = 0;
  const look = async (): Promise<void> => {
    const { begun, done } = appends;
    const { version } = coordinator.book.held();
    await session.fetchModel({ held: null, version });
    looks++;
    if (begun > done) early++;
    expect(appends.done).toBeGreaterThanOrEqual(begun);
  };
  const looking: Promise<void>[] = [];
  for (let ms = 50; ms < 9000; ms += 70) virtual.after(ms, () => void looking.push(look()));
  await virtual.run(end);
  await virtual.run(Promise.all(looking));
  expect(looks).toBeGreaterThan(50);
  expect(early).toBeGreaterThan(5); // some asked while a record was on its way
});
