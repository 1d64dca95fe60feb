import type { NextControl } from "../../aggregation/control.ts";
import type { Tally } from "../../aggregation/tally.ts";
import type { ClientId } from "../../model/message.ts";
import { type Params, zerosLike } from "../../model/tensor.ts";
import { encodeControl } from "../../wire/control.ts";
import { encodeFrame } from "../../wire/frame.ts";

/** The control variate that belongs to the newest version of the model: as that one, a fold of the journal. */
export interface ControlTrack {
  /** Follows a round that is folded; `weights` are those of its reports. */
  readonly follow: (tally: Tally, weights: ReadonlyMap<ClientId, number>) => void;
  /** What goes down beside the model: nothing at version 0, where it is zero. */
  readonly frames: (version: number) => readonly Uint8Array[];
  readonly state: () => ControlState;
}

/** A part of the book's state. */
export interface ControlState {
  readonly control: Params;
  /** What every client weighed that was ever folded, when it was last: the control variate is their mean. */
  readonly folded: ReadonlyMap<ClientId, number>;
}

export const noControl = (initial: Params): ControlState => ({
  control: zerosLike(initial),
  folded: new Map(),
});

export function openControl(next: NextControl, before: ControlState): ControlTrack {
  let { control } = before;
  let frame: Uint8Array | null = null;
  const folded = new Map(before.folded);
  const total = (): number => [...folded.values()].reduce((a, b) => a + b, 0);

  return {
    follow: (tally, weights) => {
      const before = total();
      for (const [clientId, weight] of weights) folded.set(clientId, weight);
      control = next(control, tally, { before, after: total() });
      frame = null;
    },
    frames: (version) => {
      if (version === 0) return [];
      frame ??= encodeFrame(encodeControl(version, control));
      return [frame];
    },
    state: () => ({ control, folded }),
  };
}
