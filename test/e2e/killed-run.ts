import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect } from "vitest";
import { stringify } from "yaml";
import { contradictions, type Heard, type HeardVerdict } from "../../src/cli/chaos/audit.ts";
import { nodeDisk } from "../../src/cli/node-disk.ts";
import { decodeState } from "../../src/client/state.ts";
import { readJournal } from "../../src/coordinator/journal/read.ts";
import { decodeRecord, type Record } from "../../src/coordinator/journal/record.ts";
import { derive } from "../../src/model/rng.ts";
import type { Summary } from "../../src/simulation/summary.ts";
import { fedpress, fedpressIn, type Process, scratch } from "./processes.ts";

/** Runs of real processes that die at failpoints, life by life, and what they must have come to in the end. */

export interface RunSettings {
  readonly rounds?: number;
  readonly goal?: number;
  readonly minimum?: number;
  readonly selectionDeadline?: string;
  readonly journal?: { readonly snapshotEvery?: number; readonly keep?: "needed" | "all" };
  /** Reports of 800 KB, of digits. */
  readonly dense?: boolean;
  /** Positions of a model of digits, coded by what was broadcast before (true) or plainly. */
  readonly history?: boolean;
  /** On a disk of its own. */
  readonly stateDir?: string;
}

export const NUM_CLIENTS = 3;

/** For tests of many lives, on a machine that has other things to do. */
export const PATIENCE = { timeout: 600_000 };

export const clientIdOf = (index: number): string => `client-${index}`;

/** One run's files, and its processes: a linear model, a few rows a client, so that what is tested is the rounds. */
export async function newRun(settings: RunSettings = {}) {
  const { rounds = 8, goal = NUM_CLIENTS, minimum = goal, selectionDeadline = "500ms", journal } = settings;
  const folder = scratch();
  const { stateDir = join(folder, "state") } = settings;
  const port = await freePort();
  const config = join(folder, "config.yaml");
  writeFileSync(
    config,
    stringify({
      name: "killed",
      seed: 1,
      rounds,
      model: { zoo: zooOf(settings) },
      cohort: {
        goal,
        minimum,
        overSelection: 1,
        selectionDeadline,
        reportDeadline: "10m",
        maxAbandoned: 1000,
      },
      train: { epochs: 1, batchSize: 8, optimizer: { sgd: { learningRate: 0.05, momentum: 0.5 } } },
      ...plansOf(settings),
      telemetry: { nats: null },
      coordinator: {
        listen: `127.0.0.1:${port}`,
        stateDir,
        journal: { snapshotEvery: 2, keep: "all", ...journal },
      },
    }),
  );
  const table = join(folder, "rows.csv");
  writeFileSync(table, rows());
  const dataOf = (index: number): string =>
    settings.dense || settings.history !== undefined
      ? `mnist:${index + 1}/100`
      : `csv:${table}?label=label&share=${index + 1}/${NUM_CLIENTS}&seed=1&holdout=0`;
  const stateOf = (index: number): string => {
    const state = join(folder, clientIdOf(index));
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "client-id"), `${clientIdOf(index)}\n`); // what its training is seeded with
    return state;
  };
  return {
    folder,
    stateDir,
    keepsAll: journal?.keep !== "needed",
    config,
    port,
    address: `127.0.0.1:${port}`,
    coordinator: (failpoint?: string): Process =>
      fedpressIn(dying(failpoint), "coordinator", config, "--out", join(folder, "run"), "--json"),
    client: (
      index: number,
      failpoint?: string,
      { state = stateOf(index), through = port }: Away = {},
    ): Process =>
      fedpressIn(
        dying(failpoint),
        ...["client", "--coordinator", `127.0.0.1:${through}`, "--state", state, "--data", dataOf(index)],
      ),
    records: async (): Promise<readonly Record[]> => {
      const { records } = await readJournal(nodeDisk(stateDir), "first");
      return records.map(({ bytes }) => decodeRecord(bytes));
    },
    /** What `fedpress journal refold` comes to. */
    refolded: async (): Promise<{ readonly version: number; readonly digest: string }> => {
      const refold = fedpress("journal", "refold", config, "--json");
      expect(await refold.exit, refold.stderr()).toBe(0);
      return JSON.parse(refold.stdout()).last;
    },
    clientState: (index: number) =>
      decodeState(readFileSync(join(folder, clientIdOf(index), "client.state"))),
  };
}

const zooOf = ({ dense, history }: RunSettings): string =>
  dense ? "mlp" : history === undefined ? "softmax-regression-in16-out3" : "mlp-w0.25";

function plansOf({ dense, history }: RunSettings) {
  const ternary = (topK: number, coded = {}) => [
    { tensors: "*", codec: { select: { topK }, values: "ternary" }, errorFeedback: true, ...coded },
  ];
  if (history !== undefined) {
    const plan = ternary(0.02, history ? { history } : {});
    return { uplink: plan, downlink: plan };
  }
  const whole = [{ tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false }];
  return { uplink: dense ? whole : ternary(0.3), downlink: ternary(0.3) };
}

/** A client on a disk of its own, or behind the port of a proxy. */
interface Away {
  readonly state?: string;
  readonly through?: number;
}

export type KilledRun = Awaited<ReturnType<typeof newRun>>;

