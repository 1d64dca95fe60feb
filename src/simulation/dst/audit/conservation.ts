import type { ClientState, Pending } from "../../../client/state.ts";
import type { ClientId } from "../../../model/message.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { TrueDelta } from "../training.ts";
import type { AuditContext } from "./context.ts";
import { type History, reportKey } from "./history.ts";
import { forEachGroup, type RoundAudit } from "./rounds.ts";
import { reach } from "./weight.ts";

/**
 * For what has error feedback, all that was folded, what a client owes and what it gave up come to all that it ever
 * trained; and it gave up what came to nothing, and what faded in an absence.
 */
export interface ConservationAudit {
  readonly trained: (clientId: ClientId, round: number, delta: TrueDelta) => void;
  /** A state in which this waits is handed to the disk. */
  readonly saving: (clientId: ClientId, pending: Pending) => void;
  /** What was trained for a report that was saved; where it is a delta a local step, that. */
  readonly of: (clientId: ClientId, digest: string) => Float64Array;
  /** A report waits that did not before, made of that state; or it is one of these bytes in others. */
  readonly waits: (clientId: ClientId, pending: Pending, before: ClientState | null) => void;
  readonly recoded: (clientId: ClientId, pending: Pending, before: string) => void;
  readonly holds: (clientId: ClientId, state: ClientState, history: History) => void;
}

interface Known {
  /** What was trained for reports that were saved, by digest. */
  readonly trained: Map<string, Float64Array>;
  /** How often each of them was saved: a training that was refused may come to the same report again. */
  readonly saved: Map<string, number>;
  readonly faded: Float64Array;
}

export function conservationAudit(
  { shape, options, partOf, length, fail }: AuditContext,
  rounds: Pick<RoundAudit, "decode">,
): ConservationAudit {
  const { uplink, train, limits } = options.contract;
  const { residualDecay: decay } = shape.config.train;
  const clients = new Map<ClientId, Known>();
  const newest = new Map<string, Float64Array>();
  const places: { readonly place: number; readonly group: number; readonly i: number }[] = [];
  forEachGroup(shape.initial, uplink, (place, group, i) => places.push({ place, group, i }));

  const knownOf = (clientId: ClientId): Known => {
    const known = clients.get(clientId);
    if (known !== undefined) return known;
    const nothing = { trained: new Map(), saved: new Map(), faded: new Float64Array(length) };
    clients.set(clientId, nothing);
    return nothing;
  };

  const count = ({ saved }: Known, digest: string, more: number): void => {
    saved.set(digest, (saved.get(digest) ?? 0) + more);
  };

  const stepsOfFrame = (bytes: Uint8Array): number => {
    const frame = decodeFrame(bytes, limits);
    if (frame.kind !== "update") throw new Error("a report is an update");
    return reach(frame.numSteps, shape.config);
  };

  /** For every round that was missed beyond those that are allowed. */
  const fade = ({ faded }: Known, round: number, before: ClientState | null): void => {
    if (!decay || !before?.residual || before.lastRound === null) return;
    const missed = round - before.lastRound - 1;
    const share = decay.factor ** Math.max(0, missed - decay.afterRounds);
    for (const { place, group, i } of places)
      faded[place]! += (1 - share) * (before.residual[group]?.[i] ?? 0);
  };

  return {
    of: (clientId, digest) => knownOf(clientId).trained.get(digest)!,
    trained: (clientId, round, delta) => {
      const { owned } = partOf(clientId);
      const whole = new Float64Array(length);
      [...delta.values()]
        .flatMap((part) => [...part])
        .forEach((v, i) => {
          whole[owned[i]!] = v;
        });
      newest.set(`${clientId} ${round}`, whole);
    },
    saving: (clientId, { report, frame }) => {
      const { trained } = knownOf(clientId);
      if (trained.has(report.digest)) return;
      const delta = newest.get(`${clientId} ${report.round}`);
      if (delta === undefined)
        return fail(
          "conservation",
          `${clientId} has a report of round ${report.round} that it never trained for`,
        );
      const divisor = train.perStep ? stepsOfFrame(frame) : 1;
      trained.set(
        report.digest,
        delta.map((v) => (divisor === 1 ? v : Math.fround(v / divisor))),
      );
    },
    waits: (clientId, { report }, before) => {
      const known = knownOf(clientId);
      count(known, report.digest, 1);
      fade(known, report.round, before);
    },
    recoded: (clientId, { report }, before) => {
      const known = knownOf(clientId);
      count(known, before, -1);
      count(known, report.digest, 1);
    },
    holds: (clientId, { pending, residual, discarded }, history) => {
      const known = knownOf(clientId);
      const waiting = pending?.report.digest ?? null;
      const balance = new Float64Array(length);
      const size = new Float64Array(length);
      /** What came to nothing, and what faded. */
      const lost = known.faded.slice();
      const book = (place: number, v: number): void => {
        balance[place]! += v;
        size[place]! += Math.abs(v);
      };
      for (const [digest, times] of known.saved) {
        const settled = times - (digest === waiting ? 1 : 0);
        const accepted = history.reports.get(reportKey(clientId, digest));
        const isFolded = digest !== waiting && accepted?.fate === "folded";
        for (const [at, v] of known.trained.get(digest)!.entries()) {
          book(at, -settled * v);
          lost[at]! += (settled - (isFolded ? 1 : 0)) * v;
        }
        if (isFolded) for (const [at, v] of rounds.decode(accepted).values.entries()) book(at, v);
      }
      for (const { place, group, i } of places) {
        const owed = (pending === null ? residual : pending.residualBefore)?.[group];
        if (owed === null) continue; // no feedback: what is not sent is lost
        const given = discarded[group]?.[i] ?? 0;
        book(place, owed?.[i] ?? 0);
        book(place, given);
        const most = 1e-5 * (1 + size[place]!);
        if (Math.abs(balance[place]!) > most)
          return fail(
            "conservation",
            `${clientId}, coordinate ${place}: folded + owed + discarded is ${balance[place]} more than was trained`,
          );
        if (Math.abs(given - lost[place]!) > most)
          return fail(
            "conservation",
            `${clientId}, coordinate ${place}: ${given} is discarded, and ${lost[place]} came to nothing`,
          );
      }
    },
  };
}
