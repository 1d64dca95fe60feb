import { decodeDelta } from "../compress/error-feedback.ts";
import { firstHistory, foldHistory, priorsOf, readHistory } from "../compress/history.ts";
import { planDigest, planGroups } from "../compress/plan.ts";
import { usesHistory } from "../compress/priors.ts";
import { WireError } from "../model/error.ts";
import { manifestDigest, manifestOf, modelDigest } from "../model/manifest.ts";
import { intersectionOf, maskIn, ownedParams } from "../model/masks.ts";
import type { Task } from "../model/protocol.ts";
import type { Masks, Params } from "../model/tensor.ts";
import { decodeControl } from "../wire/control.ts";
import { decodeFrame, shortDigest } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import { decodeMasks } from "../wire/masks.ts";
import { applyPatch } from "../wire/patch.ts";
import { applyDelta } from "../wire/update.ts";
import type { Held } from "./state.ts";

/** Makes version 0 from a zoo architecture and a seed, to the bit. Throws ConfigError above so many coordinates. */
export type Factory = (zoo: string, seed: number, mostParams: number) => Params;

/** However often masks came, two of them are kept: a few bytes may stand for as many positions as the model has. */
export interface Dropped {
  /** What the model owns after the last drop. */
  readonly last: Masks;
  /** What has been the model's all the time. */
  readonly stayed: Masks;
}

/**
 * Makes what some frames lead to from what was held before. Where many clients are in one process they all get the same
 * one: it depends on nothing else, and is never changed.
 */
export type Once = (before: Held | null, frames: readonly Uint8Array[], make: () => Held) => Held;

export interface Followed {
  readonly model: Held;
  /** Masks after the last frame of the model: those of the client. */
  readonly own: Masks | null;
  /** The control variate of the newest version, for SCAFFOLD; null when it is zero or there is none. */
  readonly control: Params | null;
  /** What of the model left on the way; null when nothing did. */
  readonly dropped: Dropped | null;
  /** Whether it began with a checkpoint, which does not tell what was before. */
  readonly restarted: boolean;
}

/**
 * Follows the frames of a download from the model held to the newest: origin, with or without a patch, or checkpoint first
 * when nothing fits, then deltas in order. Masks before one of them are the model's: what is outside is zero after it. Where
 * a plan has history, every delta is folded into it, and it comes right after a patch or checkpoint. A control variate, if the task has them,
 * comes last. Throws WireError when a frame does not continue the model or a digest differs.
 */
