import { expect, test } from "vitest";
import { backoff } from "../../src/client/backoff.ts";
import { type CoordinatorLink, LinkError } from "../../src/client/link.ts";
import { clientLoop } from "../../src/client/loop.ts";
import type { Factory } from "../../src/client/model-chain.ts";
import type { StateStore } from "../../src/client/state.ts";
import { WireError } from "../../src/model/error.ts";
import type { CheckIn, CheckInReply, Receipt } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";
import type { Params } from "../../src/model/tensor.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { dataset, dense, factory, halfWay, open, options, startClient, world } from "../suites/federation.ts";

const never = new AbortController().signal;

/** One client against links that a test writes down, on top of a real coordinator. */
async function withLink(
  change: (link: CoordinatorLink, store: StateStore) => CoordinatorLink,
  settings = options({ rounds: 3, goal: 1 }),
  wrap: (trainer: Trainer) => Trainer = (trainer) => trainer,
  make: Factory = factory,
) {
  const { localLink } = await import("../../src/simulation/local-link.ts");
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings);
  const device = {
    samplesPerSecond: 1,
    latencyMs: 1,
    uplinkBytesPerSecond: 1e6,
    downlinkBytesPerSecond: 1e6,
  };
  const store = memoryStore();
  const log: string[] = [];
  const run = clientLoop(
    { clientId: "client-1", dataset: dataset(1), limits: defaultLimits },
    {
      link: change(localLink(coordinator.service, "client-1", device, virtual), store),
      trainer: wrap(halfWay(virtual)),
      store,
      clock: virtual.clock,
      factory: make,
      rng: derive(1, "test"),
      log: ({ type }) => log.push(type),
    },
    never,
  );
  return { coordinator, store, log, end: virtual.run(run) };
}

async function reference() {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 3, goal: 1 }));
  await virtual.run(startClient(1, coordinator.service, virtual).end);
  return coordinator.book.held();
}

test("a receipt that is lost on the way: the same report goes out again and counts once", async () => {
  let lost = 0;
  const { coordinator, log, end } = await withLink((link) => ({
    ...link,
    report: async (...args) => {
      const receipt = await link.report(...args);
      if (lost++ === 0) throw new LinkError("the receipt was lost");
      return receipt;
    },
  }));
  expect(await end).toEqual({ kind: "finished" });
  expect(log.filter((type) => type === "link-lost")).toHaveLength(1);
  expect(coordinator.book.held()).toEqual(await reference());
});

test("a report that is lost on the way is sent again, without training again", async () => {
  let sent = 0;
  const { coordinator, log, end } = await withLink((link) => ({
    ...link,
    report: (...args) => (sent++ === 0 ? Promise.reject(new LinkError("lost")) : link.report(...args)),
  }));
  await end;
  expect(log.filter((type) => type === "trained")).toHaveLength(3);
  expect(coordinator.book.held()).toEqual(await reference());
});

test("a link that is down for long is waited out", async () => {
  let down = 20;
  const { coordinator, log, end } = await withLink((link) => ({
    ...link,
    checkIn: (...args) => (down-- > 0 ? Promise.reject(new LinkError("refused")) : link.checkIn(...args)),
  }));
  await end;
  expect(log.filter((type) => type === "link-lost")).toHaveLength(20);
  expect(coordinator.book.held()).toEqual(await reference());
});

test("a refused report rolls the residual back", async () => {
  const residuals: unknown[] = [];
  const refusal: Receipt = { kind: "refused", refusal: { code: "wrong-round", detail: "late", retry: true } };
  let reports = 0;
  const { end } = await withLink((link, store) => ({
    ...link,
    checkIn: async (...args) => {
      residuals.push((await store.load())?.residual?.[0]?.slice() ?? null);
      return link.checkIn(...args);
    },
    report: (...args) => (reports++ === 1 ? Promise.resolve(refusal) : link.report(...args)),
  }));
  await end;
  // Before round 2 and after its refusal the residual is the same; round 1 and 3 changed it.
  expect(residuals[1]).not.toBeNull();
  expect(residuals[2]).toEqual(residuals[1]);
  expect(residuals[3]).not.toEqual(residuals[2]);
});

