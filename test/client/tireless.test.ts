import { expect, test } from "vitest";
import { type CoordinatorLink, LinkError } from "../../src/client/link.ts";
import { type ClientEvent, clientLoop } from "../../src/client/loop.ts";
import type { StateStore } from "../../src/client/state.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { sleep } from "../../src/model/clock.ts";
import { derive } from "../../src/model/rng.ts";
import { localLink } from "../../src/simulation/local-link.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import {
  dataset,
  dense,
  factory,
  halfWay,
  open,
  options,
  startClient,
  type World,
  world,
} from "../suites/federation.ts";

/** Clients whose network, disk or coordinator goes away while they work. */

const never = new AbortController().signal;

/** A link that a test takes down: every call fails until it is up again, and nobody hears that it is down. */
function shaky(link: CoordinatorLink): CoordinatorLink & { down: () => Promise<void>; up: () => void } {
  let isDown = false;
  let lost = new AbortController();
  const through = async <T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> => {
    if (isDown) throw new LinkError("down");
    const { signal: breaking } = lost;
    try {
      return await call(AbortSignal.any([signal, breaking]));
    } catch (error) {
      if (breaking.aborted && !signal.aborted) throw new LinkError("broke");
      throw error;
    }
  };
  return {
    checkIn: (request, signal) => through((s) => link.checkIn(request, s), signal),
    heartbeat: (round, signal) => through((s) => link.heartbeat(round, s), signal),
    inquire: (report, signal) => through((s) => link.inquire(report, s), signal),
    fetchModel: (request, signal) => through((s) => link.fetchModel(request, s), signal),
    report: (report, frame, offset, signal) => through((s) => link.report(report, frame, offset, s), signal),
    close: link.close,
    down: async () => {
      isDown = true;
      lost.abort(new Error("down"));
      await link.close();
    },
    up: () => {
      isDown = false;
      lost = new AbortController();
    },
  };
}

interface Fleet {
  readonly virtual: World;
  readonly coordinator: Awaited<ReturnType<typeof open>>;
  /** Client 1, on a link that can be taken down. */
  readonly events: ClientEvent[];
  readonly link: ReturnType<typeof shaky>;
  readonly store: StateStore;
  readonly end: ReturnType<typeof clientLoop>;
  readonly at: (ms: number) => Promise<void>;
}

async function fleet(settings: CoordinatorOptions, trainMs: number, others = 0): Promise<Fleet> {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings);
  const trainer = halfWay(virtual);
  const slow = {
    ...trainer,
    train: async (...[task, signal]: Parameters<typeof trainer.train>) => {
      await sleep(virtual.clock, trainMs - 1000, signal);
      return trainer.train(task, signal);
    },
  };
  let link: ReturnType<typeof shaky> | null = null;
  const first = startClient(1, coordinator.service, virtual, {
    trainer: slow,
    link: (plain) => {
      link = shaky(plain);
      return link;
    },
  });
  for (let i = 2; i <= 1 + others; i++) startClient(i, coordinator.service, virtual);
  const at = (ms: number): Promise<void> => sleep(virtual.clock, ms - virtual.clock.now(), never);
  return {
    virtual,
    coordinator,
    events: first.events as ClientEvent[],
    link: link!,
    store: first.store,
    end: first.end,
    at,
  };
}

/** Everybody is asked. */
const all = (settings: CoordinatorOptions): CoordinatorOptions => ({
  ...settings,
  rounds: { ...settings.rounds, overSelection: 10 },
});

const typesOf = (events: readonly ClientEvent[]) => events.map(({ type }) => type);
const receipts = (events: readonly ClientEvent[]) => events.flatMap((e) => (e.type === "receipt" ? [e] : []));

test("a report that was finished offline still counts: it is asked about and sent before the client checks in", async () => {
  const { virtual, coordinator, events, link, end, at } = await fleet(
    options({ rounds: 2, goal: 1 }),
    10_000,
  );
  await virtual.run(
    (async () => {
      await at(5000);
      await link.down();
      await at(30_000);
      link.up();
      await end;
    })(),
  );
  expect(coordinator.book.held().version).toBe(2);
  // one training a round: what was made offline was sent
  expect(events.filter(({ type }) => type === "trained")).toHaveLength(2);
  expect(events.filter(({ type }) => type === "link-lost").length).toBeGreaterThan(2);
  expect(receipts(events).map(({ receipt }) => receipt.kind)).toEqual(["accepted", "accepted"]);
  const verdicts = events.flatMap((e) => (e.type === "verdict" ? [e.verdict.outcome] : []));
  expect(verdicts).toEqual(["folded", "folded"]);
});

