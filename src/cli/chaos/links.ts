import { derive } from "../../model/rng.ts";
import type { FaultChange } from "../../simulation/proxy/fault-proxy.ts";
import { miscounted, startFederation } from "./federation.ts";
import type { SettingOptions } from "./setting.ts";

export interface LinkFigures {
  readonly name: "dropout" | "latency" | "slow" | "nats";
  readonly rounds: number;
  /** Rounds that had too few reports by their deadline. */
  readonly abandoned: number;
  readonly seconds: number;
  readonly receipts: number;
  /** On the wire, as the proxies counted it, up and down. */
  readonly bytes: { readonly up: number; readonly down: number };
  readonly problems: readonly string[];
  readonly folders: readonly string[];
}

const both = (faults: NonNullable<FaultChange["up"]>): FaultChange => ({ up: faults, down: faults });

interface Scenario {
  readonly name: LinkFigures["name"];
  readonly setting: Omit<SettingOptions, "seed">;
  readonly faults?: FaultChange;
  readonly farewellBytes?: number;
  readonly timeoutMs: number;
  /** Of the rounds that were opened, at least so many must come to a version. */
  readonly leastShare: number;
  /** The chance of every client in every round that its link is gone until the round is over. */
  readonly dropOut?: number;
}

const all = { clients: 3, goal: 3, overSelection: 1 };

export const linkScenarios = {
  dropout: {
    name: "dropout",
    setting: { clients: 12, goal: 3, overSelection: 4, rounds: 120, reportDeadline: "10s" },
    dropOut: 0.3,
    timeoutMs: 600_000,
    leastShare: 0.99,
  },
  latency: {
    name: "latency",
    setting: { ...all, rounds: 2, reportDeadline: "3m" },
    faults: both({ latencyMs: 5000 }),
    farewellBytes: 512,
    timeoutMs: 300_000,
    leastShare: 1,
  },
  slow: {
    name: "slow",
    setting: { ...all, rounds: 3, reportDeadline: "3m", dense: true },
    faults: both({ bytesPerSecond: 8000 }),
    timeoutMs: 300_000,
    leastShare: 1,
  },
} as const satisfies { readonly [name: string]: Scenario };

/** Runs one to its end and checks it as after a kill. */
export async function linkScenario(
  scenario: Scenario,
  seed: number,
  signal: AbortSignal,
): Promise<LinkFigures> {
  const { name, setting, faults, farewellBytes, timeoutMs, leastShare, dropOut } = scenario;
  const began = performance.now();
  const federation = await startFederation({ ...setting, seed, signal, ...(faults && { faults }) });
  try {
    if (dropOut !== undefined) {
      const rng = derive(seed, "chaos", name);
      let last = "";
      federation.onCoordinatorLine((line) => {
        const round = /^round +(\d+)|abandoned/.exec(line)?.[0];
        if (round === undefined || round === last) return;
        last = round;
        for (const proxy of federation.proxies) {
          const isGone = rng.uniform() < dropOut;
          proxy.set({ accept: isGone ? "refuse" : "pass" });
          if (isGone) proxy.cut();
        }
        if (federation.version() >= setting.rounds - 1)
          for (const proxy of federation.proxies) proxy.set({ accept: "pass" });
      });
    }
    const conclusion = await federation.conclude(timeoutMs);
    const { summary, receipts, abandoned, wire } = conclusion;
    const found = [
      ...federation.problems(),
      ...(dropOut === undefined ? miscounted(conclusion, farewellBytes) : []),
    ];
    const rounds = summary?.model.version ?? federation.version();
    const share = rounds / Math.max(1, rounds + abandoned);
    if (share < leastShare && !signal.aborted)
      found.push(`${abandoned} of ${rounds + abandoned} rounds had too few reports by the deadline`);
    return {
      name,
      rounds,
      abandoned,
      seconds: (performance.now() - began) / 1000,
      receipts,
      bytes: wire,
      problems: found,
      folders: found.length > 0 ? [federation.folder] : [],
    };
  } finally {
    await federation.close();
  }
}

/** A nats-server that is started for one run. */
export interface NatsProcess {
  readonly url: string;
  readonly kill: () => Promise<void>;
}

const natsSetting = { ...all, rounds: 30, reportDeadline: "10m" };

/** The same seed twice: without NATS, and with one that is killed in the middle. The models must be the same bytes. */
export async function natsScenario(
  seed: number,
  startNats: () => Promise<NatsProcess>,
  signal: AbortSignal,
): Promise<LinkFigures> {
  const began = performance.now();
  const problems: string[] = [];
  const folders: string[] = [];
  let receipts = 0;
  const run = async (nats: NatsProcess | null): Promise<string | null> => {
    const federation = await startFederation({
      ...natsSetting,
      seed,
      signal,
      ...(nats && { nats: nats.url }),
    });
    try {
      if (nats !== null)
        federation.onCoordinatorLine(() => {
          if (federation.version() === natsSetting.rounds / 3) void nats.kill();
        });
      const { digest, receipts: heard } = await federation.conclude(180_000);
      receipts += heard;
      problems.push(...federation.problems());
      if (federation.problems().length > 0) folders.push(federation.folder);
      return digest;
    } finally {
      await federation.close();
    }
  };
  const without = await run(null);
  const nats = await startNats();
  try {
    const withNats = await run(nats);
    if (without !== withNats && !signal.aborted)
      problems.push(`model ${withNats} with NATS, ${without} without`);
  } finally {
    await nats.kill();
  }
  return {
    name: "nats",
    rounds: natsSetting.rounds,
    abandoned: 0,
    seconds: (performance.now() - began) / 1000,
    receipts,
    bytes: { up: 0, down: 0 },
    problems,
    folders,
  };
}
