import { readHistory } from "../../../compress/history.ts";
import type { FetchModel } from "../../../model/protocol.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { AuditContext } from "./context.ts";
import type { ControlAudit } from "./controls.ts";
import type { History } from "./history.ts";
import type { PriorAudit } from "./priors.ts";

/**
 * What goes down: every frame begins where the one before ended, from what is held to the version that was asked for or
 * a later one, and a history or a control variate among them is that of its version. A client would notice and ask for a
 * checkpoint: the run would end, and pay for it. Nor is it longer than the deltas that lead there from what is held.
 */
export type DownloadAudit = (
  request: FetchModel,
  frames: readonly Uint8Array[],
  history: Pick<History, "digests">,
) => void;

export function downloadAudit(
  { options, fail }: Pick<AuditContext, "options" | "fail">,
  priors: Pick<PriorAudit, "isUsed" | "of">,
  controls: Pick<ControlAudit, "isUsed" | "wrongShared">,
): DownloadAudit {
  const { limits, manifest } = options.contract;
  const denseBytes =
    4 * manifest.tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 1)).reduce((a, b) => a + b, 0);
  /** Of every version the delta that leads to it, as it went down before. */
  const deltaBytes = new Map<number, number>();
  const chainBytes = (from: number, to: number): number => {
    let sum = 0;
    for (let version = from + 1; version <= to; version++) sum += deltaBytes.get(version) ?? Infinity;
    return sum;
  };

  return ({ held, version, whole }, frames, { digests }) => {
    const from = held !== null && digests[held.version] === held.digest ? held.version : null;
    let at = from;
    let control: Float32Array | null = null;
    /** Of the model and its history. */
    let modelBytes = 0;
    const leads = (from: number, to: number): void => {
      if (at !== from)
        fail("broadcast", `what leads from version ${from} to ${to} goes down to who is at ${at ?? "none"}`);
      at = to;
    };
    for (const bytes of frames) {
      const frame = decodeFrame(bytes, limits);
      if (frame.kind !== "masks" && frame.kind !== "control") modelBytes += bytes.length;
      if (frame.kind === "delta")
        deltaBytes.set(frame.version, Math.min(bytes.length, deltaBytes.get(frame.version) ?? Infinity));
      if (frame.kind === "control") control = frame.values;
      if (frame.kind === "origin") at = 0;
      else if (frame.kind === "checkpoint") at = frame.version;
      else if (frame.kind === "delta") leads(frame.version - 1, frame.version);
      else if (frame.kind === "patch") leads(0, frame.version);
      else if (frame.kind === "history" && priors.isUsed) {
        const right = priors.of(frame.version, digests[frame.version]);
        const sent = readHistory(frame.state, manifest, "history");
        if (right !== null && right.digest !== sent.digest)
          fail("broadcast", `the history of version ${frame.version} goes down as another`);
      }
    }
    const newest = digests.length - 1; // hostile clients ask for what there is not
    if (at === null || at < Math.min(version, newest) || at > newest)
      fail("broadcast", `version ${version} is asked for, and what goes down leads to ${at ?? "none"}`);
    if (at === null) return;
    const wrong = controls.isUsed && frames.length > 0 ? controls.wrongShared(at, control) : null;
    if (wrong !== null) fail("control", `the cohort's variate of version ${at} goes down: ${wrong}`);
    // older deltas than make a model are not kept
    if (from === null || whole || at < from || chainBytes(from, newest) > denseBytes) return;
    const most = chainBytes(from, at);
    if (modelBytes > most)
      fail("broadcast", `from version ${from} to ${at} go ${modelBytes} bytes; the deltas are ${most}`);
  };
}
