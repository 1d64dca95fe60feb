import { assert } from "../model/assert.ts";
import { type Clock, sleep } from "../model/clock.ts";
import type { Dataset } from "../model/dataset.ts";
import { isDiskFull } from "../model/disk-full.ts";
import type { ClientId } from "../model/message.ts";
import type { CheckIn, CheckInReply, Receipt, Refusal, Task, Verdict } from "../model/protocol.ts";
import type { Rng } from "../model/rng.ts";
import type { DeviceProfile } from "../model/submodel.ts";
import type { Trainer } from "../trainer/trainer.ts";
import type { Limits } from "../wire/limits.ts";
import { backoff } from "./backoff.ts";
import { catchUp, DamagedDownload } from "./catch-up.ts";
import { noControls } from "./control.ts";
import { courier } from "./courier.ts";
import { Outdated, whileItCounts } from "./heartbeats.ts";
import { committed, rolledBack, withoutHistory } from "./ledger.ts";
import { type CoordinatorLink, LinkError, SessionRefused } from "./link.ts";
import type { Factory, Once } from "./model-chain.ts";
import type { ClientState, Pending, StateStore } from "./state.ts";
import { trainRound, weightOf } from "./train-round.ts";
import { type UploadRate, uploadRate } from "./upload-rate.ts";

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
  /** Where many clients are in one process; each makes its own if left out. */
  readonly once?: Once;
  /** Spreads the retries; results never depend on it. */
  readonly rng: Rng;
  readonly log: (event: ClientEvent) => void;
}

export type ClientEvent =
  | { readonly type: "link-lost"; readonly detail: string; readonly retryMs: number }
  | { readonly type: "download-damaged"; readonly detail: string; readonly retryMs: number }
  | { readonly type: "turned-away"; readonly refusal: Refusal; readonly retryMs: number }
  | { readonly type: "task"; readonly round: number; readonly version: number }
  | { readonly type: "caught-up"; readonly version: number; readonly frames: number; readonly bytes: number }
  | {
      readonly type: "trained";
      readonly round: number;
      readonly trainLoss: number;
      readonly numSteps: number;
      /** Of those, the ones that float16 had left out. */
      readonly numSkipped: number;
    }
  /** What a selection by budget or rate came to: a frame of so many bytes, of the `budget` if there is one. */
  | {
      readonly type: "encoded";
      readonly round: number;
      readonly bytes: number;
      readonly budget: number | null;
      /** Of the coordinates of such rules, the share that is sent. */
      readonly density: number;
      /** The squared magnitude that a bit bought, of the coordinates sent the least. */
      readonly lambda: number;
    }
  /** Of what the client owed only this share is left, after so many rounds without a report. */
  | { readonly type: "faded"; readonly round: number; readonly roundsMissed: number; readonly share: number }
  /** The coordinator has this much of a report whose upload broke. */
  | { readonly type: "resumed"; readonly round: number; readonly receivedBytes: number }
  | { readonly type: "receipt"; readonly round: number; readonly bytes: number; readonly receipt: Receipt }
  /** The coordinator's history is another: the report goes out again without, and the model is fetched anew after it. */
  | { readonly type: "history-lost"; readonly round: number }
  | { readonly type: "late"; readonly round: number }
  /** A report of that round would not count any more: what was done for it is given up. */
  | { readonly type: "outdated"; readonly round: number; readonly refusal: Refusal }
  | { readonly type: "disk-full"; readonly detail: string; readonly retryMs: number }
  | { readonly type: "verdict"; readonly verdict: Verdict };

/** The coordinator said that the run is over, or that it does not want this client. */
export type ClientEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Trains and reports until the coordinator says that the run is over. A broken link is only waited out, and a damaged
 * download fetched again, for a while; the state is saved before anything leaves the device, so that a restart goes on with
 * its residual and its report.
 *
 * A report without a receipt comes before all else: whether it still counts is asked before checking in, as who checks in
 * has nothing more to report. Error feedback runs in two phases: the residual after a report counts only once the
 * coordinator says "folded". Dropped or refused reports roll it back; at most one report is unsettled at a time.
 *
 * `signal` ends it at once, except for a report on its way, which is ended by `hard`.
 */