const dying = (failpoint?: string) => (failpoint === undefined ? {} : { FEDPRESS_FAILPOINT: failpoint });

function rows(): string {
  const rng = derive(1, "rows of killed runs");
  const names = Array.from({ length: 16 }, (_, i) => `x${i}`);
  const lines = Array.from({ length: 72 }, (_, i) => [...names.map(() => rng.below(100)), i % 3].join(","));
  return [[...names, "label"].join(","), ...lines, ""].join("\n");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** From a death on, until the next life listens, or has an answer; null when it dies before. */
export interface Recovery {
  readonly failpoint: string;
  readonly ms: number | null;
}

interface Watch {
  /** What a life says when it is back at work. */
  readonly isBack: RegExp;
  readonly began?: (life: Process) => void;
  readonly died?: () => Promise<void>;
}

/** Lives one after the other, each but the last to the failpoint that it is given; the last one, and what took how long. */
async function livesOf(
  start: (failpoint?: string) => Process,
  failpoints: readonly string[],
  { isBack, began = () => {}, died = async () => {} }: Watch,
): Promise<{ readonly last: Process; readonly recoveries: readonly Recovery[] }> {
  const recoveries: Promise<Recovery>[] = [];
  const live = (i: number, failpoint?: string): Process => {
    const startedMs = performance.now();
    const life = start(failpoint);
    began(life);
    const back = life.waitFor(isBack).then(
      () => performance.now() - startedMs,
      () => null,
    );
    if (i > 0) recoveries.push(back.then((ms) => ({ failpoint: failpoints[i - 1]!, ms })));
    return life;
  };
  for (const [i, failpoint] of failpoints.entries()) {
    const life = live(i, failpoint);
    expect(await life.exit, `${failpoint}: ${life.stderr()}`).toBe(137);
    expect(life.stderr()).toContain(`failpoint ${failpoint}\n`);
    await died();
  }
  return { last: live(failpoints.length), recoveries: await Promise.all(recoveries) };
}

export interface Deaths {
  readonly coordinator?: readonly string[];
  /** Of the first client. */
  readonly client?: readonly string[];
}

/**
 * Runs to the end, and checks what the clients said against what the journal holds, whenever the coordinator is dead and
 * at the end; gives the model that it came to.
 */
export async function runToTheEnd(run: KilledRun, { coordinator = [], client = [] }: Deaths) {
  const heard: Process[][] = Array.from({ length: NUM_CLIENTS }, () => []);
  let clients: readonly ReturnType<typeof livesOf>[] = [];
  const startClients = (): void => {
    if (clients.length > 0) return;
    clients = heard.map((lives, i) =>
      livesOf((failpoint) => run.client(i, failpoint), i === 0 ? client : [], {
        isBack: /task on|report (of|folded|goes on)|the run is over/,
        began: (life) => lives.push(life),
      }),
    );
    for (const lives of clients) lives.catch(() => {});
  };
  const { last: server, recoveries } = await livesOf(run.coordinator, coordinator, {
    isBack: /listening on/,
    // Clients need not wait through lives that never listen.
    began: (life) => void life.waitFor(/listening on/).then(startClients, () => {}),
    died: () => expectNoContradictions(run, testimonyOf(heard)),
  });
  await server.waitFor(/listening on/);
  const told = await Promise.all(clients);
  expect(await server.exit, server.stderr()).toBe(0);
  for (const { last } of told) expect(await last.exit, last.stderr()).toBe(0);
  const { model, bytes }: Summary = JSON.parse(server.stdout());
  expect(await run.refolded()).toMatchObject({ version: model.version, digest: model.digest });

  const testimony = testimonyOf(heard);
  for (const { clientId, round } of testimony.receipts) {
    const verdict = testimony.verdicts.find((one) => one.clientId === clientId && one.round === round);
    expect(verdict?.outcome, `of ${clientId} in round ${round}`).toMatch(/^(folded|dropped)$/);
  }
  await expectNoContradictions(run, testimony);
  return { model, bytes, recoveries: [...recoveries, ...told.flatMap((one) => one.recoveries)] };
}

export function testimonyOf(livesOfClients: readonly (readonly Process[])[]) {
  const receipts: Heard[] = [];
  const verdicts: HeardVerdict[] = [];
  for (const [i, lives] of livesOfClients.entries())
    for (const line of lives.flatMap((life) => life.stderr().split("\n"))) {
      const clientId = clientIdOf(i);
      const receipt = /^round (\d+): report of .* journaled/.exec(line);
      if (receipt) receipts.push({ clientId, round: Number(receipt[1]) });
      const verdict = /^round (\d+): report (folded|dropped|refused)(?: into version (\d+))?$/.exec(line);
      if (verdict === null) continue;
      const [, round, outcome, into] = verdict;
      verdicts.push({
        clientId,
        round: Number(round),
        outcome: outcome!,
        version: into === undefined ? null : Number(into),
      });
    }
  return { receipts, verdicts };
}

/** Where all records are kept: nothing acknowledged is lost, nothing counted twice, and every verdict is true. */
export async function expectNoContradictions(
  run: KilledRun,
  testimony: Parameters<typeof contradictions>[1],
): Promise<void> {
  if (run.keepsAll) expect(contradictions(await run.records(), testimony)).toEqual([]);
}
