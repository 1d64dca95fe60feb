import { readHistory } from "../../../compress/history.ts";
import type { FetchModel } from "../../../model/protocol.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { AuditContext } from "./context.ts";
import type { History } from "./history.ts";
import type { PriorAudit } from "./priors.ts";

/**
 * What goes down: every frame begins where the one before ended, from what is held to the version that was asked for or
 * a later one, and a history among them is that of its version. A client would notice and ask for a checkpoint: the run
 * would end, and pay for it.
 */
export type DownloadAudit = (
  request: FetchModel,
  frames: readonly Uint8Array[],
  history: Pick<History, "digests">,
) => void;

export function downloadAudit(
  { options, fail }: Pick<AuditContext, "options" | "fail">,
  priors: Pick<PriorAudit, "isUsed" | "of">,
): DownloadAudit {
  const { limits, manifest } = options.contract;
  return ({ held, version }, frames, { digests }) => {
    let at = held !== null && digests[held.version] === held.digest ? held.version : null;
    const leads = (from: number, to: number): void => {
      if (at !== from)
        fail("broadcast", `what leads from version ${from} to ${to} goes down to who is at ${at ?? "none"}`);
      at = to;
    };
    for (const bytes of frames) {
      const frame = decodeFrame(bytes, limits);
      if (frame.kind === "origin") at = 0;
      else if (frame.kind === "checkpoint") at = frame.version;
      else if (frame.kind === "delta") leads(frame.version - 1, frame.version);
      else if (frame.kind === "patch") leads(0, frame.version);
      else if (frame.kind === "history" && priors.isUsed) {
        const right = priors.of(digests[frame.version]);
        const sent = readHistory(frame.state, manifest, "history");
        if (right !== null && right.digest !== sent.digest)
          fail("broadcast", `the history of version ${frame.version} goes down as another`);
      }
    }
    const newest = digests.length - 1; // hostile clients ask for what there is not
    if (at === null || at < Math.min(version, newest) || at > newest)
      fail("broadcast", `version ${version} is asked for, and what goes down leads to ${at ?? "none"}`);
  };
}
