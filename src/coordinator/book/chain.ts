import { manifestOf, modelDigest, numParams } from "../../model/manifest.ts";
import type { Model } from "../../model/message.ts";
import type { HeldModel, ModelSource } from "../../model/protocol.ts";
import type { Params } from "../../model/tensor.ts";
import { encodeFrame } from "../../wire/frame.ts";
import { bytesOf, type Restart, restartOf } from "./restart.ts";

/** The versions of the global model by their digests, and the frames that bring a client to the newest. */
export interface Chain {
  readonly model: () => Model;
  readonly held: () => HeldModel;
  /**
   * The next version; `frames` makes those that lead to it from the one before, given its digest. `masks` is the frame of
   * what the model owns from there on, null for all.
   */
  readonly push: (
    params: Params,
    frames: (digest: string) => readonly Uint8Array[],
    masks: Uint8Array | null,
  ) => void;
  /**
   * To `target`, an earlier version, where deltas lead there; else to the newest, by the fewest bytes of deltas, a patch and
   * a checkpoint. `whole`: by a checkpoint, whatever is less.
   */
  readonly catchUp: (held: HeldModel | null, target?: number, whole?: boolean) => CatchUp;
  /** Size of what leads to the newest version. */
  readonly lastDeltaBytes: () => number;
  readonly state: () => ChainState;
}

/** A part of the book's state. */
export interface ChainState {
  readonly params: Params;
  /** Of all versions from 0 on, the newest last. */
  readonly digests: readonly string[];
  /** What leads to the newest versions, as far back as it beats a checkpoint. */
  readonly deltas: readonly Delta[];
  /** What the newest version owns, as a frame; null for all. */
  readonly masks: Uint8Array | null;
}

export const versionZero = (params: Params): ChainState => ({
  params,
  digests: [modelDigest(params)],
  deltas: [],
  masks: null,
});

export interface CatchUp {
  readonly kind: "origin" | "delta" | "patch" | "checkpoint";
  /** That the frames lead to. */
  readonly version: number;
  readonly frames: readonly Uint8Array[];
}

/** The frames that lead to a version from the one before. */
export interface Delta {
  readonly version: number;
  readonly frames: readonly Uint8Array[];
}

/**
 * `source` is what makes version 0, which is `initial`; null when it can only be had as a checkpoint. `beside` is what
 * belongs to the newest version and follows from its deltas: who gets it whole gets that too.
 */
export function openChain(
  before: ChainState,
  source: ModelSource | null,
  initial: Params,
  beside: () => readonly Uint8Array[] = () => [],
): Chain {
  const denseBytes = 4 * numParams(manifestOf(before.params));
  const digests = [...before.digests];
  const origin = source && encodeFrame({ kind: "origin", ...source, digest: digests[0]! });
  let model: Model = { version: digests.length - 1, params: before.params };
  let { deltas, masks: masksFrame } = before;
  let made: Restart | null = null;

  const restart = (): Restart => {
    made ??= restartOf(model, masksFrame, origin && { frame: origin, params: initial }, beside);
    return made;
  };

  return {
    model: () => model,
    held: () => ({ version: model.version, digest: digests[model.version]! }),
    push(params, frames, masks) {
      const version = model.version + 1;
      const digest = modelDigest(params);
      model = { version, params };
      digests.push(digest);
      made = null;
      masksFrame = masks;
      deltas = newestWithin([...deltas, { version, frames: frames(digest) }], denseBytes);
    },
    catchUp(held, target = model.version, whole = false) {
      if (whole) return { kind: "checkpoint", version: model.version, frames: restart().checkpoint() };
      const known = held !== null && held.version <= model.version && digests[held.version] === held.digest;
      const from = known ? held.version : -1;
      if (from === target || from === model.version) return { kind: "delta", version: from, frames: [] };
      const to = from < target ? target : model.version;
      const start = known ? [] : origin === null ? null : [origin];
      const wanted = deltas.filter(({ version }) => version > Math.max(from, 0) && version <= to);
      const complete = wanted.length === to - Math.max(from, 0);
      const frames =
        start !== null && complete ? [...start, ...wanted.flatMap((delta) => delta.frames)] : null;
      if (frames !== null) {
        const bytes = bytesOf(frames);
        const isLeast =
          to < model.version
            ? restart().checkpointExceeds(bytes) // what else there is leads beyond the base of a late report
            : restart().exceeds(bytes, from === 0);
        if (isLeast) return { kind: known ? "delta" : "origin", version: to, frames };
      }
      return { version: model.version, ...restart().shortest(from === 0) };
    },
    lastDeltaBytes: () => bytesOf(deltas.at(-1)?.frames ?? []),
    state: () => ({ params: model.params, digests, deltas, masks: masksFrame }),
  };
}

/** As many of the newest deltas as together undercut a checkpoint: an older client would get that anyway. */
function newestWithin(deltas: readonly Delta[], bytes: number): readonly Delta[] {
  let total = 0;
  const tooOld = deltas.findLastIndex(({ frames }) => {
    total += bytesOf(frames);
    return total > bytes;
  });
  return deltas.slice(Math.min(tooOld + 1, deltas.length - 1));
}
