import { createHash } from "node:crypto";
import { GONE, type JournalRecord, type RecordHead, type Totals } from "./journal.ts";

/** What became of a run, as the auditor reads it off the durable records, one by one. */
export interface History {
  runId: string | null;
  round: number;
  version: number;
  /** The digests of all versions so far. */
  readonly digests: string[];
  open: OpenRound | null;
  /** By an operator. */
  isPaused: boolean;
  readonly reports: Map<string, Accepted>;
  readonly rounds: Map<number, AskedRound>;
  /** Of reports, by client and round: those that decided something. */
  readonly refused: Set<string>;
  /** Of those who were asked in an earlier round and were not heard of since, its version; some may have given up. */
  readonly late: Map<string, number>;
  /** What a coordinator has counted by now, at least. */
  bytes: Totals;
}

interface AskedRound {
  readonly version: number;
  readonly exponents: readonly number[];
  /** With those who joined. */
  readonly cohort: string[];
}

export interface OpenRound {
  readonly round: number;
  readonly exponents: readonly number[];
  readonly accepted: Accepted[];
  /** Clients of which a report was refused since it opened, of whichever round. */
  readonly refused: Set<string>;
}

/** A report that was journaled. */
export interface Accepted {
  readonly clientId: string;
  /** The round that asked for it. */
  readonly round: number;
  readonly baseVersion: number;
  readonly digest: string;
  readonly frame: Uint8Array;
  readonly weight: RecordHead["weight"];
  /** The round that it was counted in. */
  readonly inRound: number;
  fate: "open" | "folded" | "dropped";
  /** That it was folded into. */
  version: number | null;
}

export const emptyHistory = (digest: string): History => ({
  runId: null,
  round: 0,
  version: 0,
  digests: [digest],
  open: null,
  isPaused: false,
  reports: new Map(),
  rounds: new Map(),
  refused: new Set(),
  late: new Map(),
  bytes: { uplink: 0, downlink: 0, denseUplink: 0, denseDownlink: 0 },
});

export const sha256 = (...bytes: readonly Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const one of bytes) hash.update(one);
  return hash.digest("hex");
};

export const reportKey = (clientId: string, digest: string): string => `${clientId} ${digest}`;

export const roundKey = (clientId: string, round: number): string => `${clientId} ${round}`;

export interface HistoryRules {
  readonly minimum: number;
  readonly maxStaleness: number;
  readonly goal: number;
  /** Clients that a round may open with. */
  readonly mostAsked: number;
  /** Others may join a round that is open. */
  readonly isBuffered: boolean;
}

/** Follows one record; null when it may stand there, else what is wrong with it. `onClose` sees a round before it is closed. */
export function follow(
  history: History,
  { head, frame }: JournalRecord,
  rules: HistoryRules,
  onClose: (open: OpenRound, head: RecordHead) => string | null,
): string | null {
  if ((head.type === "started") !== (history.runId === null)) return `${head.type} in the wrong place`;
  if (head.type === "started") {
    history.runId = head.runId;
    return null;
  }
  const { open } = history;
  if (head.type === GONE) return "a durable record names a blob that is not durable";
  if (head.type === "paused" || head.type === "resumed") {
    if (history.isPaused === (head.type === "paused")) return `${head.type} twice`;
    history.isPaused = head.type === "paused";
    return null;
  }
  if (head.type === "refused") {
    history.refused.add(roundKey(head.clientId, head.round));
    history.late.delete(head.clientId);
    open?.refused.add(head.clientId);
  }
  if (!["opened", "joined", "accepted", "closed"].includes(head.type)) return null;
  if (head.type === "opened") {
    if (open !== null) return `round ${head.round} opens while ${open.round} is open`;
    if (history.isPaused) return `round ${head.round} opens while the run is paused`;
    if (head.round !== history.round + 1) return `round ${head.round} follows ${history.round}`;
    if (new Set(head.cohort).size < head.cohort.length) return `round ${head.round} asks somebody twice`;
    if (head.cohort.length > rules.mostAsked)
      return `round ${head.round} asks ${head.cohort.length} clients, not ${rules.mostAsked} at most`;
    const less = countsLess(history, head);
    if (less !== null) return less;
    history.round = head.round;
    history.open = { round: head.round, exponents: head.exponents, accepted: [], refused: new Set() };
    for (const clientId of head.cohort) history.late.delete(clientId);
    const { exponents, cohort } = head;
    history.rounds.set(head.round, { version: history.version, exponents, cohort: [...cohort] });
    return null;
  }
  if (open === null) return `${head.type} while no round is open`;
  if (head.type === "joined") return join(history, open, head);
  if (head.type === "accepted") return accept(history, open, head, frame, rules);
  return close(history, open, head, rules, onClose);
}