test("a verdict of dropped rolls back, folded keeps; the pending report is asked for at every check-in", async () => {
  const asked: (CheckIn["pending"] | null)[] = [];
  const dropFirst = async (
    link: CoordinatorLink,
    ...args: Parameters<CoordinatorLink["checkIn"]>
  ): Promise<CheckInReply> => {
    asked.push(args[0].pending);
    const reply = await link.checkIn(...args);
    if (asked.length !== 2 || reply.kind === "refused" || reply.verdict === null) return reply;
    return { ...reply, verdict: { ...reply.verdict, outcome: "dropped", version: null } };
  };
  const { store, end } = await withLink((link) => ({
    ...link,
    checkIn: (...args) => dropFirst(link, ...args),
  }));
  await end;
  expect(asked.map((pending) => pending?.round ?? null)).toEqual([null, 1, 2, 3]);
  expect((await store.load())!.pending).toBeNull();
});

test("a refusal without retry ends the client; a damaged download is an error, once more from nothing first", async () => {
  const refusal = { code: "bad-field", detail: "no", retry: false };
  const refused = await withLink((link) => ({
    ...link,
    checkIn: async () => ({ kind: "refused", refusal }),
  }));
  expect(await refused.end).toEqual({ kind: "refused", refusal });

  let fetches = 0;
  const damaged = await withLink((link) => ({
    ...link,
    fetchModel: async (...args) => {
      const frames = await link.fetchModel(...args);
      // The second download is a delta: it is damaged once, and fetched again as a whole.
      return ++fetches === 2
        ? frames.map((frame) => frame.map((byte, i) => (i === 9 ? byte ^ 1 : byte)))
        : frames;
    },
  }));
  expect(await damaged.end).toEqual({ kind: "finished" });
  expect(damaged.coordinator.book.held()).toEqual(await reference());
});

test("downloads that are damaged in a row, and whole too, are waited out; always is an error", async () => {
  let fetches = 0;
  const twice = await withLink((link) => ({
    ...link,
    fetchModel: async (...args) => {
      const frames = await link.fetchModel(...args);
      fetches++;
      if (fetches === 1) throw new WireError("bad-digest", "download", "the parts are not of one download");
      return [2, 4, 5, 6].includes(fetches)
        ? frames.map((frame) => frame.map((byte, i) => (i === 9 ? byte ^ 1 : byte)))
        : frames;
    },
  }));
  expect(await twice.end).toEqual({ kind: "finished" });
  expect(twice.log.filter((type) => type === "download-damaged")).toHaveLength(2);
  expect(twice.coordinator.book.held()).toEqual(await reference());

  let numFetches = 0;
  const fetchModel = async () => {
    numFetches++;
    return [new Uint8Array(40)];
  };
  const always = await withLink((link) => ({ ...link, fetchModel }));
  await expect(always.end).rejects.toThrow(WireError);
  expect(numFetches).toBe(20); // ten times, each once more as a whole
});

test("refusals of a report: without retry the client ends; with it, it waits before it tries again", async () => {
  const final = { code: "too-large", detail: "above the limit", retry: false };
  const ended = await withLink((link) => ({
    ...link,
    report: async () => ({ kind: "refused", refusal: final }),
  }));
  expect(await ended.end).toEqual({ kind: "refused", refusal: final });

  const retry = { code: "bad-digest", detail: "damaged", retry: true };
  const stubborn = await withLink(
    (link) => ({ ...link, report: async () => ({ kind: "refused", refusal: retry }) }),
    options({ rounds: 1, goal: 1 }),
  );
  await expect(stubborn.end).resolves.toMatchObject({ kind: "refused", refusal: { code: "run-failed" } });
  // Three rounds of a minute each were abandoned: with a backoff up to 30 s that is a few tries a round.
  expect(stubborn.log.filter((type) => type === "trained").length).toBeLessThan(40);
});

