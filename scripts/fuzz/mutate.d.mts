import type { FuzzEntry, FuzzInput, FuzzTarget } from "./hunt.mjs";

export function inputOf<Entry extends FuzzEntry>(
  target: FuzzTarget<never, Entry>,
  seed: number,
): FuzzInput & { readonly entry: Entry; readonly deep: boolean };