export async function clientLoop(
  options: ClientOptions,
  ports: ClientPorts,
  signal: AbortSignal,
  hard: AbortSignal = signal,
): Promise<ClientEnd> {
  const { link, clock, log } = ports;
  const wait = backoff(ports.rng);
  const rate = uploadRate();
  const reports = courier(ports, wait.reset, rate);
  let state = await ports.store.load();
  let heartbeatMs = DEFAULT_HEARTBEAT_MS;
  let numDamaged = 0;

  const keep = async (next: ClientState): Promise<ClientState> => {
    if (next !== state) await save(next, ports, signal);
    state = next;
    return next;
  };

  const turnedAway = async (refusal: Refusal): Promise<null> => {
    const retryMs = wait.nextMs(refusal.retryAfterMs);
    log({ type: "turned-away", refusal, retryMs });
    await sleep(clock, retryMs, signal);
    return null;
  };

  const report = async (before: ClientState, pending: Pending): Promise<ClientEnd | null> => {
    const { round } = pending.report;
    const undelivered = await whileItCounts(round, heartbeatMs, ports, hard, (bounded) =>
      reports.deliver(pending, bounded),
    );
    if (undelivered === null) return null;
    const { refusal, wasSent } = undelivered;
    if (refusal.retryAfterMs !== undefined) return await turnedAway(refusal);
    if (refusal.code === "prior-mismatch" && pending.plain !== null) {
      log({ type: "history-lost", round });
      const { report } = (await keep(withoutHistory(before, pending, pending.plain))).pending!;
      reports.isNew(report);
      return null;
    }
    await keep(rolledBack(before, pending));
    if (!refusal.retry) return { kind: "refused", refusal };
    return wasSent ? await turnedAway(refusal) : null;
  };

  const checkIn = async (): Promise<ClientEnd | null> => {
    const reply = await link.checkIn(checkInOf(options, state), signal);
    if (reply.kind === "refused") return reply.refusal.retry ? await turnedAway(reply.refusal) : reply;
    if (reply.verdict !== null && reply.verdict.outcome !== "unknown")
      log({ type: "verdict", verdict: reply.verdict });
    if (state !== null) state = await keep(settled(state, reply));
    if (reply.kind === "finished") return { kind: "finished" };
    const { task } = reply;
    log({ type: "task", round: task.round, version: task.base.version });
    heartbeatMs = task.heartbeatMs;
    if (state?.pending) {
      reports.doubt(); // it asks for what it has given a receipt for
      await sleep(clock, wait.nextMs(), signal);
      return null;
    }
    const onProgress = (): void => {
      wait.reset();
      numDamaged = 0;
    };
    const made = await whileItCounts(task.round, task.heartbeatMs, ports, signal, (bounded) =>
      takeTask(task, state, { keep, onProgress, rate }, options, ports, bounded),
    );
    if (made !== null) reports.isNew(made.report);
    return null;
  };

  for (;;) {
    signal.throwIfAborted();
    try {
      const pending = state?.pending ?? null;
      const isDue = state !== null && pending !== null && !reports.isDelivered(pending.report);
      const end = isDue ? await report(state!, pending!) : await checkIn();
      if (end !== null) return end;
    } catch (error) {
      if (error instanceof Outdated) {
        log({ type: "outdated", round: error.round, refusal: error.refusal });
        continue;
      }
      if (error instanceof DamagedDownload) {
        // what is damaged every time is not damaged on its way
        if (++numDamaged >= MOST_DAMAGED) throw error.violation;
        const retryMs = wait.nextMs();
        log({ type: "download-damaged", detail: error.message, retryMs });
        await sleep(clock, retryMs, signal);
        continue;
      }
      // nothing was said of what is pending: it may have been folded
      if (error instanceof SessionRefused) return { kind: "refused", refusal: error.refusal };
      if (!(error instanceof LinkError)) throw error;
      signal.throwIfAborted();
      if (error.movedBytes > 0) wait.reset();
      const retryMs = wait.nextMs(error.retryAfterMs);
      log({ type: "link-lost", detail: error.message, retryMs });
      await sleep(clock, retryMs, signal);
    }
  }
}

/** Downloads in a row that cannot be right, over one to two minutes: then the client ends with what is wrong with them. */
const MOST_DAMAGED = 10;

/** Until a task says otherwise. */
const DEFAULT_HEARTBEAT_MS = 30_000;

/** A full disk is waited out: nothing leaves the device meanwhile, and what it held is untouched. */
async function save(
  state: ClientState,
  { store, clock, rng, log }: ClientPorts,
  signal: AbortSignal,
): Promise<void> {
  const wait = backoff(rng);
  for (;;) {
    try {
      return await store.save(state);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      const retryMs = wait.nextMs();
      log({ type: "disk-full", detail: (error as Error).message, retryMs });
      await sleep(clock, retryMs, signal);
    }
  }
}

const checkInOf = ({ dataset, device }: ClientOptions, state: ClientState | null): CheckIn => ({
  runId: state?.runId ?? null,
  numExamples: weightOf(dataset),
  held: state && { version: state.held.version, digest: state.held.digest },
  pending: state?.pending?.report ?? null,
  ...(device && { device }),
});

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

interface Keeping {
  readonly keep: (state: ClientState) => Promise<ClientState>;
  readonly onProgress: () => void;
  readonly rate: UploadRate;
}

/** Catches up and trains; the report, which is saved, or null when the round was over before it was made. */
async function takeTask(
  task: Task,
  before: ClientState | null,
  { keep, onProgress, rate }: Keeping,
  options: ClientOptions,
  ports: ClientPorts,
  signal: AbortSignal,
): Promise<Pending | null> {
  let state = before?.runId === task.runId ? before : null;
  const caughtUp = await catchUp(task, state, options.limits, ports, signal);
  if (caughtUp === null) return null; // the round closed meanwhile
  const { held, masks, control, clear, download } = caughtUp;
  if (download !== null) {
    onProgress();
    ports.log({ type: "caught-up", version: held.version, ...download });
  }
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
    return (await keep(await trainRound(task, state, rate.bytesPerSecond(), options, ports, bounded)))
      .pending;
  } catch (error) {
    if (error !== deadline.signal.reason) throw error;
    ports.log({ type: "late", round: task.round });
    return null; // the coordinator's deadline began before ours: it has closed the round
  } finally {
    deadline.cancel();
  }
}

function deadlineOf(task: Task, clock: Clock) {
  const aborter = new AbortController();
  const cancel = clock.after(task.reportDeadlineMs, () =>
    aborter.abort(new Error("the report deadline has passed")),
  );
  return { signal: aborter.signal, cancel };
}
