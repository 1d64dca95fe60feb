import type { Residual } from "../compress/error-feedback.ts";
import { zeroOutsideGroups } from "../compress/owned.ts";
import { planGroups } from "../compress/plan.ts";
import { usesHistory } from "../compress/priors.ts";
import { WireError } from "../model/error.ts";
import { manifestDigest, manifestOf, numParams } from "../model/manifest.ts";
import { masksDigest } from "../model/masks.ts";
import type { Task } from "../model/protocol.ts";
import type { Params } from "../model/tensor.ts";
import type { Limits } from "../wire/limits.ts";
import type { CoordinatorLink } from "./link.ts";
import { type Factory, type Followed, followFrames, type Once } from "./model-chain.ts";
import type { ClientState, Held, HeldMasks } from "./state.ts";

export interface CaughtUp {
  readonly held: Held;
  /** The client's part of it; null for all. */
  readonly masks: HeldMasks | null;
  /** The cohort's control variate of that version; null when it is zero or not used. */
  readonly control: Params | null;
  /** What the residual becomes, now that coordinates may have left the model. */
  readonly clear: (residual: Residual | null) => Residual | null;
  /** Null when nothing was downloaded. */
  readonly download: { readonly frames: number; readonly bytes: number } | null;
}

/** What came is not what was announced, from nothing too: damaged on its way, for all that can be known here. */
export class DamagedDownload extends Error {
  override readonly name = "DamagedDownload";
  readonly violation: WireError;
  constructor(violation: WireError) {
    super(violation.message, { cause: violation });
    this.violation = violation;
  }
}

/**
 * The task's base model and masks: what is held, or a download from there; once more from nothing when a digest is off, and
 * at last a checkpoint, which needs nothing that this end makes itself; then DamagedDownload. Null when the coordinator
 * has neither any more, as the round is over.
 */
export async function catchUp(
  task: Task,
  state: Pick<ClientState, "held" | "masks" | "controls"> | null,
  limits: Limits,
  {
    link,
    factory,
    once,
  }: { readonly link: CoordinatorLink; readonly factory: Factory; readonly once?: Once },
  signal: AbortSignal,
): Promise<CaughtUp | null> {
  const { manifest, base, part } = task;
  if (numParams(manifest) > limits.numParams)
    throw new WireError(
      "too-large",
      "task.manifest",
      `${numParams(manifest)} coordinates, above ${limits.numParams}`,
    );
  // nobody holds a model without its history where one is needed
  const needsHistory = usesHistory(task.uplink, task.downlink);
  const held = !needsHistory || state?.held.history ? (state?.held ?? null) : null;
  const hasModel = held?.version === base.version && held.digest === base.digest;
  if (hasModel && manifestDigest(manifestOf(held.params)) !== manifestDigest(manifest))
    throw new WireError("wrong-manifest", "task.manifest", "not that of the base model");
  const known = part && state?.masks?.digest === part.masks ? state.masks : null;
  const wanted = part && known === null ? part.masks : undefined;
  if (hasModel && wanted === undefined)
    return {
      held,
      masks: known,
      control: state!.controls.shared,
      clear: (residual) => residual,
      download: null,
    };

  const tries = [...(held === null ? [] : [held]), null, "whole"] as const;
  for (const one of tries) {
    const from = one === "whole" ? null : one;
    const request = {
      held: from && { version: from.version, digest: from.digest },
      version: base.version,
      ...(one === "whole" && { whole: true }),
      ...(wanted !== undefined && { masks: wanted }),
    };
    try {
      const frames = await link.fetchModel(request, signal);
      const followed = followFrames(from, frames, task, factory, limits, once);
      const { model } = followed;
      if (model.version === base.version && model.digest !== base.digest)
        throw new WireError("bad-digest", "download", `version ${model.version} is not the one announced`);
      const masks = wanted === undefined ? known : own(followed, wanted, task);
      if (part && masks === null) return null;
      return {
        held: model,
        masks,
        control: followed.control,
        clear: (residual) => residual && cleared(residual, followed, task),
        download: { frames: frames.length, bytes: frames.reduce((n, frame) => n + frame.length, 0) },
      };
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (one === "whole") throw new DamagedDownload(error);
    }
  }
  throw new Error("unreachable: the last try returns or throws");
}

/** The last masks that came: the client's, or those of the model where it owns all of that. */
function own({ own: last, dropped }: Followed, digest: string, { manifest }: Task): HeldMasks | null {
  const masks = last ?? dropped?.last;
  if (masks !== undefined && masksDigest(masks, manifest) === digest) return { digest, masks };
  if (last === null) return null;
  throw new WireError("bad-digest", "download", "the masks are not those announced");
}

/** An explicit drop clears what was owed; after a checkpoint nobody knows what left the model and came back. */
function cleared(residual: Residual, { dropped, restarted }: Followed, task: Task): Residual | null {
  if (dropped === null) return residual;
  if (restarted) return null;
  return zeroOutsideGroups(residual, planGroups(task.uplink, task.manifest, "uplink"), dropped.stayed);
}
