import { randomBytes, randomUUID } from "node:crypto";
import { Command } from "commander";
import { diskStore, STATE_FILE } from "../client/disk-store.ts";
import { grpcLink } from "../client/grpc-link.ts";
import { type ClientEvent, clientLoop } from "../client/loop.ts";
import type { StateStore } from "../client/state.ts";
import { loadClientData } from "../data/spec.ts";
import { countOf } from "../model/dataset.ts";
import type { Disk } from "../model/disk.ts";
import { ConfigError, WireError } from "../model/error.ts";
import { derive } from "../model/rng.ts";
import { formatBytes } from "../telemetry/format.ts";
import { modelsWith } from "../trainer/blueprint.ts";
import type { EngineChoice } from "../trainer/choice.ts";
import { trainerPool } from "../trainer/pool.ts";
import { defaultLimits } from "../wire/limits.ts";
import { interruptible, later, Refused } from "./exit.ts";
import { fatalLink, fatalStore } from "./failpoint/client.ts";
import { failpointOf } from "./failpoint/failpoint.ts";
import { lockFolder } from "./lock.ts";
import { loadModel } from "./models.ts";
import { nodeDisk } from "./node-disk.ts";
import { duration, engineOption, size } from "./options.ts";
import { wallClock } from "./wall-clock.ts";

interface Options {
  readonly coordinator: string;
  readonly data: string;
  readonly state: string;
  readonly frameBytes: number;
  readonly engine: EngineChoice;
  readonly model?: string;
  readonly memory?: number;
  readonly uplink?: number;
  readonly drain: number;
}

export const clientCommand = (): Command =>
  new Command("client")
    .description("train on this device's data for a coordinator; waits out broken links and restarts")
    .requiredOption("--coordinator <host:port>", "where the coordinator listens")
    .requiredOption(
      "--data <spec>",
      "mnist:3/10?dirichlet=0.5&seed=1&holdout=0.2 (share 3 of 10), idx:DIR, or csv:FILE?label=COLUMN",
    )
    .requiredOption("--state <dir>", "this client's id, residual and model; one client a folder")
    .option("--frame-bytes <size>", "largest frame to accept or send", size, defaultLimits.frameBytes)
    .addOption(engineOption())
    .option(
      "--model <path>",
      "the run's model, where it is its owner's own: a model.json, or a module (.mjs)",
    )
    .option("--memory <size>", "memory to train in: the coordinator may give a narrower model", size)
    .option("--uplink <size>", "bytes a second of this link, likewise", size)
    .option(
      "--drain <duration>",
      "after Ctrl-C or SIGTERM: for a report on its way to arrive",
      duration,
      10_000,
    )
    .action(
      async ({ coordinator, data, state, frameBytes, engine, model, memory, uplink, drain }: Options) => {
        if (!/^.+:\d{1,5}$/.test(coordinator))
          throw new ConfigError([{ path: "--coordinator", value: coordinator, expected: "HOST:PORT" }]);
        const failpoint = failpointOf("client");
        const signal = interruptible();
        const models = modelsWith(model === undefined ? [] : [await loadModel(model, "--model")]);
        const dataset = await loadClientData(data);
        const limits = { ...defaultLimits, frameBytes };
        const release = lockFolder(state, "--state");
        try {
          const disk = nodeDisk(state);
          await sweep(disk);
          const clientId = await ownId(disk);
          log(`client ${clientId}: ${countOf(dataset)} examples, coordinator ${coordinator}`);
          const trainer = await trainerPool(1, { engine, own: models.own });
          const plainStore = stateStore(disk, state);
          const store = failpoint ? fatalStore(plainStore, state, failpoint) : plainStore;
          const plainLink = grpcLink({ coordinator, clientId, limits: { frameBytes } });
          const link = failpoint ? fatalLink(plainLink, failpoint) : plainLink;
          try {
            const end = await clientLoop(
              { clientId, dataset, limits, ...deviceOf(memory, uplink) },
              {
                link,
                trainer,
                store,
                clock: wallClock(),
                factory: models.initial,
                rng: derive(randomBytes(4).readUInt32LE(), "backoff"),
                log: (event) => log(formatEvent(event)),
              },
              signal,
              later(signal, drain),
            );
            if (end.kind === "refused") throw new Refused(end.refusal);
            log("the run is over");
          } finally {
            await link.close();
            await trainer.close();
          }
        } finally {
          release();
        }
      },
    );

