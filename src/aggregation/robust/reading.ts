import type { ClientId, UpdateMessage } from "../../model/message.ts";
import type { Masks } from "../../model/tensor.ts";

/**
 * One client's update as a rule sees it: what the client owns is known, what it sent is read from its bytes whenever it
 * is asked for. So rules go over a round in passes, and of the updates there is no more in memory than a rule keeps.
 */
export interface Reading {
  readonly clientId: ClientId;
  readonly masks: Masks;
  /** The same every time; what it gives is good until any update of the round is read again. */
  readonly read: () => UpdateMessage;
}

/** Bytes of what an update carries, decoded. */
export function bytesOf({ tensors }: UpdateMessage): number {
  let bytes = 0;
  for (const { delta } of tensors.values())
    bytes += 4 * (delta.support?.length ?? delta.length) + (delta.support?.byteLength ?? 0);
  return bytes;
}

/** A copy that stays good. */
export const kept = (update: UpdateMessage): UpdateMessage => ({
  ...update,
  tensors: new Map(
    [...update.tensors].map(
      ([
        name,
        {
          mask,
          delta: { length, support, values },
        },
      ]) => [name, { mask, delta: { length, support: support?.slice() ?? null, values: values.slice() } }],
    ),
  ),
});
