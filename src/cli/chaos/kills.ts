import { setTimeout as pause } from "node:timers/promises";
import { derive, type Rng } from "../../model/rng.ts";
import { type Federation, miscounted, type Recovery, startFederation } from "./federation.ts";
import { type RecoveryFigures, recoveryFigures, tooSlow } from "./recovery.ts";

export interface KillFigures extends RecoveryFigures {
  readonly name: "kills";
  readonly kills: { readonly coordinator: number; readonly client: number };
  /** Links that were cut, or stood still and then were cut. */
  readonly linkFaults: number;
  readonly runs: number;
  readonly receipts: number;
  readonly problems: readonly string[];
  /** Folders of runs in which something was found. */
  readonly folders: readonly string[];
}

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** How long the coordinator may take to its first check-in after a kill. */
  readonly recoveryMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const CLIENTS = 3;
const ROUNDS = 80;
const MAX_WAIT_MS = 700;
const END_MS = 180_000;

/**
 * Runs, one after the other, of a coordinator and three clients of which a round needs all: so that whatever is killed,
 * and whenever, each must come to the very model that an undisturbed run of the seed comes to.
 */
export async function killScenario(options: KillOptions): Promise<KillFigures> {
  const { kills, seed, recoveryMs, say, signal } = options;
  const setting = { seed, clients: CLIENTS, rounds: ROUNDS, goal: CLIENTS, overSelection: 1 };
  const problems: string[] = [];
  const folders: string[] = [];
  const recoveries: Recovery[] = [];
  const count = { coordinator: 0, client: 0 };
  let linkFaults = 0;
  let runs = 0;
  let receipts = 0;
  let expected: string | null = null;

  const run = async (name: string, disturb: (federation: Federation) => Promise<void>): Promise<void> => {
    const federation = await startFederation({ ...setting, reportDeadline: "10m", signal });
    try {
      await disturb(federation);
      const conclusion = await federation.conclude(END_MS);
      const { digest, summary, receipts: heard } = conclusion;
      receipts += heard;
      expected ??= digest;
      const found = [...federation.problems(), ...(runs === 0 ? miscounted(conclusion) : [])];
      if (signal.aborted) return;
      if (digest !== expected) found.push(`came to model ${digest}, undisturbed ${expected}`);
      if (summary !== null && summary.model.version !== ROUNDS)
        found.push(`ended at version ${summary.model.version} of ${ROUNDS}`);
      problems.push(...found.map((problem) => `${name}: ${problem}`));
      if (found.length > 0) folders.push(federation.folder);
      say(
        `${name}: version ${federation.version()}, ${found.length === 0 ? "as it should be" : found.join("; ")}`,
      );
    } finally {
      await federation.close();
    }
  };

  await run("undisturbed", async () => {});
  while (count.coordinator + count.client < kills && problems.length === 0 && !signal.aborted) {
    runs++;
    const rng = derive(seed, "chaos", runs);
    await run(`run ${runs}`, async (federation) => {
      await until(() => federation.version() > 0, signal);
      while (
        count.coordinator + count.client < kills &&
        federation.version() < ROUNDS - 2 &&
        !signal.aborted
      ) {
        await pause(rng.below(MAX_WAIT_MS));
        if (federation.version() >= ROUNDS - 2) return;
        if (rng.below(3) === 0) {
          linkFaults++;
          await disturbLink(federation, rng);
        } else if (rng.below(2) === 0) {
          count.coordinator++;
          await federation.killCoordinator();
          const recovery = await federation.restartCoordinator();
          if (recovery !== null) recoveries.push(recovery);
        } else {
          count.client++;
          const index = rng.below(CLIENTS);
          await federation.killClient(index);
          await federation.restartClient(index);
        }
        if (federation.problems().length > 0) return;
      }
    });
    say(`${count.coordinator + count.client} of ${kills} kills`);
  }
  problems.push(...tooSlow(recoveries, recoveryMs));
  return {
    name: "kills",
    kills: count,
    linkFaults,
    runs,
    receipts,
    ...recoveryFigures(recoveries),
    problems,
    folders,
  };
}

/** Cut, or still for a moment and then cut, or slow and in slices until the next time. */
async function disturbLink({ proxies }: Federation, rng: Rng): Promise<void> {
  const proxy = proxies[rng.below(proxies.length)]!;
  const kind = rng.below(3);
  if (kind === 1) {
    proxy.set({ up: { isStalled: true }, down: { isStalled: true } });
    await pause(rng.below(300));
    proxy.set({ up: { isStalled: false }, down: { isStalled: false } });
  }
  if (kind === 2) {
    const latencyMs = rng.below(30);
    const change = { latencyMs, jitterMs: latencyMs, sliceBytes: 1 + rng.below(2000) };
    return proxy.set({ up: change, down: change });
  }
  proxy.cut();
}

async function until(holds: () => boolean, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + END_MS;
  while (!holds() && !signal.aborted && performance.now() < endMs) await pause(5);
}