export function followFrames(
  held: Held | null,
  frames: readonly Uint8Array[],
  task: Task,
  factory: Factory,
  limits: Limits,
  once: Once = (_before, _frames, make) => make(),
): Followed {
  const groups = planGroups(task.downlink, task.manifest, "downlink");
  const plan = shortDigest(planDigest(task.downlink, task.manifest));
  const manifest = shortDigest(manifestDigest(task.manifest));
  const keepsHistory = usesHistory(task.uplink, task.downlink);
  const begun = (version: number, params: Params): Held => ({
    version,
    params,
    digest: modelDigest(params),
    history: keepsHistory && version === 0 ? firstHistory(params) : null,
  });
  let model = held;
  let masks: { readonly masks: Masks; readonly frame: Uint8Array } | null = null;
  let restarted = false;
  let control: Params | null = null;
  let dropped: Dropped | null = null;
  for (const [i, bytes] of frames.entries()) {
    const frame = decodeFrame(bytes, limits);
    const place = `frame ${i}`;
    check(control === null, "bad-kind", place, `${frame.kind} after the control variate`);
    const isBare = keepsHistory && model !== null && model.history === null;
    if (frame.kind === "history") {
      check(isBare && masks === null, "bad-kind", place, "a history that is not right after a checkpoint");
      const before = model!;
      check(before.version === frame.version, "wrong-base", place, `a history of version ${frame.version}`);
      check(frame.manifest === manifest, "wrong-manifest", place, "a history of another model");
      model = once(before, [bytes], () => {
        const history = readHistory(frame.state, task.manifest, `${place} state`);
        check(history.version === before.version, "wrong-base", place, `it is of ${history.version}`);
        return { ...before, history };
      });
      continue;
    }
    check(!isBare, "truncated", place, `${frame.kind} where the history should be`);
    if (frame.kind === "masks") {
      check(masks === null, "bad-kind", place, "masks after masks");
      masks = { masks: decodeMasks(frame, task.manifest), frame: bytes };
      continue;
    }
    if (frame.kind === "control") {
      check(task.train.controlVariates === true, "bad-kind", place, "a control variate without a use");
      const version = model?.version;
      check(version === frame.version, "wrong-base", place, `of version ${frame.version}, not ${version}`);
      control = decodeControl(frame, task.manifest);
      continue;
    }
    const before: Masks | null = masks?.masks ?? null;
    const step = masks === null ? [bytes] : [masks.frame, bytes];
    masks = null;
    if (before !== null) dropped = alsoDropped(dropped, before);
    if (frame.kind === "origin") {
      model = once(null, step, () => {
        const made = begun(0, factory(frame.zoo, frame.seed, limits.numParams));
        check(made.digest === frame.digest, "bad-digest", place, "the factory made another version 0");
        return made;
      });
    } else if (frame.kind === "checkpoint") {
      model = once(null, step, () => begun(frame.version, frame.params));
      restarted = true;
    } else if (frame.kind === "patch") {
      check(model?.version === 0, "wrong-base", place, "a patch of version 0");
      const origin = model!.params;
      model = once(model, step, () => {
        const made = begun(frame.version, ownedParams(applyPatch(frame, origin), before));
        check(
          shortDigest(made.digest) === frame.digest,
          "bad-digest",
          place,
          "the patch does not fit version 0",
        );
        return made;
      });
      restarted = true;
    } else if (frame.kind === "delta") {
      check(model?.version === frame.version - 1, "wrong-base", place, `a delta to version ${frame.version}`);
      check(frame.manifest === manifest, "wrong-manifest", place, "coded for another model");
      check(frame.plan === plan, "wrong-plan", place, "coded by another plan");
      const from = model!;
      model = once(from, step, () => {
        const sent = decodeDelta(groups, frame.payloads, undefined, priorsOf(groups, from.history));
        const params = ownedParams(applyDelta(from.params, sent), before);
        const digest = modelDigest(params);
        check(shortDigest(digest) === frame.digest, "bad-digest", place, "the delta does not fit the model");
        const history = from.history && foldHistory(from.history, sent);
        return { version: frame.version, params, digest, history };
      });
    } else {
      throw new WireError("bad-kind", place, `${frame.kind}, expected a model, masks or a control variate`);
    }
  }
  check(model !== null, "truncated", "download", "no frames for a client that holds no model");
  check(
    !keepsHistory || model!.history !== null,
    "truncated",
    "download",
    "no history beside the checkpoint",
  );
  check(
    manifestDigest(manifestOf(model!.params)) === manifestDigest(task.manifest),
    "wrong-manifest",
    "download",
    "another model",
  );
  const needsControl = task.train.controlVariates === true && model!.version > 0;
  check(!needsControl || control !== null, "truncated", "download", "no control variate beside the model");
  return { model: model!, own: masks?.masks ?? null, control, dropped, restarted };
}

const alsoDropped = (before: Dropped | null, last: Masks): Dropped => ({
  last,
  stayed:
    before === null
      ? last
      : new Map([...last].map(([name, mask]) => [name, intersectionOf(maskIn(before.stayed, name), mask)])),
});

function check(
  holds: boolean,
  code: ConstructorParameters<typeof WireError>[0],
  place: string,
  detail: string,
): void {
  if (!holds) throw new WireError(code, place, detail);
}
