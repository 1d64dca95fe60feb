import { WireError } from "../../model/error.ts";
import { digestOf } from "../../model/manifest.ts";
import type { ClientId, UpdateMessage } from "../../model/message.ts";
import type { Receipt, Refusal, ReportId } from "../../model/protocol.ts";
import { baseOf, refusalOf } from "../round/state.ts";
import type { Desk } from "./desk.ts";
import { damaged, diskFull, ending, isFinal } from "./refusals.ts";
import type { CheckedUpdate } from "./report-check.ts";

/** Peek, check, journal, fold; the receipt follows when the journal is on disk. */
export async function report(
  desk: Desk,
  clientId: ClientId,
  id: ReportId,
  frame: Uint8Array,
): Promise<Receipt> {
  const { book, ledger, emit } = desk;
  const refuse = (refusal: Refusal): Receipt => refuseReport(desk, clientId, id.round, frame.length, refusal);
  if (digestOf(frame) !== id.digest) return refuse(damaged);
  // The same report again gets the same receipt, whatever has become of its round.
  if (book.wasAccepted(clientId, id)) {
    ledger.refused(frame.length);
    await desk.durable();
    return { kind: "accepted", report: id };
  }
  if (desk.isOver()) return refuse(ending);
  if (desk.isStalled()) return refuse(diskFull);
  const early = offer(desk, clientId, id.round);
  if (early !== null) return refuse(early);
  let checked: CheckedUpdate;
  try {
    const baseVersion = baseOf(desk.state(), clientId, id.round)!; // not null, or it was refused
    checked = book.check(clientId, frame, { round: id.round, baseVersion });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (!mayRecode(desk, clientId, id, error.code)) turnAway(desk, clientId, id, error.code);
    return refuse({ code: error.code, detail: error.message, retry: true });
  }
  const poisoned = book.gate(checked);
  if (poisoned !== null) {
    turnAway(desk, clientId, id, "norm-gate");
    return refuse({ code: "norm-gate", detail: poisoned, retry: true });
  }
  ledger.accepted(frame.length);
  const weight = book.weigh(checked.update);
  book.accept(checked, weight, id.digest);
  const { baseVersion, numExamples, trainLoss } = checked.update;
  const durable = desk.write({ type: "accepted", round: id.round, baseVersion, clientId, weight, frame });
  emit({
    type: "report.accepted",
    clientId,
    round: id.round,
    bytes: frame.length,
    numExamples,
    trainLoss,
    density: densityOf(checked.update),
  });
  desk.dispatch({ type: "reported", clientId });
  await durable;
  return { kind: "accepted", report: id };
}

/** Of the coordinates that its client owns, the share that an update carries. */
function densityOf({ tensors }: UpdateMessage): number {
  let [sent, owned] = [0, 0];
  for (const { mask, delta } of tensors.values()) {
    sent += delta.support?.length ?? delta.length;
    owned += mask?.length ?? delta.length;
  }
  return sent / owned;
}

/**
 * Whose history is another than ours may send the same report once more, in bytes that do not depend on it: nothing is
 * decided yet, and nothing is written down.
 */
function mayRecode({ mismatched }: Desk, clientId: ClientId, id: ReportId, code: string): boolean {
  if (code !== "prior-mismatch") return false;
  const before = mismatched.get(clientId);
  if (before?.round === id.round && before.digest !== id.digest) return false;
  mismatched.set(clientId, id);
  return true;
}

/** Whether a report that is ready would be accepted; between two rounds it may be what the next one waits for. */
export function offer(desk: Desk, clientId: ClientId, round: number): Refusal | null {
  const refusal = refusalOf(desk.state(), clientId, round);
  if (refusal?.code !== "between-rounds") return refusal;
  desk.dispatch({ type: "offered", clientId });
  return refusalOf(desk.state(), clientId, round);
}

/**
 * A report that would have counted is refused for what it is: its client is out of the round, after a restart too. The
 * answer does not wait for the disk: who hears it rolls back, and if the record is lost it is asked again.
 */
export function turnAway(
  desk: Desk,
  clientId: ClientId,
  { round, digest }: { readonly round: number; readonly digest: string | null },
  code: string,
): void {
  if (digest !== null) desk.book.refuse(round, clientId, digest);
  void desk.write({ type: "refused", round, clientId, digest, code });
  desk.dispatch({ type: "refused", clientId });
}

export function refuseReport(
  { ledger, emit }: Desk,
  clientId: ClientId,
  round: number,
  bytes: number,
  refusal: Refusal,
): Receipt {
  if (!isFinal(refusal)) return { kind: "refused", refusal }; // the report is kept, and comes again
  ledger.refused(bytes);
  emit({ type: "report.refused", clientId, round, bytes, code: refusal.code, detail: refusal.detail });
  return { kind: "refused", refusal };
}