const deviceOf = (memoryBytes?: number, uplinkBytesPerSecond?: number) =>
  memoryBytes === undefined && uplinkBytesPerSecond === undefined
    ? {}
    : {
        device: {
          ...(memoryBytes !== undefined && { memoryBytes }),
          ...(uplinkBytesPerSecond !== undefined && { uplinkBytesPerSecond }),
        },
      };

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** What a process that was killed had written aside is of no use to anybody; the folder's lock is held. */
async function sweep(disk: Disk): Promise<void> {
  await disk.remove((await disk.list()).filter((name) => /^client(-id|\.state)\..*\.tmp$/.test(name)));
}

/** A random id, made once and kept: it says which client this is and nothing else. */
async function ownId(disk: Disk): Promise<string> {
  const kept = await disk.read("client-id");
  if (kept !== null) return new TextDecoder().decode(kept).trim();
  const id = randomUUID();
  await disk.write("client-id", new TextEncoder().encode(`${id}\n`));
  return id;
}

/** A damaged state is said as what a person can do about it. */
function stateStore(disk: Disk, folder: string): StateStore {
  const store = diskStore(disk);
  return {
    ...store,
    load: async () => {
      try {
        return await store.load();
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        const expected = `a whole state file; move ${STATE_FILE} away to begin afresh without its residual`;
        throw new ConfigError([{ path: `${folder}/${STATE_FILE}`, value: error.message, expected }]);
      }
    },
  };
}

function formatEvent(event: ClientEvent): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  switch (event.type) {
    case "link-lost":
      return `no link: ${event.detail}; next try in ${seconds(event.retryMs)}`;
    case "download-damaged":
      return `a damaged download: ${event.detail}; next try in ${seconds(event.retryMs)}`;
    case "turned-away":
      return `turned away: ${event.refusal.code}: ${event.refusal.detail}; next try in ${seconds(event.retryMs)}`;
    case "task":
      return `round ${event.round}: task on version ${event.version}`;
    case "caught-up":
      return `model at version ${event.version}: ${event.frames} frames, ${formatBytes(event.bytes)}`;
    case "resumed":
      return `round ${event.round}: report goes on after ${formatBytes(event.receivedBytes)}`;
    case "outdated":
      return `round ${event.round}: given up, ${event.refusal.code}: ${event.refusal.detail}`;
    case "disk-full":
      return `cannot save the state: ${event.detail}; nothing is sent before; next try in ${seconds(event.retryMs)}`;
    case "history-lost":
      return `round ${event.round}: the history is another than the coordinator's; the report goes out again without`;
    case "late":
      return `round ${event.round}: too late to report`;
    case "trained":
      return `round ${event.round}: ${event.numSteps} steps, loss ${event.trainLoss.toFixed(4)}${
        event.numSkipped === 0 ? "" : `, ${event.numSkipped} steps skipped as float16 overflowed`
      }`;
    case "encoded": {
      const of = event.budget === null ? "" : ` of ${formatBytes(event.budget)}`;
      const chosen = `${(100 * event.density).toPrecision(3)} % of the coordinates`;
      return `round ${event.round}: ${formatBytes(event.bytes)}${of}, ${chosen}, lambda ${event.lambda.toPrecision(3)}`;
    }
    case "faded": {
      const percent = (100 * event.share).toPrecision(2);
      return `round ${event.round}: ${event.roundsMissed} rounds missed, ${percent} % of what was owed is left`;
    }
    case "receipt":
      return event.receipt.kind === "accepted"
        ? `round ${event.round}: report of ${formatBytes(event.bytes)} journaled`
        : `round ${event.round}: report refused: ${event.receipt.refusal.code}: ${event.receipt.refusal.detail}`;
    case "verdict": {
      const { report, outcome, version } = event.verdict;
      return `round ${report.round}: report ${outcome}${version === null ? "" : ` into version ${version}`}`;
    }
  }
}
