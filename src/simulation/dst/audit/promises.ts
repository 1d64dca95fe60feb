import { WireError } from "../../../model/error.ts";
import type { ClientId } from "../../../model/message.ts";
import type { CheckIn, CheckInReply, Receipt, ReportId, Verdict } from "../../../model/protocol.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { AuditContext } from "./context.ts";
import { decoded } from "./decoded.ts";
import { type History, reportKey, sha256 } from "./history.ts";
import type { PriorAudit } from "./priors.ts";

/** What the coordinator says to clients, against what is durable at that moment, and against how the run ends. */
export interface PromiseAudit {
  readonly receipt: (
    clientId: ClientId,
    id: ReportId,
    frame: Uint8Array | null,
    receipt: Receipt,
    history: History,
  ) => void;
  readonly reply: (clientId: ClientId, request: CheckIn, reply: CheckInReply, history: History) => void;
  /** When all is over. */
  readonly end: (history: History) => void;
}

/** Why a report that is in order may be refused: all else would mean that it is not. */
const OUT_OF_TURN: ReadonlySet<string> = new Set([
  "wrong-round",
  "not-selected",
  "already-reported",
  "already-refused",
  "norm-gate",
  "run-over",
  "disk-full",
  "between-rounds",
]);

export function promiseAudit(
  { options, partOf, length, fail }: AuditContext,
  priors: PriorAudit,
): PromiseAudit {
  const acknowledged: { readonly clientId: ClientId; readonly id: ReportId }[] = [];
  /** Reports that a client was told are out: for it they are settled. */
  const settled = new Map<string, { readonly clientId: ClientId; readonly verdict: Verdict }>();

  const isOut = (history: History, clientId: ClientId, { round, digest }: ReportId): boolean =>
    history.reports.get(reportKey(clientId, digest))?.round === round;

  /** Whether a report is coded by the history of its version, or by none. */
  const isCodedRight = (clientId: ClientId, frame: Uint8Array, history: History): boolean => {
    const { limits } = options.contract;
    try {
      const update = decodeFrame(frame, limits);
      if (update.kind !== "update") return false;
      const { baseVersion } = update;
      const digest = history.digests[baseVersion];
      if (priors.of(baseVersion, digest) === null) return false; // nobody can tell
      decoded(frame, partOf(clientId), length, limits, priors.uplink(baseVersion, digest));
      return true;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return false;
    }
  };

  const verdict = (clientId: ClientId, told: Verdict, history: History): void => {
    const { report, outcome } = told;
    const named = history.reports.get(reportKey(clientId, report.digest));
    const fact = named?.round === report.round ? named : undefined;
    const who = `${clientId}'s report of round ${report.round}`;
    if (outcome === "unknown") {
      if (fact !== undefined && fact.fate !== "open")
        fail("verdict", `${who} is ${fact.fate}, and said to be unknown`);
      return;
    }
    settled.set(reportKey(clientId, report.digest), { clientId, verdict: told });
    if (outcome === "folded") {
      if (fact?.fate !== "folded")
        fail("verdict", `${who} is said to be folded, and is ${fact?.fate ?? "nowhere"}`);
      else if (fact.version !== told.version)
        fail("verdict", `${who} is folded into version ${fact.version}, not ${told.version}`);
    } else if (fact !== undefined && fact.fate !== "dropped")
      fail("verdict", `${who} is said to be ${outcome}, and is ${fact.fate}`);
  };

  return {
    receipt: (clientId, id, frame, receipt, history) => {
      const who = `${clientId}'s report of round ${id.round}`;
      if (receipt.kind === "accepted") {
        if (receipt.report.digest !== id.digest || receipt.report.round !== id.round)
          return fail("receipt", `${who} gets the receipt of another`);
        if (frame !== null && sha256(frame) !== id.digest)
          return fail("receipt", `${who} gets a receipt for other bytes`);
        if (!isOut(history, clientId, id)) return fail("receipt", `${who} gets a receipt and is not durable`);
        acknowledged.push({ clientId, id });
      } else if (frame !== null && sha256(frame) === id.digest) {
        const { code } = receipt.refusal;
        if (isOut(history, clientId, id)) fail("receipt", `${who} is in the journal and refused: ${code}`);
        if (code === "prior-mismatch") {
          if (isCodedRight(clientId, frame, history))
            fail("refusal", `${who} is coded by its history and refused`);
        } else if (!clientId.startsWith("hostile") && !OUT_OF_TURN.has(code))
          fail("refusal", `${who} is in order and refused: ${code}`);
      }
    },
    reply: (clientId, request, reply, history) => {
      if (reply.kind === "refused") return;
      if (request.pending !== null && reply.verdict === null)
        fail("verdict", `${clientId} asked and got no verdict`);
      const isThisRun = request.runId === options.runId;
      if (reply.verdict !== null && isThisRun) verdict(clientId, reply.verdict, history);
      if (reply.kind === "finished") {
        if (history.version < options.rounds.rounds)
          fail("task", `${clientId} is told the end at version ${history.version}`);
        return;
      }
      const { round, base, exponents, part } = reply.task;
      const { width } = partOf(clientId);
      if ((part?.width ?? 1) !== width)
        fail("task", `${clientId} gets a part of width ${part?.width ?? 1}, and has the memory for ${width}`);
      const asked = history.rounds.get(round);
      if (asked === undefined)
        return fail("task", `${clientId} gets a task of round ${round}, which is not durable`);
      if (asked.version !== base.version || history.digests[base.version] !== base.digest)
        fail(
          "task",
          `${clientId} gets a task of round ${round} on version ${base.version} ${base.digest.slice(0, 8)}`,
        );
      if (history.open?.round === round && history.open.exponents.join() !== exponents.join())
        fail(
          "task",
          `${clientId} gets bounds ${exponents} in round ${round}, which has ${history.open.exponents}`,
        );
    },
    end: (history) => {
      for (const { clientId, id } of acknowledged) {
        const fate = history.reports.get(reportKey(clientId, id.digest))?.fate;
        if (fate !== "folded" && fate !== "dropped")
          fail(
            "receipt",
            `${clientId}'s report of round ${id.round} was acknowledged and is ${fate ?? "nowhere"}`,
          );
      }
      for (const [key, { clientId, verdict: told }] of settled) {
        const named = history.reports.get(key);
        const fate = named?.round === told.report.round ? named.fate : undefined;
        if ((fate === "folded") !== (told.outcome === "folded"))
          fail(
            "verdict",
            `${clientId}'s report of round ${told.report.round} was said to be ${told.outcome}; it is ${fate}`,
          );
      }
    },
  };
}
