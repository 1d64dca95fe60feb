import { type ClientState, decodeState } from "../../../client/state.ts";
import type { ClientId } from "../../../model/message.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { TrueDelta } from "../training.ts";
import type { AuditContext } from "./context.ts";
import { type History, reportKey } from "./history.ts";
import type { PriorAudit } from "./priors.ts";
import { forEachGroup, type RoundAudit } from "./rounds.ts";
import { reach } from "./weight.ts";

/**
 * Every state that a client keeps: its model is a version that was, and never an earlier one than before; and for what has
 * error feedback, all that was folded, what it owes and what it gave up come to all that it ever trained.
 */
export interface ClientAudit {
  readonly trained: (clientId: ClientId, round: number, delta: TrueDelta) => void;
  /** Handed to the disk: it may be lost still. */
  readonly saving: (clientId: ClientId, bytes: Uint8Array) => void;
  /** A report leaves a client, whose disk holds this for sure: with that it can still answer for it after a crash. */
  readonly sends: (clientId: ClientId, digest: string, durable: Uint8Array | null) => void;
  /** A report was refused as it was coded by another history: what it says may go out again in other bytes. */
  readonly mismatched: (clientId: ClientId, digest: string) => void;
  readonly starts: (clientId: ClientId) => void;
  readonly refused: (clientId: ClientId, round: number, code: string) => void;
  /** Its history is another from here on, until it is noticed. */
  readonly damaged: (clientId: ClientId) => void;
  /** Durable, or read again after a restart. */
  readonly holds: (clientId: ClientId, bytes: Uint8Array, history: History) => void;
}

interface Known {
  version: number;
  /** What was trained for reports that were saved, by digest. */
  readonly trained: Map<string, Float64Array>;
  /** How often each of them was saved: a training that was refused may come to the same report again. */
  readonly saved: Map<string, number>;
  pending: string | null;
  /** The round of that. */
  round: number | null;
  /** Reports that came to nothing as bytes: by digest. */
  readonly recoded: Set<string>;
  /** The round whose report it has to save in other bytes. */
  recodes: number | null;
  /** Whether its history may be another than its version's. */
  isDamaged: boolean;
}

export function clientAudit(
  { shape, options, partOf, length, fail }: AuditContext,
  rounds: RoundAudit,
  priors: PriorAudit,
): ClientAudit {
  const { uplink, train } = options.contract;
  const clients = new Map<ClientId, Known>();
  const newest = new Map<string, Float64Array>();
  const knownOf = (clientId: ClientId): Known => {
    const known = clients.get(clientId) ?? {
      version: 0,
      trained: new Map(),
      saved: new Map(),
      pending: null,
      round: null,
      recoded: new Set(),
      recodes: null,
      isDamaged: false,
    };
    clients.set(clientId, known);
    return known;
  };
  const places: { readonly place: number; readonly group: number; readonly i: number }[] = [];
  forEachGroup(shape.initial, uplink, (place, group, i) => places.push({ place, group, i }));

  const stepsOfFrame = (bytes: Uint8Array): number => {
    const frame = decodeFrame(bytes, options.contract.limits);
    if (frame.kind !== "update") throw new Error("a report is an update");
    return reach(frame.numSteps, shape.config);
  };

  /** The history of the version held, or none once another was noticed: that is fetched anew. */
  const ofHistory = (clientId: ClientId, known: Known, { held }: ClientState): void => {
    if (!priors.isUsed) return;
    const right = priors.of(held.digest);
    if (held.history === null) {
      if (known.recoded.size === 0) fail("client-model", `${clientId} holds a model without its history`);
      known.isDamaged = false;
    } else if (right !== null && held.history.digest === right.digest) known.isDamaged = false;
    else if (right !== null && !known.isDamaged)
      fail("client-model", `${clientId} holds another history of version ${held.version}`);
  };

  return {
    mismatched: (clientId, digest) => {
      if (!clientId.startsWith("hostile")) knownOf(clientId).recoded.add(digest);
    },
    starts: (clientId) => {
      knownOf(clientId).recodes = null;
    },
    refused: (clientId, round, code) => {
      knownOf(clientId).recodes = code === "prior-mismatch" ? round : null;
    },
    damaged: (clientId) => {
      knownOf(clientId).isDamaged = true;
    },
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
    saving: (clientId, bytes) => {
      const { pending, held } = decodeState(bytes);
      const known = knownOf(clientId);
      const { recodes } = known;
      known.recodes = null;
      if (recodes !== null && (pending?.report.round !== recodes || held.history !== null))
        fail(
          "client-model",
          `${clientId} does not send its report of round ${recodes} again, or keeps its history`,
        );
      if (pending === null) return;
      const { trained } = known;
      if (trained.has(pending.report.digest)) return;
      const delta = newest.get(`${clientId} ${pending.report.round}`);
      if (delta === undefined)
        return fail(
          "conservation",
          `${clientId} has a report of round ${pending.report.round} that it never trained for`,
        );
      const divisor = train.perStep ? stepsOfFrame(pending.frame) : 1;
      trained.set(
        pending.report.digest,
        delta.map((v) => (divisor === 1 ? v : Math.fround(v / divisor))),
      );
    },
    sends: (clientId, digest, durable) => {
      const saved = durable && decodeState(durable).pending?.report.digest;
      if (saved !== digest) fail("conservation", `${clientId} sends a report that it has not saved`);
    },
    holds: (clientId, bytes, history) => {
      const state = decodeState(bytes);
      const known = knownOf(clientId);
      const { version, digest } = state.held;
      if (history.digests[version] !== digest)
        fail("client-model", `${clientId} holds a version ${version} that never was, ${digest.slice(0, 8)}`);
      if (version < known.version)
        fail("client-model", `${clientId} goes back from version ${known.version} to ${version}`);
      known.version = version;
      ofHistory(clientId, known, state);
      const { pending } = state;
      const waiting = pending?.report.digest ?? null;
      const isRecoded =
        waiting !== null &&
        waiting !== known.pending &&
        known.pending !== null &&
        known.recoded.has(known.pending) &&
        known.round === pending!.report.round;
      // the same report in other bytes
      if (isRecoded) known.saved.set(known.pending!, known.saved.get(known.pending!)! - 1);
      known.round = pending?.report.round ?? null;
      if (waiting !== null && waiting !== known.pending)
        known.saved.set(waiting, (known.saved.get(waiting) ?? 0) + 1);
      known.pending = waiting;

      const balance = new Float64Array(length);
      const size = new Float64Array(length);
      const book = (place: number, v: number): void => {
        balance[place]! += v;
        size[place]! += Math.abs(v);
      };
      for (const [report, times] of known.saved) {
        const settled = times - (report === waiting ? 1 : 0);
        const accepted = history.reports.get(reportKey(clientId, report));
        for (const [at, v] of known.trained.get(report)!.entries()) book(at, -settled * v);
        if (report !== waiting && accepted?.fate === "folded")
          for (const [at, v] of rounds.decode(accepted).values.entries()) book(at, v);
      }
      for (const { place, group, i } of places) {
        const owed = (pending === null ? state.residual : pending.residualBefore)?.[group];
        if (owed === null) continue; // no feedback: what is not sent is lost
        book(place, owed?.[i] ?? 0);
        book(place, state.discarded[group]?.[i] ?? 0);
        if (Math.abs(balance[place]!) > 1e-5 * (1 + size[place]!))
          return fail(
            "conservation",
            `${clientId}, coordinate ${place}: folded + owed + discarded is ${balance[place]} more than was trained`,
          );
      }
    },
  };
}
