import type { Dataset } from "../model/dataset.ts";
import { problem, readText } from "./files.ts";
import { characters, NUM_CHARACTERS } from "./tokens.ts";

export interface TextOptions {
  /** Characters of one example. */
  readonly steps: number;
  /** From one example's start to the next one's. */
  readonly stride: number;
  /** Whether the text is a play: `ROLE:`, lines, a blank line. Then no example spans speeches of different roles. */
  readonly isPlay: boolean;
}

/** Bounds the memory of what is made of the text: as float32 a gigabyte. */
const MAX_VALUES = 2 ** 28;

/**
 * A text for next-character prediction, as LEAF's Shakespeare (Caldas et al., 2018): `steps` characters, tokens of
 * tokens.ts, and the one that follows as the class. In a play each role is a group: its speeches one after another.
 * Examples that begin less than `steps` apart share characters, but never the one that is asked for.
 */
export function readNextCharacter(path: string, { steps, stride, isPlay }: TextOptions): Dataset {
  const text = readText(path, "a text");
  const roles = isPlay ? speechesByRole(text, path) : new Map([["", text]]);
  const names: string[] = [];
  const parts: { readonly tokens: Uint8Array; readonly count: number }[] = [];
  let total = 0;
  for (const [name, spoken] of roles) {
    const tokens = characters(spoken);
    const count = Math.floor((tokens.length - 1 - steps) / stride) + 1;
    if (count < 1) continue; // too little was said for one example
    names.push(name);
    parts.push({ tokens, count });
    total += count;
  }
  if (total === 0) throw problem(path, `${text.length} characters`, `more than steps=${steps} in a row`);
  if (total * steps > MAX_VALUES)
    throw problem(path, `${total} examples of ${steps}`, `at most ${MAX_VALUES} values: a larger stride`);
  const inputs = new Float32Array(new SharedArrayBuffer(4 * total * steps));
  const labels = new Int32Array(new SharedArrayBuffer(4 * total));
  const of = new Int32Array(total);
  let row = 0;
  parts.forEach(({ tokens, count }, group) => {
    for (let i = 0; i < count; i++, row++) {
      const from = i * stride;
      inputs.set(tokens.subarray(from, from + steps), row * steps);
      labels[row] = tokens[from + steps]!;
      of[row] = group;
    }
  });
  const groups = isPlay ? { groups: { names, of } } : {};
  return { inputShape: [steps], numClasses: NUM_CHARACTERS, inputs, labels, ...groups };
}

/** In the order in which they first speak. */
function speechesByRole(text: string, path: string): ReadonlyMap<string, string> {
  const roles = new Map<string, string>();
  for (const block of text.replaceAll("\r\n", "\n").split(/\n\s*\n/)) {
    const match = /^\s*([^\n:]{1,64}):[ \t]*\n([\s\S]*)$/.exec(block);
    if (match === null) continue; // a stage direction
    const [, role, lines] = match as unknown as [string, string, string];
    roles.set(role, `${roles.get(role) ?? ""}${lines}\n`);
  }
  if (roles.size === 0) throw problem(path, text.slice(0, 40), "a play: ROLE: on a line, then what is said");
  return roles;
}
