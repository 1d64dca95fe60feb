import type { Clock } from "../model/clock.ts";
import type { Disk } from "../model/disk.ts";
import { numParams } from "../model/manifest.ts";
import type { ClientId, Model } from "../model/message.ts";
import type { CoordinatorService } from "../model/protocol.ts";
import type { DeviceProfile } from "../model/submodel.ts";
import type { Params } from "../model/tensor.ts";
import type { TelemetryEvent } from "../telemetry/event.ts";
import type { Book, DownlinkObserver } from "./book/book.ts";
import { JournalError } from "./journal/error.ts";
import { openRun } from "./journal/opening.ts";
import type { Record } from "./journal/record.ts";
import type { CoordinatorOptions } from "./options.ts";
import { step } from "./round/round.ts";
import type { RoundEffect, RoundEvent } from "./round/state.ts";
import type { ByteLedger } from "./sessions/byte-ledger.ts";
import type { Desk } from "./sessions/desk.ts";
import { fitting } from "./sessions/fitting.ts";
import { type Operator, operator } from "./sessions/operator.ts";
import { openSessions } from "./sessions/sessions.ts";

/** What the world gives a coordinator; a simulation swaps them and nothing else. */
export interface CoordinatorPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly emit: (event: TelemetryEvent) => void;
  /** Accuracy of a model; null for a coordinator without data. */
  readonly evaluate: (
    params: Params,
    signal: AbortSignal,
  ) => Promise<{ accuracy: number; loss: number; auc?: number } | null>;
  /** For a simulation that records what is encoded. */
  readonly observe?: DownlinkObserver;
  /** Ends the waiting for room on the disk, as long as the run is not open; `stop` does from then on. */
  readonly opening?: AbortSignal;
}

export interface Coordinator extends Operator {
  readonly runId: string;
  readonly service: CoordinatorService;
  readonly book: Book;
  readonly bytes: ByteLedger;
  /** Distinct clients that checked in since this process began. */
  readonly numClients: () => number;
  /** Of those, how many have not been told of the end yet. */
  readonly numUntold: () => number;
  /** The journal held a run that had reached its end. */
  readonly resumedFinished: boolean;
  /** Settles when the run is over; rejects when the journal fails. */
  readonly finished: Promise<Outcome>;
  /** Ends the run where it stands; what was acknowledged is in the journal. */
  readonly stop: (detail: string) => void;
  /**
   * Looks whether another coordinator has taken the journal over, and if so ends this one. One that writes finds out by
   * itself; one that waits, for clients or for room on its disk, would keep the clients that it has for ever: whoever runs
   * it calls this every `CONFIRM_EVERY_MS`.
   */
  readonly confirm: () => Promise<void>;
}

export const CONFIRM_EVERY_MS = 5000;

export interface Outcome {
  readonly outcome: "done" | "failed" | "interrupted";
  readonly detail: string;
  /** Of the last version; null when there is no data to measure it on. */
  readonly metrics: { readonly accuracy: number; readonly loss: number; readonly auc?: number } | null;
}

