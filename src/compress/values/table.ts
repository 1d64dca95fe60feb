import { WireError } from "../../model/error.ts";
import type { ByteReader, ByteWriter } from "../bytes.ts";

/** A table of float32s in a payload's head, strictly rising: `count`, a varint of 1 to `most`, and then the entries. */
export function writeTable(writer: ByteWriter, table: Float32Array): void {
  writer.varint(table.length);
  for (const value of table) writer.float32(value);
}

/** Throws `bad-codec` when there are more than the plan agreed to (null: any number to `most`). */
export function readTable(
  reader: ByteReader,
  field: string,
  most: number,
  agreed: number | null,
): Float32Array {
  const count = reader.varint(field, 1, most);
  if (agreed !== null && count > agreed)
    throw new WireError("bad-codec", reader.placed(field), `${count}, agreed were at most ${agreed}`);
  const table = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = reader.float32(`${field} ${i}`);
    if (Object.is(value, -0) || (i > 0 && value <= table[i - 1]!))
      throw new WireError("bad-field", reader.placed(`${field} ${i}`), `${value} does not rise`);
    table[i] = value;
  }
  return table;
}