test("with staleness it counts in a later round, though its own has closed while the link was down", async () => {
  const settings = all(options({ rounds: 60, goal: 2, minimum: 2, maxStaleness: 50 }));
  const { virtual, coordinator, events, link, at } = await fleet(settings, 10_000, 3);
  await virtual.run(
    (async () => {
      await at(5000);
      await link.down();
      await at(30_000);
      link.up();
      await coordinator.finished;
    })(),
  );
  const first = receipts(events)[0]!;
  expect(first.receipt.kind).toBe("accepted");
  const accepted = coordinator.events.flatMap((e) => (e.type === "report.accepted" ? [e] : []));
  const mine = accepted.findIndex(({ clientId }) => clientId === "client-1");
  const roundThen = accepted.slice(0, mine).reduce((most, { round }) => Math.max(most, round), 0);
  expect(accepted[mine]!.round).toBe(first.round);
  expect(roundThen).toBeGreaterThan(first.round + 1);
  const verdict = events.find((e) => e.type === "verdict");
  expect(verdict).toMatchObject({ verdict: { report: { round: first.round }, outcome: "folded" } });
});

test("one that does not count any more is rolled back, and the client goes on at once", async () => {
  const settings = all(options({ rounds: 60, goal: 1, minimum: 1, downlink: dense }));
  const { virtual, coordinator, events, link, store, at } = await fleet(settings, 8000, 1);
  await virtual.run(
    (async () => {
      await at(4000);
      await link.down();
      await at(25_000);
      link.up();
      await coordinator.finished;
    })(),
  );
  const refused = receipts(events).filter(({ receipt }) => receipt.kind === "refused");
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]!.receipt).toMatchObject({ refusal: { code: "wrong-round" } });
  // nothing of it went up
  const { round } = refused[0]!;
  expect(coordinator.events.filter((e) => e.type === "report.refused" && e.round === round)).toEqual([]);
  const kept = await store.load();
  expect(kept?.discarded[0]?.some((v) => v !== 0)).toBe(true);
});

test("a half-open link: after the lease the client counts as left, and comes back when it can", async () => {
  const settings = { ...options({ rounds: 1, goal: 2, minimum: 1 }), leaseMs: 20_000 };
  const { virtual, coordinator, link, end, at } = await fleet(settings, 500_000, 1);
  await virtual.run(
    (async () => {
      await at(10_000);
      // the link is dead, but the coordinator has not been told: only heartbeats are missing
      link.heartbeat = () => Promise.reject(new LinkError("dead"));
      await coordinator.finished;
    })(),
  );
  const left = coordinator.events.findIndex((e) => e.type === "client.left" && e.clientId === "client-1");
  expect(left).toBeGreaterThan(0);
  // the other's report was enough, so that the round closed with it and did not wait for its deadline
  expect(virtual.clock.now()).toBeLessThan(45_000);
  expect(coordinator.book.held().version).toBe(1);
  await virtual.run(Promise.race([end.then(() => {}), sleep(virtual.clock, 1e6, never)]));
});

test("heartbeats keep a client that trains for longer than the lease, and tell it when its round is over", async () => {
  const patient = { ...options({ rounds: 1, goal: 1 }), leaseMs: 3000 };
  const alone = await fleet(patient, 50_000);
  await alone.virtual.run(alone.end);
  expect(alone.coordinator.events.some(({ type }) => type === "client.left")).toBe(false);
  expect(receipts(alone.events)).toHaveLength(1);

  const settings = { ...all(options({ rounds: 3, goal: 1, minimum: 1 })), leaseMs: 3000 };
  const { virtual, coordinator, events } = await fleet(settings, 50_000, 1);
  await virtual.run(coordinator.finished);
  expect(typesOf(events)).toContain("outdated");
  expect(typesOf(events)).not.toContain("trained");
});

test("whose link breaks and is there again keeps its place: a heartbeat is enough", async () => {
  const settings = { ...options({ rounds: 1, goal: 2, minimum: 1 }), leaseMs: 9000 };
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings);
  const trainer = (ms: number) => ({
    ...halfWay(virtual),
    train: async (...[task, signal]: Parameters<ReturnType<typeof halfWay>["train"]>) => {
      await sleep(virtual.clock, ms, signal);
      return halfWay(virtual).train(task, signal);
    },
  });
  let link: CoordinatorLink | null = null;
  const one = startClient(1, coordinator.service, virtual, {
    trainer: trainer(40_000),
    link: (plain) => {
      link = plain;
      return plain;
    },
  });
  startClient(2, coordinator.service, virtual, { trainer: trainer(20_000) });
  await virtual.run(
    (async () => {
      await sleep(virtual.clock, 10_000, never);
      await link!.close(); // the session is gone; the next heartbeat opens another
      await one.end;
    })(),
  );
  // both reports are in the only round: it waited for the first client
  expect(coordinator.events.filter(({ type }) => type === "report.accepted")).toHaveLength(2);
});

