/** The elements at these places, in their order. */
export function take<T extends Float32Array | Uint32Array | Uint8Array>(from: T, places: Uint32Array): T {
  const taken = new (from.constructor as new (length: number) => T)(places.length);
  for (let i = 0; i < places.length; i++) taken[i] = from[places[i]!]!;
  return taken;
}
