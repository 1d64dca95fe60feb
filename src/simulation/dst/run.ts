import { coordinatorOptions } from "../../coordinator/options.ts";
import { derive } from "../../model/rng.ts";
import { openAuditor } from "./audit/auditor.ts";
import { auditContext, type Check, type Violation } from "./audit/context.ts";
import { chance } from "./chance.ts";
import { type Device, device } from "./clients.ts";
import { type CoordinatorHost, coordinatorHost } from "./coordinators.ts";
import { simulatedDisk } from "./disk.ts";
import { drawPlan, drawRates, type Planned } from "./faults.ts";
import { hostileLoop, type Overheard } from "./hostile.ts";
import { type Network, network } from "./network.ts";
import { clockOf, spawn } from "./process.ts";
import { type Scheduler, scheduler } from "./scheduler.ts";
import { drawShape, type Shape } from "./shape.ts";
import { openTrace, type Trace } from "./trace.ts";

export interface RunOptions {
  readonly seed: number;
  /** All other faults are left out. */
  readonly only?: ReadonlySet<string>;
  readonly keepsLines?: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly events: number;
  readonly virtualMs: number;
  readonly hash: string;
  readonly faults: readonly string[];
  readonly lines: readonly string[];
  readonly shape: string;
}

/** Once healed, a run ends within this, or something has got stuck. */
const HEALED_MS = 3_600_000;
const MOST_EVENTS = 400_000;

/** One seed: a federation under faults, then healed, and audited all the way. Nothing but the seed decides what happens. */
export async function runSeed({ seed, only, keepsLines = false }: RunOptions): Promise<RunResult> {
  const shape = drawShape(seed);
  const time = scheduler(seed);
  const luck = chance(seed, drawRates(seed), only ?? null);
  const trace = openTrace(time.now, keepsLines);
  let violation: Violation | null = null;
  const fail = (check: Check, detail: string): void => {
    violation ??= { check, detail };
    trace.note("auditor", `${check}: ${detail}`);
  };
  const made = coordinatorOptions(shape.config, shape.initial, "dst", null, shape.subModels);
  const options = { ...made, journal: { ...made.journal, blobBytes: shape.blobBytes } };
  const disk = simulatedDisk("coordinator", time, luck, () => auditor.diskChanged());
  const heard: Overheard[] = [];
  const auditor = openAuditor(auditContext(shape, options, fail), disk, time.now, (round, frame) =>
    heard.push({ round, frame }),
  );
  const net = network(time, luck, auditor.wire);
  const host = coordinatorHost({ options, time, chance: luck, network: net, auditor, trace, disk, fail });
  const parts = {
    seed,
    shape,
    time,
    chance: luck,
    network: net,
    auditor,
    trace,
    limits: options.contract.limits,
  };
  const devices = shape.clients.map((kind, i) => device(parts, `client-${i + 1}`, kind));

  host.start();
  devices.forEach((one, i) => {
    time.after(luck.between(0, 3000, "start", i), one.start);
  });
  const plan = drawPlan(seed, devices.length, shape.healMs);
  plan.forEach((planned, i) => {
    const name = `${planned.kind} ${i} of ${planned.target < 0 ? "the coordinator" : devices[planned.target]!.clientId}`;
    time.after(planned.atMs, () => {
      if (luck.isPlanned(name)) happen(planned, { host, devices, net, disk, time, trace });
    });
  });
  const stopHostile = startHostile({ shape, seed, time, net, heard, trace, fail });

  const isOver = (): boolean => {
    auditor.check();
    return violation !== null || devices.every((one) => one.isDone());
  };
  const guarded = async (untilMs: number): Promise<void> => {
    try {
      const end = await time.run(isOver, { untilMs, events: MOST_EVENTS });
      if (end === "still" || end === "out-of-events" || (end === "out-of-time" && untilMs > shape.healMs))
        fail("liveness", `${end} at ${Math.round(time.now() / 1000)} s: ${waitingFor(devices)}`);
    } catch (error) {
      fail("engine", (error as Error).stack ?? String(error));
    }
  };
  const onRejection = (error: unknown): void =>
    fail("engine", `unhandled: ${(error as Error).stack ?? error}`);
  process.on("unhandledRejection", onRejection);
  try {
    await guarded(shape.healMs);
    if (!isOver()) {
      trace.note("world", "heals");
      luck.heal();
      net.heal();
      host.resume();
      stopHostile();
      await guarded(shape.healMs + HEALED_MS);
    }
    if (violation === null) auditor.end();
    return {
      seed,
      violation,
      events: time.events(),
      virtualMs: time.now(),
      hash: trace.hash(),
      faults: luck.happened(),
      lines: [...trace.lines()],
      shape: describe(shape),
    };
  } finally {
    stopHostile();
    for (const one of devices) one.letGo();
    await new Promise(setImmediate); // what that rejects is of no interest any more
    process.off("unhandledRejection", onRejection);
  }
}

