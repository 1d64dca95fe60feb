import { type FailpointRun, failpointRuns } from "./failpoint-runs.ts";
import { type Federation, type Recovery, startFederation } from "./federation.ts";
import { type RecoveryFigures, recoveryFigures, tooSlow } from "./recovery.ts";
import { startVandal } from "./vandal.ts";

export interface FailpointFigures extends RecoveryFigures {
  readonly name: "failpoints";
  readonly deaths: { readonly coordinator: number; readonly client: number };
  readonly runs: number;
  readonly receipts: number;
  readonly problems: readonly string[];
  readonly folders: readonly string[];
}

export interface FailpointOptions {
  readonly seed: number;
  readonly recoveryMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const CLIENTS = 3;
const ROUNDS = 40;
const END_MS = 180_000;

/**
 * Either side dies at every named failpoint, one after the other; every run must come to the model of the first one, in
 * which nobody dies, as a round needs all of the clients.
 */
export async function failpointScenario(options: FailpointOptions): Promise<FailpointFigures> {
  const { seed, recoveryMs, say, signal } = options;
  const problems: string[] = [];
  const folders: string[] = [];
  const recoveries: Recovery[] = [];
  const deaths = { coordinator: 0, client: 0 };
  let receipts = 0;
  let expected: string | null = null;

  const all: readonly FailpointRun[] = [{ name: "undisturbed" }, ...failpointRuns];
  for (const run of all) {
    if (signal.aborted) break;
    const { name, early = [], coordinator = [], client = [] } = run;
    const federation = await startFederation({ ...settingOf(run, seed), signal });
    const vandal = run.hasVandal ? startVandal(federation.address) : null;
    try {
      recoveries.push(...(await liveThrough(federation, run, signal)));
      const { digest, summary, receipts: heard } = await federation.conclude(END_MS);
      expected ??= digest;
      const found = [...federation.problems()];
      if (signal.aborted) break;
      if (digest !== expected) found.push(`came to model ${digest}, undisturbed ${expected}`);
      if (summary?.model.version !== ROUNDS) found.push(`ended at version ${summary?.model.version}`);
      problems.push(...found.map((problem) => `${name}: ${problem}`));
      if (found.length > 0) folders.push(federation.folder);
      receipts += heard;
      deaths.coordinator += early.length + coordinator.length;
      deaths.client += client.length;
      say(`${name}: ${found.length === 0 ? "as it should be" : found.join("; ")}`);
    } finally {
      await vandal?.stop();
      await federation.close();
    }
  }
  problems.push(...tooSlow(recoveries, recoveryMs));
  const runs = failpointRuns.length;
  return { name: "failpoints", deaths, runs, receipts, ...recoveryFigures(recoveries), problems, folders };
}

function settingOf({ early = [], coordinator = [], keep, hasVandal }: FailpointRun, seed: number) {
  return {
    seed,
    clients: CLIENTS,
    rounds: ROUNDS,
    goal: CLIENTS,
    overSelection: 1,
    // all, always: a round without one of them would be given up, and the next would train with another seed
    ...(hasVandal && { overSelection: (CLIENTS + 1) / CLIENTS, selectionDeadline: "10m" }),
    reportDeadline: "10m",
    snapshotEvery: 2,
    early,
    ...(keep && { keep }),
    ...(coordinator[0] !== undefined && { failpoint: coordinator[0] }),
  };
}

/** Waits for one death after the other, and starts the next life. */
async function liveThrough(
  federation: Federation,
  { coordinator = [], client = [] }: FailpointRun,
  signal: AbortSignal,
): Promise<readonly Recovery[]> {
  const recoveries: Recovery[] = [];
  const goesOn = (): boolean => federation.problems().length === 0 && !signal.aborted;
  for (const i of coordinator.keys()) {
    await federation.coordinatorDied();
    if (!goesOn()) return recoveries;
    const recovery = await federation.restartCoordinator(coordinator[i + 1]);
    if (recovery !== null) recoveries.push(recovery);
  }
  if (client.length > 0) await federation.killClient(0);
  // the last one is told that the run is over, and that is its end
  for (const failpoint of client) {
    await federation.restartClient(0, failpoint);
    await federation.clientDied(0);
    if (!goesOn()) return recoveries;
  }
  return recoveries;
}
