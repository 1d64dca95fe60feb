import { encodeOwned, ownedPlan } from "../compress/owned.ts";
import { boundsOf, gather } from "../compress/plan.ts";
import { assert } from "../model/assert.ts";

import { type Clock, sleep } from "../model/clock.ts";
import { countOf, type Dataset } from "../model/dataset.ts";
import { localSteps, rateOf } from "../model/local-steps.ts";
import { digestOf, manifestDigest } from "../model/manifest.ts";
import { type ClientId, MAX_NUM_EXAMPLES } from "../model/message.ts";
import type { CheckInReply, Receipt, Refusal, Task, Verdict } from "../model/protocol.ts";
import { deriveSeed, type Rng } from "../model/rng.ts";
import type { DeviceProfile } from "../model/submodel.ts";
import { deltaOf, mapParams } from "../model/tensor.ts";
import type { Trainer, TrainResult } from "../trainer/trainer.ts";
import { encodeFrame, shortDigest } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import { backoff } from "./backoff.ts";

import { catchUp } from "./catch-up.ts";
import { correctionOf, noControls, ownAfter } from "./control.ts";
import { committed, faded, rolledBack } from "./ledger.ts";
import { type CoordinatorLink, LinkError } from "./link.ts";
import { localModel } from "./local-model.ts";
import type { Factory } from "./model-chain.ts";
import type { ClientState, StateStore } from "./state.ts";

export interface ClientOptions {
  readonly clientId: ClientId;
  readonly dataset: Dataset;
  readonly limits: Limits;
  /** What is told of the device; nothing when the whole model is fine. */
  readonly device?: DeviceProfile;
}

/** What the world gives a client; a simulation swaps them and nothing else. */
export interface ClientPorts {
  readonly link: CoordinatorLink;
  readonly trainer: Trainer;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly factory: Factory;
  /** Spreads the retries; results never depend on it. */
  readonly rng: Rng;
  readonly log: (event: ClientEvent) => void;
}

export type ClientEvent =
  | { readonly type: "link-lost"; readonly detail: string; readonly retryMs: number }
  | { readonly type: "turned-away"; readonly refusal: Refusal; readonly retryMs: number }
  | { readonly type: "task"; readonly round: number; readonly version: number }
  | { readonly type: "caught-up"; readonly version: number; readonly frames: number; readonly bytes: number }
  | {
      readonly type: "trained";
      readonly round: number;
      readonly trainLoss: number;
      readonly numSteps: number;
    }
  /** Of what the client owed only this share is left, after so many rounds without a report. */
  | { readonly type: "faded"; readonly round: number; readonly roundsMissed: number; readonly share: number }
  | { readonly type: "receipt"; readonly round: number; readonly bytes: number; readonly receipt: Receipt }
  | { readonly type: "late"; readonly round: number }
  | { readonly type: "verdict"; readonly verdict: Verdict };

/** The coordinator said that the run is over, or that it does not want this client. */
export type ClientEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Checks in, trains and reports until the coordinator says that the run is over. A broken link is only waited out;
 * the state is saved before anything leaves the device, so that a restart goes on with its residual.
 *
 * Error feedback runs in two phases: the residual after a report counts only once the coordinator says "folded".
 * Dropped or refused reports roll it back; at most one report is unsettled at a time.
 */
export async function clientLoop(
  options: ClientOptions,
  ports: ClientPorts,
  signal: AbortSignal,
): Promise<ClientEnd> {
  const { link, clock, store, log } = ports;
  const wait = backoff(ports.rng);
  let state = await store.load();

  const keep = async (next: ClientState): Promise<ClientState> => {
    if (next !== state) await store.save(next);
    state = next;
    return next;
  };

  for (;;) {
    signal.throwIfAborted();
    try {
      const reply = await link.checkIn(checkInOf(options, state), signal);
      if (reply.kind === "refused") {
        if (!reply.refusal.retry) return { kind: "refused", refusal: reply.refusal };
        const retryMs = wait.nextMs();
        log({ type: "turned-away", refusal: reply.refusal, retryMs });
        await sleep(clock, retryMs, signal);
        continue;
      }
      if (reply.verdict !== null && reply.verdict.outcome !== "unknown")
        log({ type: "verdict", verdict: reply.verdict });
      if (state !== null) state = await keep(settled(state, reply));
      if (reply.kind === "finished") return { kind: "finished" };
      log({ type: "task", round: reply.task.round, version: reply.task.base.version });
      const refusal = await takeTask(reply.task, state, keep, options, ports, signal);
      if (refusal === null) wait.reset();
      else if (!refusal.retry) return { kind: "refused", refusal };
      else await sleep(clock, wait.nextMs(), signal);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      signal.throwIfAborted();
      const retryMs = wait.nextMs();
      log({ type: "link-lost", detail: error.message, retryMs });
      await sleep(clock, retryMs, signal);
    }
  }
}

function checkInOf({ dataset, device }: ClientOptions, state: ClientState | null) {
  return {
    runId: state?.runId ?? null,
    numExamples: weightOf(dataset),
    held: state && { version: state.held.version, digest: state.held.digest },
    pending: state?.pending?.report ?? null,
    ...(device && { device }),
  };
}

const weightOf = (dataset: Dataset): number => Math.min(countOf(dataset), MAX_NUM_EXAMPLES);

