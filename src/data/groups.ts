import type { Groups } from "../model/dataset.ts";

/** Names, sorted, and the place of each row's among them. */
export function groupsOf(texts: readonly string[]): Groups {
  const names = [...new Set(texts)].sort();
  const places = new Map(names.map((name, i) => [name, i]));
  return { names, of: Int32Array.from(texts, (text) => places.get(text)!) };
}
