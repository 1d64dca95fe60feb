import type { Chance } from "./chance.ts";

/** Crosses the wire: nothing is shared between the two ends. */
export const asBytes = <T>(value: T): T => JSON.parse(JSON.stringify(value));

export const sizeOf = (frames: readonly Uint8Array[]): number =>
  frames.reduce((n, frame) => n + frame.length, 0);

export const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** The frames, of which the first bytes are those that were known. */
export function resumed(frames: readonly Uint8Array[], known: Uint8Array | null): readonly Uint8Array[] {
  const whole = joined(frames);
  if (known !== null) whole.set(known);
  let at = 0;
  return frames.map(({ length }) => {
    at += length;
    return whole.slice(at - length, at);
  });
}

/** With a bit changed under way, or not. */
export function flipped(frame: Uint8Array, chance: Chance, name: string): Uint8Array {
  if (!chance.fault("flip", name)) return frame;
  const bytes = frame.slice();
  const bit = chance.below(8 * bytes.length, "bit", name);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes;
}
