import { type ByteReader, byteReader, type Field } from "../compress/bytes.ts";
import { readMaskHead } from "../compress/mask.ts";
import { readPayloadHead } from "../compress/payload.ts";
import { decodeFrame } from "./frame.ts";
import type { Limits } from "./limits.ts";
import { readPlanesHead } from "./patch.ts";

export interface DescribedField {
  readonly offset: number;
  readonly length: number;
  readonly field: string;
  readonly value: string | number;
}

/**
 * A frame field by field, in the order of the bytes and without gaps, heads of payloads and masks included. It is what
 * the decoder itself read, so the two cannot drift apart. Throws WireError as `decodeFrame` does, and for a payload or
 * mask whose head is broken; their bits stay unread, since a frame does not say how long its vectors are.
 */
export function describeFrame(bytes: Uint8Array, limits: Limits): readonly DescribedField[] {
  const fields: Field[] = [];
  decodeFrame(bytes, limits, (field) => fields.push(field));
  return fields.flatMap((field): readonly DescribedField[] => {
    const { offset, length, value } = field;
    if (!(value instanceof Uint8Array)) return [{ offset, length, field: field.field, value }];
    if (/(^| )payload( \d+)?$/.test(field.field))
      return describeCoded(field.field, offset, value, (reader) =>
        readPayloadHead(reader, Number.MAX_SAFE_INTEGER, null),
      );
    if (/^(mask \d+|support)$/.test(field.field))
      return describeCoded(field.field, offset, value, (reader) => readMaskHead(reader, null));
    if (field.field === "planes") return describeCoded("planes", offset, value, readPlanesHead);
    return [{ offset, length, field: field.field, value: textOf(field.field, value) }];
  });
}

/** What `readHead` reads of the bytes, field by field, and how many bytes of bits follow. */
function describeCoded(
  name: string,
  start: number,
  bytes: Uint8Array,
  readHead: (reader: ByteReader) => void,
): readonly DescribedField[] {
  const fields: DescribedField[] = [];
  const reader = byteReader(bytes, name, ({ offset, length, field, value }) =>
    fields.push({
      offset: start + offset,
      length,
      field,
      value: value instanceof Uint8Array ? value.length : value,
    }),
  );
  readHead(reader);
  const length = reader.remaining();
  return length === 0
    ? fields
    : [
        ...fields,
        { offset: start + reader.offset(), length, field: `${name}/bits`, value: `${length} bytes` },
      ];
}

function textOf(field: string, value: Uint8Array): string {
  if (field === "magic" || / name$|^zoo$|^architecture$/.test(field)) return new TextDecoder().decode(value);
  if (field === "state") return `${value.length} bytes`;
  if (field === "digest") return Array.from(value, (b) => b.toString(16).padStart(2, "0")).join("");
  return `${value.length / 4} float32`;
}
