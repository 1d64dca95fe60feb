import { decodeDelta } from "../compress/error-feedback.ts";
import { planDigest, planGroups } from "../compress/plan.ts";
import { WireError } from "../model/error.ts";
import { manifestDigest, manifestOf, modelDigest } from "../model/manifest.ts";
import { intersectionOf, maskIn, ownedParams } from "../model/masks.ts";
import type { Model } from "../model/message.ts";
import type { Task } from "../model/protocol.ts";
import type { Masks, Params } from "../model/tensor.ts";
import { decodeControl } from "../wire/control.ts";
import { decodeFrame, shortDigest } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import { decodeMasks } from "../wire/masks.ts";
import { applyDelta } from "../wire/update.ts";

/** Makes version 0 from a zoo architecture and a seed, to the bit. Throws ConfigError above so many coordinates. */
export type Factory = (zoo: string, seed: number, mostParams: number) => Params;

/** However often masks came, two of them are kept: a few bytes may stand for as many positions as the model has. */
export interface Dropped {
  /** What the model owns after the last drop. */
  readonly last: Masks;
  /** What has been the model's all the time. */
  readonly stayed: Masks;
}

export interface Followed {
  readonly model: Model;
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
 * Follows the frames of a download from the model held to the newest: origin or checkpoint first when nothing fits,
 * then deltas in order. Masks before one of them are the model's: what is outside is zero after it. A control variate, if
 * the task has them, comes last. Throws WireError when a frame does not continue the model or a digest differs.
 */
export function followFrames(
  held: Model | null,
  frames: readonly Uint8Array[],
  task: Task,
  factory: Factory,
  limits: Limits,
): Followed {
  const groups = planGroups(task.downlink, task.manifest, "downlink");
  const plan = shortDigest(planDigest(task.downlink, task.manifest));
  const manifest = shortDigest(manifestDigest(task.manifest));
  let model = held;
  let masks: Masks | null = null;
  let restarted = false;
  let control: Params | null = null;
  let dropped: Dropped | null = null;
  for (const [i, bytes] of frames.entries()) {
    const frame = decodeFrame(bytes, limits);
    const place = `frame ${i}`;
    check(control === null, "bad-kind", place, `${frame.kind} after the control variate`);
    if (frame.kind === "masks") {
      check(masks === null, "bad-kind", place, "masks after masks");
      masks = decodeMasks(frame, task.manifest);
      continue;
    }
    if (frame.kind === "control") {
      check(task.train.controlVariates === true, "bad-kind", place, "a control variate without a use");
      const version = model?.version;
      check(version === frame.version, "wrong-base", place, `of version ${frame.version}, not ${version}`);
      control = decodeControl(frame, task.manifest);
      continue;
    }
    const before: Masks | null = masks;
    masks = null;
    if (before !== null) dropped = alsoDropped(dropped, before);
    if (frame.kind === "origin") {
      const params = factory(frame.zoo, frame.seed, limits.numParams);
      check(modelDigest(params) === frame.digest, "bad-digest", place, "the factory made another version 0");
      model = { version: 0, params };
    } else if (frame.kind === "checkpoint") {
      model = { version: frame.version, params: frame.params };
      restarted = true;
    } else if (frame.kind === "delta") {
      check(model?.version === frame.version - 1, "wrong-base", place, `a delta to version ${frame.version}`);
      check(frame.manifest === manifest, "wrong-manifest", place, "coded for another model");
      check(frame.plan === plan, "wrong-plan", place, "coded by another plan");
      const params = ownedParams(applyDelta(model!.params, decodeDelta(groups, frame.payloads)), before);
      check(
        shortDigest(modelDigest(params)) === frame.digest,
        "bad-digest",
        place,
        "the delta does not fit the model",
      );
      model = { version: frame.version, params };
    } else {
      throw new WireError("bad-kind", place, `${frame.kind}, expected a model, masks or a control variate`);
    }
  }
  check(model !== null, "truncated", "download", "no frames for a client that holds no model");
  check(
    manifestDigest(manifestOf(model!.params)) === manifestDigest(task.manifest),
    "wrong-manifest",
    "download",
    "another model",
  );
  const needsControl = task.train.controlVariates === true && model!.version > 0;
  check(!needsControl || control !== null, "truncated", "download", "no control variate beside the model");
  return { model: model!, own: masks, control, dropped, restarted };
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
