import { type ClientState, decodeState } from "../../../client/state.ts";
import type { ClientId } from "../../../model/message.ts";
import type { Params } from "../../../model/tensor.ts";
import type { TrueDelta } from "../training.ts";
import { conservationAudit } from "./conservation.ts";
import type { AuditContext } from "./context.ts";
import type { ControlAudit } from "./controls.ts";
import { decoded } from "./decoded.ts";
import { type History, reportKey } from "./history.ts";
import type { PriorAudit } from "./priors.ts";
import { reportAudit } from "./reported.ts";
import { digestAgain, type RoundAudit } from "./rounds.ts";

/**
 * Every state that a client keeps: its model is a version that was, and never an earlier one than before, beside that
 * version's history and control variates; a report in it says what was trained, and nothing of that is lost.
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
  /** As it was last held. */
  before: ClientState | null;
  /** Reports that came to nothing as bytes: by digest. */
  readonly recoded: Set<string>;
  /** The round whose report it has to save in other bytes. */
  recodes: number | null;
  /** Whether its history may be another than its version's. */
  isDamaged: boolean;
}

export function clientAudit(
  context: AuditContext,
  rounds: RoundAudit,
  priors: PriorAudit,
  controls: ControlAudit,
): ClientAudit {
  const { options, partOf, length, fail } = context;
  const conservation = conservationAudit(context, rounds);
  const reported = reportAudit(context);
  const clients = new Map<ClientId, Known>();
  const knownOf = (clientId: ClientId): Known => {
    const known = clients.get(clientId) ?? {
      before: null,
      recoded: new Set(),
      recodes: null,
      isDamaged: false,
    };
    clients.set(clientId, known);
    return known;
  };

  const ofModel = (clientId: ClientId, { before }: Known, { held }: ClientState, history: History): void => {
    const { version, digest, params } = held;
    const least = before?.held.version ?? 0;
    if (history.digests[version] !== digest)
      fail("client-model", `${clientId} holds a version ${version} that never was, ${digest.slice(0, 8)}`);
    if (digestAgain(params) !== digest)
      fail("client-model", `${clientId} holds another model than that of version ${version}`);
    if (version < least) fail("client-model", `${clientId} goes back from version ${least} to ${version}`);
  };

  /** The history of the version held, or none once another was noticed: that is fetched anew. */
  const ofHistory = (clientId: ClientId, known: Known, { held }: ClientState): void => {
    if (!priors.isUsed) return;
    const right = priors.of(held.version, held.digest);
    if (held.history === null) {
      if (known.recoded.size === 0) fail("client-model", `${clientId} holds a model without its history`);
      known.isDamaged = false;
    } else if (right !== null && held.history.digest === right.digest) known.isDamaged = false;
    else if (right !== null && !known.isDamaged)
      fail("client-model", `${clientId} holds another history of version ${held.version}`);
  };

  /** The cohort's is that of the version held; its own follows the reports that are folded. */
  const ofControls = (
    clientId: ClientId,
    { before }: Known,
    state: ClientState,
    { reports }: History,
  ): void => {
    const { held, pending } = state;
    const { shared } = state.controls;
    const settled = pending === null ? before?.pending?.report.digest : undefined;
    const isFolded = settled !== undefined && reports.get(reportKey(clientId, settled))?.fate === "folded";
    const wrong =
      controls.wrongShared(held.version, shared && valuesOf(shared)) ??
      controls.wrongOwn(before, state, isFolded);
    if (wrong !== null) fail("control", `${clientId}, at version ${held.version}: ${wrong}`);
  };

  const ofReport = (clientId: ClientId, { before }: Known, state: ClientState, history: History): void => {
    const pending = state.pending!;
    const { round, digest } = pending.report;
    conservation.waits(clientId, pending, before);
    const trained = conservation.of(clientId, digest);
    // a history may be another here, and the same is said without
    const { frame, plain, residualBefore } = pending;
    const update = decoded(plain ?? frame, partOf(clientId), length, options.contract.limits, null);
    reported(clientId, { round, update, trained, residualBefore }, history);
    const wrong = controls.isUsed ? controls.wrongNext(state, trained, update.values) : null;
    if (wrong !== null) fail("control", `${clientId}'s after round ${round}: ${wrong}`);
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
    trained: conservation.trained,
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
      if (pending !== null) conservation.saving(clientId, pending);
    },
    sends: (clientId, digest, durable) => {
      const saved = durable && decodeState(durable).pending?.report.digest;
      if (saved !== digest) fail("conservation", `${clientId} sends a report that it has not saved`);
    },
    holds: (clientId, bytes, history) => {
      const state = decodeState(bytes);
      const known = knownOf(clientId);
      ofModel(clientId, known, state, history);
      ofHistory(clientId, known, state);
      const { pending } = state;
      const waited = known.before?.pending?.report;
      if (pending !== null && pending.report.digest !== waited?.digest) {
        const isSame = waited?.round === pending.report.round && known.recoded.has(waited.digest);
        if (isSame) conservation.recoded(clientId, pending, waited.digest);
        else ofReport(clientId, known, state, history);
      }
      if (controls.isUsed) ofControls(clientId, known, state, history);
      conservation.holds(clientId, state, history);
      known.before = state;
    },
  };
}

const valuesOf = (params: Params): readonly number[] => [...params.values()].flatMap(({ data }) => [...data]);
