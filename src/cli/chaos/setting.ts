import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { derive } from "../../model/rng.ts";
import { type Process, type ProcessOptions, startProcess } from "./process.ts";

/** One run's files: config, the coordinator's state, and of every client its data and its state. */
export interface Setting {
  readonly folder: string;
  readonly configFile: string;
  /** A copy of the coordinator's state as it is now. */
  readonly copyOfState: () => string;
  /** What the coordinator, when it ended, had counted on its sockets. */
  readonly socketBytes: () => { readonly received: number; readonly sent: number } | null;
  readonly coordinator: (options?: ProcessOptions) => Process;
  /** Client 0, 1, 2 ..., which connects to `address`. */
  readonly client: (index: number, address: string, options?: ProcessOptions) => Process;
  readonly remove: () => void;
}

export interface SettingOptions {
  readonly seed: number;
  readonly clients: number;
  readonly rounds: number;
  readonly goal: number;
  readonly overSelection: number;
  readonly reportDeadline: string;
  readonly nats?: string;
  /** Every coordinate as float32, 31 KB a report, not the default's hundredth of them. */
  readonly dense?: boolean;
  /** Versions between two snapshots; 7 when left out. */
  readonly snapshotEvery?: number;
  /** How long a round waits for a whole cohort; half a second when left out. */
  readonly selectionDeadline?: string;
  /** What the journal keeps; "all" when left out, so that it can be gone through. */
  readonly keep?: "needed" | "all";
  /** In place of a folder beside the others: it is not removed with them. */
  readonly stateDir?: string;
}

const EXAMPLES = 24;

/** Softmax regression on a handful of random images a client: what is tested is the rounds, not the model. */
export function newSetting(options: SettingOptions): Setting {
  const { seed, clients, rounds, goal, overSelection, reportDeadline, nats, dense } = options;
  const { snapshotEvery = 7, keep = "all", selectionDeadline = "500ms" } = options;
  const folder = mkdtempSync(join(tmpdir(), "fedpress-chaos-"));
  const state = options.stateDir ?? join(folder, "state");
  const configFile = join(folder, "config.yaml");
  const plan = [{ tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false }];
  const config = {
    name: "chaos",
    seed,
    rounds,
    model: { zoo: "softmax-regression" },
    cohort: {
      goal,
      minimum: goal,
      overSelection,
      selectionDeadline,
      reportDeadline,
      maxAbandoned: 1000,
    },
    train: { epochs: 1, batchSize: 8, optimizer: { sgd: { learningRate: 0.05, momentum: 0 } } },
    ...(dense && { uplink: plan, downlink: plan }),
    telemetry: { nats: nats === undefined ? null : { url: nats } },
    // snapshots often, so that kills fall among them
    coordinator: { listen: "127.0.0.1:0", stateDir: state, journal: { snapshotEvery, keep } },
  };
  writeFileSync(configFile, stringify(config));
  for (let i = 0; i < clients; i++) writeClient(folder, i, seed);
  let copies = 0;
  return {
    folder,
    configFile,
    copyOfState: () => {
      const copy = join(folder, `copy-${copies++}`);
      // all but the control socket
      cpSync(state, copy, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
      return copy;
    },
    socketBytes: () => {
      const last = readFileSync(join(folder, "run", "events.jsonl"), "utf8")
        .trim()
        .split("\n")
        .at(-1)!;
      const { event } = JSON.parse(last);
      return event.type === "run.finished" ? event.socketBytes : null;
    },
    coordinator: (options) =>
      startProcess(["coordinator", configFile, "--out", join(folder, "run"), "--json"], options),
    client: (index, address, options) => {
      const [data, own] = ["data", "client"].map((kind) => join(folder, `${kind}-${index}`));
      return startProcess(
        ["client", "--coordinator", address, "--data", `idx:${data}?classes=10`, "--state", own!],
        options,
      );
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const clientIdOf = (index: number): string => `client-${index}`;

/** With an id of our choice, which the seeds of its training come from: so two runs can come to the same model. */
function writeClient(folder: string, index: number, seed: number): void {
  const data = join(folder, `data-${index}`);
  const own = join(folder, `client-${index}`);
  for (const path of [data, own]) mkdirSync(path);
  writeFileSync(join(own, "client-id"), `${clientIdOf(index)}\n`);
  const rng = derive(seed, "chaos data", index);
  const head = (...numbers: number[]) => {
    const bytes = Buffer.alloc(4 * numbers.length);
    for (const [i, n] of numbers.entries()) bytes.writeUInt32BE(n, 4 * i);
    return bytes;
  };
  const bytes = (length: number, below: number) =>
    Buffer.from(Array.from({ length }, () => rng.below(below)));
  writeFileSync(
    join(data, "images-idx3-ubyte"),
    Buffer.concat([head(0x803, EXAMPLES, 28, 28), bytes(EXAMPLES * 784, 256)]),
  );
  writeFileSync(join(data, "labels-idx1-ubyte"), Buffer.concat([head(0x801, EXAMPLES), bytes(EXAMPLES, 10)]));
}