/** Who has not been heard of in the open round, which asked for it. */
export function silentIn({ rounds }: History, { round, accepted, refused }: OpenRound): readonly string[] {
  const heard = new Set([...accepted.map(({ clientId }) => clientId), ...refused]);
  return rounds.get(round)!.cohort.filter((clientId) => !heard.has(clientId));
}

function join(history: History, open: OpenRound, { clientId, round }: RecordHead): string | null {
  const { cohort } = history.rounds.get(open.round)!;
  if (round !== open.round || cohort.includes(clientId)) return `${clientId} joins round ${round}`;
  cohort.push(clientId);
  history.late.delete(clientId);
  return null;
}

/** Bytes that were counted once are never fewer, over restarts too. */
function countsLess(history: History, { type, round, bytes }: RecordHead): string | null {
  const before = history.bytes;
  history.bytes = bytes;
  for (const what of ["uplink", "downlink", "denseUplink", "denseDownlink"] as const)
    if (!(bytes[what] >= before[what]))
      return `round ${round} is ${type} with ${bytes[what]} bytes ${what}, after ${before[what]}`;
  return null;
}

function accept(
  history: History,
  open: OpenRound,
  { clientId, round, baseVersion, weight }: RecordHead,
  frame: Uint8Array,
  rules: HistoryRules,
): string | null {
  const digest = sha256(frame);
  const who = `${clientId}'s report of round ${round}`;
  if (open.accepted.some((one) => one.clientId === clientId)) return `${who}: twice in round ${open.round}`;
  for (const one of history.reports.values())
    if (one.clientId === clientId && one.round === round)
      return `${who}: counted in round ${one.inRound} and ${open.round}`;
  const asked = history.rounds.get(round);
  if (asked === undefined) return `${who}: no such round`;
  if (asked.version !== baseVersion)
    return `${who}: base ${baseVersion}, but it was asked for from ${asked.version}`;
  if (round !== open.round && history.version - baseVersion > rules.maxStaleness)
    return `${who}: counted in round ${open.round}, at version ${history.version}`;
  if (round !== open.round && rules.maxStaleness === 0) return `${who}: late, and counted`;
  if (!asked.cohort.includes(clientId)) return `${who}: was not asked`;
  const report: Accepted = {
    clientId,
    round,
    baseVersion,
    digest,
    frame,
    weight,
    inRound: open.round,
    fate: "open",
    version: null,
  };
  open.accepted.push(report);
  history.late.delete(clientId);
  history.bytes = { ...history.bytes, uplink: history.bytes.uplink + frame.length };
  history.reports.set(reportKey(clientId, digest), report);
  return null;
}

function close(
  history: History,
  open: OpenRound,
  head: RecordHead,
  { minimum, goal }: HistoryRules,
  onClose: (open: OpenRound, head: RecordHead) => string | null,
): string | null {
  if (head.round !== open.round) return `round ${head.round} closes, but ${open.round} is open`;
  const commits = head.outcome === "commit";
  if (commits && open.accepted.length < minimum)
    return `round ${head.round} commits ${open.accepted.length} reports`;
  if (open.accepted.length > goal)
    return `round ${head.round} has ${open.accepted.length} reports, its goal is ${goal}`;
  const version = history.version + (commits ? 1 : 0);
  if (head.version !== version) return `round ${head.round} leads to version ${head.version}, not ${version}`;
  if (!commits && head.digest !== history.digests[version])
    return `abandoned round ${head.round} changed the model`;
  const wrong = countsLess(history, head) ?? onClose(open, head);
  if (wrong !== null) return wrong;
  for (const clientId of silentIn(history, open))
    history.late.set(clientId, history.rounds.get(open.round)!.version);
  history.open = null;
  history.version = version;
  if (commits) history.digests.push(head.digest);
  for (const one of open.accepted) {
    one.fate = commits ? "folded" : "dropped";
    one.version = commits ? version : null;
  }
  return null;
}