/** Commits or rolls back what was pending. "Unknown" keeps it, while its round can still accept it. */
function settled(state: ClientState, reply: Exclude<CheckInReply, { kind: "refused" }>): ClientState {
  const { pending } = state;
  if (pending === null) return state;
  const outcome = reply.verdict?.outcome ?? "unknown";
  if (outcome === "folded") return committed(state, pending);
  const canStillCount = reply.kind === "task" && reply.task.round === pending.report.round;
  if (outcome === "unknown" && canStillCount) return state;
  return rolledBack(state, pending);
}

const nothingYet = { residual: null, controls: noControls, lastRound: null, discarded: [] };

/** Catches up, trains and reports; null when all went well, else why the report does not count. */
async function takeTask(
  task: Task,
  before: ClientState | null,
  keep: (state: ClientState) => Promise<ClientState>,
  options: ClientOptions,
  ports: ClientPorts,
  signal: AbortSignal,
): Promise<Refusal | null> {
  let state = before?.runId === task.runId ? before : null;
  if (state?.pending?.report.round !== task.round) {
    const caughtUp = await catchUp(task, state, options.limits, ports, signal);
    if (caughtUp === null) return null; // the round closed meanwhile
    const { held, masks, control, clear, download } = caughtUp;
    if (download !== null) ports.log({ type: "caught-up", version: held.version, ...download });
    if (download !== null || masks !== state?.masks) {
      const known = { ...nothingYet, ...state };
      const residual = clear(known.residual);
      const controls = { ...known.controls, shared: control };
      state = await keep({ ...known, runId: task.runId, held, masks, residual, controls, pending: null });
    }
    if (held.version !== task.base.version) return null; // so it did
    assert(state !== null, "what was caught up with is in the state");
    const deadline = deadlineOf(task, ports.clock);
    try {
      const bounded = AbortSignal.any([signal, deadline.signal]);
      state = await keep(await trainRound(task, state, options, ports, bounded));
    } catch (error) {
      if (error !== deadline.signal.reason) throw error;
      ports.log({ type: "late", round: task.round });
      return null; // the coordinator's deadline began before ours: it has closed the round
    } finally {
      deadline.cancel();
    }
  }
  const { report, frame } = state.pending!;
  const receipt = await ports.link.report(report, frame, signal);
  ports.log({ type: "receipt", round: task.round, bytes: frame.length, receipt });
  if (receipt.kind === "accepted") return null;
  await keep(rolledBack(state, state.pending!));
  return receipt.refusal;
}

function deadlineOf(task: Task, clock: Clock) {
  const aborter = new AbortController();
  const cancel = clock.after(task.reportDeadlineMs, () =>
    aborter.abort(new Error("the report deadline has passed")),
  );
  return { signal: aborter.signal, cancel };
}

async function trainRound(
  task: Task,
  state: ClientState,
  { clientId, dataset }: ClientOptions,
  { trainer, log }: ClientPorts,
  signal: AbortSignal,
): Promise<ClientState> {
  const { round, manifest, train } = task;
  const base = state.held.params;
  const masks = state.masks?.masks ?? null;
  const { restore, ...local } = localModel(task.model.zoo, task.part?.width ?? 1, masks, base);
  const correction = correctionOf(state.controls);
  const result: TrainResult = await trainer.train(
    {
      ...local,
      dataset,
      ...train,
      ...(correction && { correction }),
      seed: deriveSeed(task.sharedSeed, "train", clientId),
    },
    signal,
  );
  log({ type: "trained", round, trainLoss: result.trainLoss, numSteps: result.numSteps });
  const plan = ownedPlan(task.uplink, manifest, masks, "uplink");
  const {
    residual: residualBefore,
    discarded,
    ...absence
  } = faded(state, round, plan.whole, train.residualDecay);
  if (absence.share < 1) log({ type: "faded", round, ...absence });
  const moved = deltaOf(base, restore(result.params));
  const steps = train.perStep ? localSteps(train, result.numSteps) : 1;
  const trained = steps === 1 ? moved : mapParams(moved, ({ data }) => data.map((v) => v / steps));
  if (![...trained.values()].every(({ data }) => data.every(Number.isFinite)))
    throw new Error(
      `training diverged in round ${round}: the model is no number any more; ` +
        "lower train.optimizer's learningRate in the coordinator's config",
    );
  const { payloads, sent, residual } = encodeOwned(
    plan,
    trained,
    residualBefore,
    boundsOf(plan.groups, manifest, task.exponents),
    deriveSeed(task.sharedSeed, "encode", clientId, round),
  );
  const frame = encodeFrame({
    kind: "update",
    round,
    baseVersion: state.held.version,
    manifest: shortDigest(manifestDigest(manifest)),
    plan: shortDigest(plan.digest),
    numExamples: weightOf(dataset),
    numSteps: result.numSteps,
    trainLoss: result.trainLoss,
    payloads,
  });
  const ownControl = train.controlVariates
    ? ownAfter(state.controls, trained, { groups: plan.whole, sent }, rateOf(train))
    : null;
  const report = { round, digest: digestOf(frame) };
  const delta = plan.whole.map((group) => gather(group, trained));
  return {
    ...state,
    residual,
    lastRound: round,
    discarded,
    pending: { report, frame, residualBefore, delta, ownControl },
  };
}