interface Stage {
  readonly host: CoordinatorHost;
  readonly devices: readonly Device[];
  readonly net: Network;
  readonly disk: ReturnType<typeof simulatedDisk>;
  readonly time: Scheduler;
  readonly trace: Trace;
}

function happen(planned: Planned, { host, devices, net, disk, time, trace }: Stage): void {
  const target = planned.target < 0 ? host : devices[planned.target]!;
  const who = planned.target < 0 ? "coordinator" : devices[planned.target]!.clientId;
  switch (planned.kind) {
    case "crash": {
      const { machine, downMs, bit, calls } = planned;
      const now = target.process();
      const crash = (): void => {
        if (target.process() === now) target.crash(machine, downMs, bit);
      };
      if (calls === 1 || now === null) return crash();
      // in the midst of something: the ports fall silent at that call, the rest follows at once
      now.killAtCall(calls, () => void time.after(0, crash));
      return;
    }
    case "history":
      trace.note(who, "is killed, and has another history");
      devices[planned.target]!.crash(false, planned.downMs);
      return devices[planned.target]!.damage();
    case "take-over":
      if (planned.forMs > 0) host.process()?.pause(planned.forMs);
      return host.takeOver();
    case "pause":
      trace.note(who, `stands still for ${planned.forMs} ms`);
      return target.process()?.pause(planned.forMs);
    case "leap":
      return target.leap(planned.ms);
    case "hold":
      host.pause(planned.abandon);
      return void time.after(planned.forMs, host.resume);
    case "disk-full":
      trace.note(who, `has a full disk for ${planned.forMs} ms`);
      return (planned.target < 0 ? disk : devices[planned.target]!.disk).fill(time.now() + planned.forMs);
    case "partition":
      trace.note(who, `cannot be reached (${planned.way}) for ${planned.forMs} ms`);
      return net.part(who, planned.way, time.now() + planned.forMs);
  }
}

interface HostileParts {
  readonly shape: Shape;
  readonly seed: number;
  readonly time: Scheduler;
  readonly net: Network;
  readonly heard: readonly Overheard[];
  readonly trace: Trace;
  readonly fail: (check: Check, detail: string) => void;
}

function startHostile({ shape, seed, time, net, heard, trace, fail }: HostileParts): () => void {
  const aborter = new AbortController();
  const stopped = new Error("the world heals");
  for (let i = 1; i <= shape.numHostile; i++) {
    const name = `hostile-${i}`;
    const mine = spawn(name, time);
    trace.note(name, "is there");
    const link = net.link(mine, name);
    hostileLoop(link, clockOf(mine, time, 1).clock, derive(seed, name), heard, aborter.signal)
      .catch((error) => {
        if (error !== stopped) fail("engine", `${name}: ${(error as Error).stack}`);
      })
      .finally(() => void link.close());
  }
  return () => aborter.abort(stopped);
}

const waitingFor = (devices: readonly Device[]): string =>
  `not done: ${devices
    .filter((one) => !one.isDone())
    .map(({ clientId }) => clientId)
    .join(", ")}`;

function describe({ config, clients, numHostile, initial }: Shape): string {
  const { cohort, aggregation, rounds } = config;
  const size = [...initial.values()].reduce((n, { data }) => n + data.length, 0);
  return (
    `${aggregation.strategy}, ${rounds} versions, ${clients.length} clients and ${numHostile} hostile, goal ${cohort.goal}, ` +
    `widths ${config.widths.join("/")}, minimum ${cohort.minimum ?? cohort.goal}, staleness ${cohort.maxStaleness}, ${size} coordinates`
  );
}