/** Opens a coordinator on its disk: a new run, or the one that its journal holds, where it stopped. Throws JournalError. */
export async function openCoordinator(
  options: CoordinatorOptions,
  ports: CoordinatorPorts,
): Promise<Coordinator> {
  const { contract, rounds } = options;
  const { clock, emit } = ports;
  const run = await openRun(options, ports);
  const { runId, book, ledger, isResumed } = run;
  const denseBytes = 4 * numParams(contract.manifest);

  /** From then on nothing more is decided, written or started. */
  let over = false;
  let settle: (outcome: Omit<Outcome, "metrics">) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const ended = new Promise<Omit<Outcome, "metrics">>((resolve, reject) => {
    settle = (outcome) => {
      over = true;
      resolve(outcome);
    };
    fail = (error) => {
      over = true;
      reject(error);
    };
  });

  let durable: Promise<void> = Promise.resolve();
  const write = (record: Record): Promise<void> => {
    durable = run.write(record);
    durable.catch(fail); // an unwritten journal ends the run; a restart goes on from what is on disk
    return durable;
  };

  /** That all snapshots so far are on disk. */
  let saved: Promise<void> = Promise.resolve();
  const stopped = new Error("stopped while there was no room on the disk");

  const aborter = new AbortController();
  let metrics: Outcome["metrics"] = null;
  let evaluations: Promise<void> = Promise.resolve();
  let newest: Model | null = null;
  /** One at a time, off the rounds' path; when models come faster than they are measured, the newest waits. */
  const evaluate = (): void => {
    const isWaiting = newest !== null;
    newest = book.model();
    if (isWaiting) return;
    evaluations = evaluations.then(async () => {
      const { version, params } = newest!;
      newest = null;
      metrics = await ports.evaluate(params, aborter.signal);
      if (metrics !== null) emit({ type: "model.evaluated", version, ...metrics, bytes: ledger.totals() });
    });
    evaluations.catch(fail);
  };

  let state = run.round;
  const resumedFinished = isResumed && state.version >= rounds.rounds;
  const timers = new Set<() => void>();

  const dispatch = (event: RoundEvent): void => {
    if (over) return;
    const [next, effects] = step(state, event, rounds);
    state = next;
    for (const effect of effects) perform(effect);
  };

  const startTimer = (
    event: "selection-deadline" | "report-deadline",
    round: number,
    afterMs: number,
  ): void => {
    const cancel = clock.after(afterMs, () => {
      timers.delete(cancel);
      dispatch({ type: event, round });
    });
    timers.add(cancel);
  };

  /** Of the part that fits a device. */
  const widthFor = (device: DeviceProfile): number => {
    const { manifest, subModels } = contract;
    if (subModels.length === 0) return 1;
    const cost = {
      bytesPerCoordinate: book.bytesPerCoordinate(),
      reportDeadlineMs: rounds.reportDeadlineMs,
    };
    return fitting(device, subModels, manifest, cost).width;
  };

  /** Undefined where nobody has less than the whole model. */
  const widthsOf = (cohort: readonly ClientId[]): readonly number[] | undefined =>
    contract.subModels.length === 0
      ? undefined
      : cohort.map((clientId) => widthFor(sessions.deviceOf(clientId)));

  const overdueWidth = (): number => book.overdueWidth(rounds.coverWithin);

  const perform = (effect: RoundEffect): void => {
    switch (effect.type) {
      case "open": {
        const widths = widthsOf(effect.cohort);
        book.openRound(effect.round, effect.cohort, book.exponents(), widths);
        void write({
          type: "opened",
          round: effect.round,
          cohort: effect.cohort,
          exponents: book.exponents(),
          ...(widths && { widths }),
          bytes: ledger.totals(),
        });
        return emit({
          type: "round.opened",
          round: effect.round,
          baseVersion: book.model().version,
          cohort: effect.cohort.length,
        });
      }
      case "join":
        return void write({ type: "joined", round: effect.round, clientId: effect.clientId });
      case "configure":
        return sessions.configure(effect.clientId);
      case "timer":
        return startTimer(effect.event, effect.round, effect.afterMs);
      case "close":
        return closeRound(effect.round, effect.outcome);
      case "finish":
        void durable.then(() => settle({ outcome: effect.outcome, detail: effect.detail }), fail);
    }
  };

  const closeRound = (round: number, outcome: "commit" | "abandon"): void => {
    const reports = book.open()!.accepted.size;
    book.close(outcome);
    const held = book.held();
    const totals = ledger.totals();
    void write({ type: "closed", round, outcome, ...held, evidence: state.evidence, bytes: totals });
    saved = Promise.all([saved, run.saveIfDue()]).then(() => {});
    saved.catch(fail);
    if (outcome === "abandon") {
      emit({ type: "round.abandoned", round, reports, minimum: rounds.minimum });
      return sessions.roundClosed();
    }
    emit({
      type: "round.committed",
      round,
      ...held,
      reports,
      deltaBytes: book.lastDeltaBytes(),
      bytes: totals,
    });
    evaluate();
    dispatch({ type: "committed", overdueWidth: overdueWidth() });
    sessions.roundClosed();
  };

  const desk: Desk = {
    options: { ...options, runId },
    book,
    clock,
    ledger,
    emit,
    dispatch,
    write,
    durable: () => durable,
    widthFor,
    mismatched: new Map(),
    isOver: () => over,
    isStalled: run.patience.isStalled,
    state: () => state,
  };
  const sessions = openSessions(desk);

  const finished = (async (): Promise<Outcome> => {
    try {
      const outcome = await ended;
      await Promise.all([durable, saved]).catch((error) => {
        if (error !== stopped) throw error;
      });
      if (outcome.outcome !== "interrupted") await evaluations;
      const { outcome: how, detail } = outcome;
      if (how !== "interrupted") sessions.finish({ outcome: how, detail });
      return { ...outcome, metrics };
    } finally {
      aborter.abort(new Error("the run has ended"));
      for (const cancel of timers) cancel();
    }
  })();
  finished.catch(() => {}); // whoever started the coordinator awaits it in their own time

  emit({
    type: "run.started",
    name: options.name,
    engine: options.engine,
    seed: rounds.seed,
    model: { name: contract.source.zoo, numParams: denseBytes / 4, denseBytes },
    rounds: rounds.rounds,
    resumedFromVersion: isResumed ? book.model().version : null,
  });
  for (const repair of run.repairs) emit({ type: "journal.repaired", ...repair });
  if (isResumed) {
    evaluate();
    dispatch({ type: "restarted", overdueWidth: overdueWidth() });
  }

  return {
    runId,
    service: sessions.service,
    book,
    bytes: ledger,
    numClients: sessions.numClients,
    numUntold: sessions.numUntold,
    resumedFinished,
    finished,
    stop: (detail) => {
      settle({ outcome: "interrupted", detail });
      run.patience.stop(stopped); // a full disk is not waited for any more
    },
    confirm: async () => {
      try {
        await run.confirm();
      } catch (error) {
        if (!(error instanceof JournalError && error.code === "fenced")) return; // the next write will tell
        fail(error);
        run.patience.stop(error);
      }
    },
    ...operator(desk),
  };
}
