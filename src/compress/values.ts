import type { ByteReader } from "./bytes.ts";
import type { ValueCoder, ValueReader, ValuesSpec } from "./values/coder.ts";
import { float16 } from "./values/float16.ts";
import { float32 } from "./values/float32.ts";
import { ternary } from "./values/ternary.ts";
import { uniform } from "./values/uniform.ts";

/** The wire ids of the value coders, 0 to 15: pinned in docs/wire-format.md, never reused. */
const VALUE_FORMATS = {
  0: { name: "float32", readHead: float32.readHead },
  1: { name: "float16", readHead: float16.readHead },
  2: { name: "ternary", readHead: ternary.readHead },
  3: { name: "uniform", readHead: uniform.readHead },
} as const;

export type ValueCoderId = keyof typeof VALUE_FORMATS;

export const isValueCoderId = (id: number): id is ValueCoderId => id in VALUE_FORMATS;

export const valueCoderName = (id: ValueCoderId): string => VALUE_FORMATS[id].name;

/** The coder that a spec asks for, and its wire id. */
export function valueCoder(spec: ValuesSpec): ValueCoder & { readonly id: ValueCoderId } {
  if (spec === "float32") return { id: 0, ...float32.coder(spec) };
  if (spec === "float16") return { id: 1, ...float16.coder(spec) };
  if (spec === "ternary") return { id: 2, ...ternary.coder(spec) };
  return { id: 3, ...uniform.coder(spec) };
}

/** Reads what the values share. */
export const readValueHead = (reader: ByteReader, id: ValueCoderId): ValueReader =>
  VALUE_FORMATS[id].readHead(reader);
