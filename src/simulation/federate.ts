import { setMaxListeners } from "node:events";
import type { Denominator } from "../aggregation/mean.ts";
import { clientLoop } from "../client/loop.ts";
import type { Config } from "../coordinator/config/config.ts";
import { type Coordinator, type Outcome, openCoordinator } from "../coordinator/coordinator.ts";
import { type CoordinatorOptions, coordinatorOptions, wireLimits } from "../coordinator/options.ts";
import { countOf, type Dataset } from "../model/dataset.ts";
import type { ClientId } from "../model/message.ts";
import { derive } from "../model/rng.ts";
import type { Masks, Params } from "../model/tensor.ts";
import type { TelemetryEvent } from "../telemetry/event.ts";
import { isSeeded, type Models, zooModels } from "../trainer/blueprint.ts";
import { subModels } from "../trainer/submodels.ts";
import type { Metrics, Trainer } from "../trainer/trainer.ts";
import { attackersOf, attacking } from "./attack.ts";
import { type Device, declared, device } from "./fleet.ts";
import { localLink } from "./local-link.ts";
import { discardingDisk, memoryStore } from "./memory.ts";
import { sharedModels } from "./shared-models.ts";
import type { TraceRecorder } from "./trace.ts";
import { type World, world } from "./world.ts";

export interface FederateOptions {
  readonly config: Config;
  readonly runId: string;
  readonly initial: Params;
  /** Where architectures are found; the zoo if left out. */
  readonly models?: Models;
  readonly clients: readonly Dataset[];
  readonly trainer: Trainer;
  readonly evaluate: (params: Params, signal: AbortSignal) => Promise<Metrics | null>;
  readonly emit: (event: TelemetryEvent, atMs: number) => void;
  /** Takes down what is encoded. */
  readonly trace?: TraceRecorder;
  /** Sees every frame that a link carries, either way. */
  readonly tap?: (frame: Uint8Array) => void;
  /** What no config can ask for. */
  readonly study?: Study;
}

/** Settings of a study: rules to compare ours with, and masks that a config has no words for. */
export interface Study {
  readonly denominator: Denominator;
  /** What each client owns of the model, for good; null: all of it. */
  readonly masks: readonly (Masks | null)[];
}

/**
 * One federation in one process: the production coordinator and client loops with frames as bytes, on virtual links
 * and a virtual clock. The result depends on config and seed alone.
 */
export async function federate(
  options: FederateOptions,
  signal: AbortSignal,
): Promise<{ readonly coordinator: Coordinator; readonly outcome: Outcome }> {
  const { config, trainer, emit, trace, models = zooModels } = options;
  const virtual = world();
  const parts = subModels(config.model.zoo, config.widths, config.train.batchSize);
  const clientIds = options.clients.map(
    (_, i) => `client-${String(i + 1).padStart(String(options.clients.length).length, "0")}`,
  );
  const contract = studied(
    coordinatorOptions(
      config,
      options.initial,
      options.runId,
      trainer.engine,
      parts,
      isSeeded(config, models),
    ),
    options.study,
    clientIds,
  );
  const profiles = declared(config.fleet, parts, options.clients.length, config.seed);
  const unread = { ...contract, journal: { ...contract.journal, snapshotEvery: null } };
  const coordinator = await openCoordinator(unread, {
    disk: discardingDisk(),
    clock: virtual.clock,
    emit: (event) => emit(event, virtual.clock.now()),
    evaluate: (params, abort) => virtual.hold(options.evaluate(params, abort)),
    ...(trace && { observe: trace.downlink }),
  });
  const stop = () => coordinator.stop("interrupted");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();

  const hostile = attackersOf(config.attack, options.clients.length, config.seed);
  const once = sharedModels();
  const aborter = new AbortController();
  setMaxListeners(0, aborter.signal); // every client listens
  const clients = options.clients.map((dataset, i) => {
    const clientId = clientIds[i]!;
    const ownDevice = device(config.seed, i + 1);
    return clientLoop(
      { clientId, dataset, limits: wireLimits(config), ...(profiles[i] && { device: profiles[i] }) },
      {
        link: localLink(coordinator.service, clientId, ownDevice, virtual, options.tap),
        trainer: timedTrainer(
          hostile.has(i) ? attacking(trainer, config.attack!) : trainer,
          ownDevice,
          virtual,
        ),
        store: trace ? trace.uplink(clientId, memoryStore()) : memoryStore(),
        clock: virtual.clock,
        factory: models.initial,
        once,
        rng: derive(config.seed, "client", i + 1),
        log: () => {},
      },
      aborter.signal,
    );
  });
  // A client that ends early ends the simulation: in one process that is bad data or a bug, never a bad link.
  const failed = new Promise<never>((_, reject) => {
    for (const [i, client] of clients.entries())
      client.then((end) => {
        if (end.kind === "refused") reject(new Error(`client ${i + 1} was refused: ${end.refusal.detail}`));
      }, reject);
  });
  try {
    const outcome = await virtual.run(Promise.race([coordinator.finished, failed]));
    return { coordinator, outcome };
  } finally {
    signal.removeEventListener("abort", stop);
    aborter.abort(new Error("the simulation has ended"));
  }
}

function studied(
  options: CoordinatorOptions,
  study: Study | undefined,
  clientIds: readonly ClientId[],
): CoordinatorOptions {
  if (study === undefined) return options;
  const { contract } = options;
  const { denominator } = study;
  const ownMasks = new Map(
    study.masks.flatMap((masks, i) => (masks === null ? [] : [[clientIds[i]!, masks] as const])),
  );
  return {
    ...options,
    contract: { ...contract, aggregation: { ...contract.aggregation, denominator }, ownMasks },
  };
}

/** Computes at once, on a worker; answers when the device would have been ready. */
function timedTrainer(trainer: Trainer, { samplesPerSecond }: Device, { after }: World): Trainer {
  return {
    ...trainer,
    train: (task, signal) => {
      const result = trainer.train(task, signal);
      result.catch(() => {}); // it is looked at when its time has come
      const ms = (1000 * countOf(task.dataset) * task.epochs) / samplesPerSecond;
      return new Promise((resolve, reject) => {
        const onAbort = () => reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        after(ms, async () => {
          signal.removeEventListener("abort", onAbort);
          await result.then(resolve, reject);
        });
      });
    },
  };
}
