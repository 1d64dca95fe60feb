import { expect, test } from "vitest";
import { sleep } from "../../src/model/clock.ts";
import type { CoordinatorService } from "../../src/model/protocol.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { open, options, startClient, topKTernary, type World, world } from "../suites/federation.ts";

/** What a client asks for takes so long on its way. */
const far = (service: CoordinatorService, virtual: World, ms: number): CoordinatorService => ({
  ...service,
  open: (clientId, onExpired) => {
    const session = service.open(clientId, onExpired);
    if ("code" in session) return session;
    return {
      ...session,
      fetchModel: async (request) => {
        await sleep(virtual.clock, ms, new AbortController().signal);
        return session.fetchModel(request);
      },
    };
  },
});

test("versions that come faster than a model is fetched: a task is for the version that it names", async () => {
  const virtual = world();
  const downlink = [{ ...topKTernary[0]!, codec: { select: { topK: 0.02 }, values: "ternary" } }] as const;
  const coordinator = await open(
    memoryDisk(),
    virtual,
    options({ rounds: 60, goal: 1, minimum: 1, maxStaleness: 50, concurrency: 3, downlink }),
  );
  for (const i of [1, 2]) startClient(i, coordinator.service, virtual);
  const slow = startClient(3, far(coordinator.service, virtual, 600), virtual);
  await virtual.run(coordinator.finished);
  const count = (type: string) => slow.events.filter((event) => event.type === type).length;
  expect(count("trained")).toBeGreaterThan(5);
  expect(count("task") - count("trained")).toBeLessThanOrEqual(1);
});
