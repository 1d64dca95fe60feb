import type { Once } from "../client/model-chain.ts";
import type { Held } from "../client/state.ts";

interface Made {
  readonly before: WeakRef<Held> | null;
  readonly frames: readonly Uint8Array[];
  readonly after: WeakRef<Held>;
}

/** Beyond those that clients hold: who comes next mostly takes the same step. */
const NUM_RECENT = 4;

/**
 * Clients of one process that follow the same frames from the same model hold one model and one history between them, and it
 * is made once: thousands of them take the memory of the versions that somebody is at.
 */
export function sharedModels(): Once {
  const made = new WeakMap<Uint8Array, Made>();
  const recent: Held[] = [];

  return (before, frames, make) => {
    const last = frames.at(-1)!;
    const known = made.get(last);
    if (known !== undefined && isSame(known, before, frames)) {
      const held = known.after.deref();
      if (held !== undefined) return held;
    }
    const after = make();
    made.set(last, { before: before && new WeakRef(before), frames, after: new WeakRef(after) });
    recent.push(after);
    if (recent.length > NUM_RECENT) recent.shift();
    return after;
  };
}

/** Frames are never changed once they are made, so that the same ones are the same objects. */
const isSame = (made: Made, before: Held | null, frames: readonly Uint8Array[]): boolean =>
  (before === null ? made.before === null : made.before?.deref() === before) &&
  frames.length === made.frames.length &&
  frames.every((frame, i) => frame === made.frames[i]);
