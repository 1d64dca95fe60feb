import { expect, test } from "vitest";
import { wallClock } from "../../src/cli/wall-clock.ts";
import { LinkError } from "../../src/client/link.ts";
import { clientLoop } from "../../src/client/loop.ts";
import type { CoordinatorService, Refusal } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { linkTo, scripted, serve } from "../coordinator/grpc/kit.ts";
import { dataset, factory, halfWay, open, options, startClient, world } from "../suites/federation.ts";

/** A coordinator that speaks another version says nothing of the report that the one before has folded. */

const refusal: Refusal = { code: "bad-version", detail: "protocol 1, this is 2", retry: false };

/** Client 1's report is journaled; its receipt is lost, and from then on no session is opened until `readmit`. */
async function unheardReceipt() {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 3, goal: 1 }));
  const store = memoryStore();
  let isRefusing = false;
  const service: CoordinatorService = {
    ...coordinator.service,
    open: (...args) => (isRefusing ? refusal : coordinator.service.open(...args)),
  };
  const client = startClient(1, service, virtual, {
    store,
    link: (link) => ({
      ...link,
      report: async (...args) => {
        await link.report(...args);
        isRefusing = true;
        await link.close();
        throw new LinkError("the receipt was lost");
      },
    }),
  });
  const goOn = () => {
    isRefusing = false;
    return startClient(1, service, virtual, { store });
  };
  return { virtual, coordinator, store, client, goOn };
}

test("a client whose session is refused for good ends as it is, and its report counts once", async () => {
  const { virtual, coordinator, store, client, goOn } = await unheardReceipt();
  expect(await virtual.run(client.end)).toEqual({ kind: "refused", refusal });
  const kept = (await store.load())!;
  expect(kept.pending!.report.round).toBe(1);
  expect(kept.discarded).toEqual([]);
  expect(client.events.filter(({ type }) => type === "receipt")).toEqual([]);

  expect(await virtual.run(goOn().end)).toEqual({ kind: "finished" });
  const undisturbed = world();
  const reference = await open(memoryDisk(), undisturbed, options({ rounds: 3, goal: 1 }));
  const other = startClient(1, reference.service, undisturbed);
  await undisturbed.run(other.end);
  expect(coordinator.book.held()).toEqual(reference.book.held());
  expect(await store.load()).toEqual(await other.store.load());
});

test("over gRPC: neither an inquiry nor a report that no session is opened for touches what is pending", async () => {
  const { virtual, store, client } = await unheardReceipt();
  await virtual.run(client.end);
  const kept = (await store.load())!;
  const server = await serve({ ...scripted(), open: () => refusal });
  const link = linkTo(server, "client-1");
  const { signal } = new AbortController();
  const end = await clientLoop(
    { clientId: "client-1", dataset: dataset(1), limits: defaultLimits },
    {
      ...{ link, store, factory },
      trainer: halfWay(virtual),
      clock: wallClock(),
      rng: derive(1, "test"),
      log: () => {},
    },
    signal,
  );
  expect(end).toEqual({ kind: "refused", refusal });
  expect(await store.load()).toBe(kept);
});