test("a full disk is waited out: nothing leaves the device before it is saved, and nothing is lost", async () => {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 3, goal: 1 }));
  const kept = memoryStore();
  let full = 0;
  let isFull = false;
  const log: ClientEvent[] = [];
  const device = {
    samplesPerSecond: 1,
    latencyMs: 1,
    uplinkBytesPerSecond: 1e6,
    downlinkBytesPerSecond: 1e6,
  };
  const link = localLink(coordinator.service, "client-1", device, virtual);
  const run = clientLoop(
    { clientId: "client-1", dataset: dataset(1), limits: defaultLimits },
    {
      link: {
        ...link,
        report: (...args) => {
          expect(isFull).toBe(false);
          return link.report(...args);
        },
      },
      trainer: halfWay(virtual),
      store: {
        load: kept.load,
        save: async (state) => {
          isFull = full++ % 4 !== 3;
          if (isFull) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
          await kept.save(state);
        },
      },
      clock: virtual.clock,
      factory,
      rng: derive(1, "test"),
      log: (event) => log.push(event),
    },
    never,
  );
  expect(await virtual.run(run)).toEqual({ kind: "finished" });
  expect(coordinator.book.held().version).toBe(3);
  expect(log.filter(({ type }) => type === "disk-full").length).toBeGreaterThan(9);

  const plain = world();
  const other = await open(memoryDisk(), plain, options({ rounds: 3, goal: 1 }));
  await plain.run(startClient(1, other.service, plain).end);
  expect(coordinator.book.held()).toEqual(other.book.held());
});

test("asked to end, it gives up what it trains at once, but a report on its way has its grace", async () => {
  const stopping = async (atMs: number, graceMs: number) => {
    const virtual = world();
    const coordinator = await open(memoryDisk(), virtual, options({ rounds: 1, goal: 1 }));
    const [soft, hard] = [new AbortController(), new AbortController()];
    // training takes a second, the report some four
    const device = {
      samplesPerSecond: 1,
      latencyMs: 1,
      uplinkBytesPerSecond: 12,
      downlinkBytesPerSecond: 1e6,
    };
    const store = memoryStore();
    const events: ClientEvent[] = [];
    const run = clientLoop(
      { clientId: "client-1", dataset: dataset(1), limits: defaultLimits },
      {
        link: localLink(coordinator.service, "client-1", device, virtual),
        trainer: halfWay(virtual),
        store,
        clock: virtual.clock,
        factory,
        rng: derive(1, "test"),
        log: (event) => events.push(event),
      },
      soft.signal,
      hard.signal,
    );
    virtual.after(atMs, () => {
      soft.abort(new Error("asked to end"));
      virtual.after(graceMs, () => hard.abort(new Error("no longer")));
    });
    const why = await virtual.run(run.then(String, String));
    return { why, endedAtMs: virtual.clock.now(), events: typesOf(events), state: await store.load() };
  };
  const training = await stopping(500, 10_000);
  expect(training).toMatchObject({ why: "Error: asked to end", endedAtMs: 500 });
  expect(training.events).not.toContain("trained");

  const reporting = await stopping(1500, 10_000);
  expect(reporting.why).toBe("Error: asked to end");
  expect(reporting.events).toContain("receipt");
  expect(reporting.state!.pending).not.toBeNull();

  const short = await stopping(1500, 100);
  expect(short).toMatchObject({ why: "Error: no longer", endedAtMs: 1600 });
  expect(short.events).not.toContain("receipt");
  expect(short.state!.pending).not.toBeNull();
});

test("a coordinator that says when to come is asked then; without a word the waits grow", async () => {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 1, goal: 1 }));
  const asked: number[] = [];
  const { events, end } = startClient(1, coordinator.service, virtual, {
    link: (link) => ({
      ...link,
      checkIn: (...args) => {
        asked.push(virtual.clock.now());
        if (asked.length > 3) return link.checkIn(...args);
        const refusal = { code: "busy", detail: "later", retry: true, retryAfterMs: 70_000 };
        return Promise.resolve({ kind: "refused", refusal });
      },
    }),
  });
  await virtual.run(end);
  const waits = asked.slice(1, 4).map((ms, i) => ms - asked[i]!);
  for (const ms of waits) {
    expect(ms).toBeGreaterThanOrEqual(70_000);
    expect(ms).toBeLessThanOrEqual(77_000);
  }
  expect(typesOf(events).filter((type) => type === "turned-away")).toHaveLength(3);
});
