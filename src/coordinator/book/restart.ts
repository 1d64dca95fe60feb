import { varintBytes } from "../../compress/bytes.ts";
import { manifestOf } from "../../model/manifest.ts";
import type { Model } from "../../model/message.ts";
import type { Params } from "../../model/tensor.ts";
import { decodeFrame, encodeFrame } from "../../wire/frame.ts";
import { defaultLimits } from "../../wire/limits.ts";
import { decodeMasks } from "../../wire/masks.ts";
import { encodePatch, numDiffering } from "../../wire/patch.ts";

/** What brings one version of the model to whoever is too far behind for deltas: made once, for all of them. */
export interface Restart {
  /** Whether deltas of so many bytes are no more than the checkpoint, which is made for it only where that is close. */
  readonly checkpointExceeds: (deltaBytes: number) => boolean;
  readonly checkpoint: () => readonly Uint8Array[];
  /** The fewest bytes: of the checkpoint, and of what differs from version 0 where that can be made from its origin. */
  readonly shortest: (holdsOrigin: boolean) => ShortestRestart;
  /** Whether deltas of so many bytes are no more than that; of a model with masks, no more than the checkpoint. */
  readonly exceeds: (deltaBytes: number, holdsOrigin: boolean) => boolean;
}

export interface ShortestRestart {
  readonly kind: "patch" | "checkpoint";
  readonly frames: readonly Uint8Array[];
}

export interface Origin {
  readonly frame: Uint8Array;
  readonly params: Params;
}

/**
 * `masks` is the frame of what the model owns, null for all; `beside` comes after either. Without an origin there is but
 * the checkpoint.
 */
export function restartOf(
  model: Model,
  masks: Uint8Array | null,
  versionZero: Origin | null,
  beside: () => readonly Uint8Array[],
): Restart {
  const { version, params } = model;
  const origin = version === 0 ? null : versionZero;
  const withMasks = (frame: Uint8Array): readonly Uint8Array[] => [
    ...(masks === null ? [] : [masks]),
    frame,
    ...beside(),
  ];
  const owned = () => (masks === null ? null : masksOf(masks, params));
  const once = <T>(make: () => T): (() => T) => {
    let made: { readonly value: T } | null = null;
    return () => {
      made ??= { value: make() };
      return made.value;
    };
  };
  const checkpoint = once(() => withMasks(encodeFrame({ kind: "checkpoint", ...model })));
  const patch = once(() => withMasks(encodeFrame(encodePatch(version, origin!.params, params, owned()))));
  const differing = once(() => numDiffering(origin!.params, params, owned()));
  const bareBytes = checkpointFrameBytes(model) + (masks?.length ?? 0);
  const checkpointBytes = once(() => bareBytes + bytesOf(beside()));
  const checkpointExceeds: Restart["checkpointExceeds"] = (deltaBytes) =>
    deltaBytes <= bareBytes || deltaBytes <= checkpointBytes();

  const shortest: Restart["shortest"] = (holdsOrigin) => {
    if (origin === null) return { kind: "checkpoint", frames: checkpoint() };
    const frames = holdsOrigin ? patch() : [origin.frame, ...patch()];
    return bytesOf(frames) < checkpointBytes()
      ? { kind: "patch", frames }
      : { kind: "checkpoint", frames: checkpoint() };
  };

  return {
    checkpointExceeds,
    checkpoint,
    shortest,
    exceeds(deltaBytes, holdsOrigin) {
      // only deltas tell what has left the model, so that a client need not give up all that it owes
      if (origin === null || masks !== null) return checkpointExceeds(deltaBytes);
      // a value that differs takes more than a byte of a patch, which need not be made to know that it is longer
      if (deltaBytes <= differing() && checkpointExceeds(deltaBytes)) return true;
      return deltaBytes <= bytesOf(shortest(holdsOrigin).frames);
    },
  };
}

export const bytesOf = (frames: readonly Uint8Array[]): number =>
  frames.reduce((n, frame) => n + frame.length, 0);

/** Of a frame without any coordinates; the name and the sizes of every tensor are in it. */
function checkpointFrameBytes({ version, params }: Model): number {
  const { tensors } = manifestOf(params);
  const name = (text: string): number => new TextEncoder().encode(text).length;
  const heads = tensors.reduce(
    (sum, { name: text, shape }) =>
      sum +
      varintBytes(name(text)) +
      name(text) +
      varintBytes(shape.length) +
      shape.reduce((bytes, size) => bytes + varintBytes(size), 0),
    0,
  );
  const floats = [...params.values()].reduce((sum, { data }) => sum + 4 * data.length, 0);
  return FRAME_BYTES + varintBytes(version) + varintBytes(tensors.length) + heads + floats;
}

/** Magic, version, kind and checksum. */
const FRAME_BYTES = 10;

function masksOf(bytes: Uint8Array, params: Params) {
  const frame = decodeFrame(bytes, { ...defaultLimits, frameBytes: bytes.length });
  if (frame.kind !== "masks") throw new Error(`${frame.kind} where the model's masks are kept`);
  return decodeMasks(frame, manifestOf(params));
}
