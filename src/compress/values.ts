import type { ByteReader } from "./bytes.ts";
import { bfloat16 } from "./values/bfloat16.ts";
import { codebook } from "./values/codebook.ts";
import type { ValueCoder, ValueFormat, ValueReader, ValuesSpec } from "./values/coder.ts";
import { eden } from "./values/eden.ts";
import { float16 } from "./values/float16.ts";
import { float32 } from "./values/float32.ts";
import { levels } from "./values/levels.ts";
import { qsgd } from "./values/qsgd.ts";
import { ternary } from "./values/ternary.ts";
import { uniform } from "./values/uniform.ts";

/** The wire ids of the value coders, 0 to 15: pinned in docs/wire-format.md, never reused. */
const VALUE_FORMATS = {
  0: { name: "float32", format: float32 },
  1: { name: "float16", format: float16 },
  2: { name: "ternary", format: ternary },
  3: { name: "uniform", format: uniform },
  4: { name: "bfloat16", format: bfloat16 },
  5: { name: "qsgd", format: qsgd },
  6: { name: "codebook", format: codebook },
  7: { name: "levels", format: levels },
  8: { name: "eden", format: eden },
} as const;

export type ValueCoderId = keyof typeof VALUE_FORMATS;

export const isValueCoderId = (id: number): id is ValueCoderId => id in VALUE_FORMATS;

export const valueCoderName = (id: ValueCoderId): string => VALUE_FORMATS[id].name;

/** The wire id of the coder that a spec asks for. */
export function valueCoderId(spec: ValuesSpec): ValueCoderId {
  if (spec === "float32") return 0;
  if (spec === "float16") return 1;
  if (spec === "ternary" || spec === "sign") return 2;
  if (spec === "bfloat16") return 4;
  if ("uniform" in spec) return 3;
  if ("qsgd" in spec) return 5;
  if ("codebook" in spec) return 6;
  return "levels" in spec ? 7 : 8;
}

// A spec goes to the format of its own id, which the compiler cannot follow.
const formatOf = (id: ValueCoderId) => VALUE_FORMATS[id].format as unknown as ValueFormat<ValuesSpec>;

export const valueCoder = (spec: ValuesSpec): ValueCoder => formatOf(valueCoderId(spec)).coder(spec);

/** Whether values are only read all together, so that none may be left out for being zero. */
export const isWhole = (id: ValueCoderId): boolean => id === 8;

/** Whether all that a value has of its own is one bit, its sign. */
export const isSigns = (id: ValueCoderId): boolean => id === 2;

/** Reads what the values share; `agreed` is a spec of this id, or null. */
export const readValueHead = (
  reader: ByteReader,
  id: ValueCoderId,
  agreed: ValuesSpec | null,
  zeros: boolean,
): ValueReader => formatOf(id).readHead(reader, agreed, zeros);