test("folded + residual + discarded is all that was trained, with a report refused on the way", async () => {
  const refusal: Receipt = { kind: "refused", refusal: { code: "wrong-round", detail: "late", retry: true } };
  const flat = (params: Params) => [...params.values()].flatMap(({ data }) => [...data]);
  const trained: number[] = new Array(72).fill(0);
  let reports = 0;
  const { store, end, coordinator } = await withLink(
    (link) => ({
      ...link,
      report: (...args) => (reports++ === 1 ? Promise.resolve(refusal) : link.report(...args)),
    }),
    options({ rounds: 6, goal: 1, downlink: dense }),
    (trainer) => ({
      ...trainer,
      train: async (task, signal) => {
        const result = await trainer.train(task, signal);
        const before = flat(task.params);
        for (const [j, v] of flat(result.params).entries()) trained[j]! += v - before[j]!;
        return result;
      },
    }),
  );
  await end;
  const { discarded, residual } = (await store.load())!;
  expect(reports).toBe(7);
  expect(discarded[0]!.some((v) => v !== 0)).toBe(true);
  const model = flat(coordinator.book.model().params);
  for (let j = 0; j < 72; j++)
    expect(model[j]! + residual![0]![j]! + discarded[0]![j]!).toBeCloseTo(trained[j]!, 5);
});

test("a training that diverges is an error with its remedy; one that is too late reports nothing", async () => {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 1, goal: 1 }));
  const trainer = halfWay(virtual);
  const diverging = startClient(1, coordinator.service, virtual, {
    trainer: {
      ...trainer,
      train: async ({ params }) => ({
        params: new Map(
          [...params].map(([name, { shape, data }]) => [name, { shape, data: data.map(() => Number.NaN) }]),
        ),
        numSteps: 1,
        trainLoss: 0,
      }),
    },
  });
  await expect(virtual.run(diverging.end)).rejects.toThrow(
    /diverged in round 1.*lower train\.optimizer's learningRate/,
  );

  const slow = world();
  const patient = await open(memoryDisk(), slow, options({ rounds: 1, goal: 1 }));
  const late = startClient(1, patient.service, slow, {
    trainer: {
      ...halfWay(slow),
      train: (_, signal) =>
        new Promise((_resolve, reject) => {
          slow.after(500_000, () => {});
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    },
  });
  await slow.run(late.end);
  expect(late.events.some(({ type }) => type === "late")).toBe(true);
  expect(patient.bytes.totals().uplink).toBe(0);
});

test("backoff doubles to its cap, jittered in the upper half, and starts anew after a success", () => {
  const wait = backoff(derive(1, "b"), 100, 1000);
  const ceilings = [100, 200, 400, 800, 1000, 1000];
  for (const ceiling of ceilings) {
    const ms = wait.nextMs();
    expect(ms).toBeGreaterThanOrEqual(ceiling / 2);
    expect(ms).toBeLessThanOrEqual(ceiling);
  }
  wait.reset();
  expect(wait.nextMs()).toBeLessThanOrEqual(100);
});

test("who makes another version 0 than the coordinator, or holds a damaged model, ends with a checkpoint", async () => {
  const asked: (string | null)[] = [];
  const another: Factory = () =>
    new Map([...factory()].map(([name, { shape, data }]) => [name, { shape, data: data.map((v) => v + 1) }]));
  const { coordinator, end } = await withLink(
    (link) => ({
      ...link,
      fetchModel: (request, signal) => {
        asked.push(request.whole ? "whole" : request.held && `from ${request.held.version}`);
        return link.fetchModel(request, signal);
      },
    }),
    options({ rounds: 3, goal: 1 }),
    undefined,
    another,
  );
  expect(await end).toEqual({ kind: "finished" });
  expect(asked.slice(0, 2)).toEqual([null, "whole"]);
  expect(asked.slice(2)).toEqual(["from 0", "from 1"]);
  expect(coordinator.book.held()).toEqual(await reference());
});
