import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { WireError } from "../model/error.ts";
import type { HeldModel, ReportId } from "../model/protocol.ts";

/**
 * What both ends of the gRPC link agree on besides the messages of proto/fedpress/v1, and the checks that every field
 * off the wire passes. Each throws WireError `bad-field` with the field's name.
 */

/** The version of proto/fedpress/v1 that this build speaks. */
export const PROTOCOL = 1;

/** Metadata of the calls that act for a session: the client's id, and the welcome's token in hexadecimal. */
export const CLIENT_KEY = "fedpress-client";
export const SESSION_KEY = "fedpress-session";

/** Data of the largest chunk that every message has room for. */
export const CHUNK_BYTES = 256 * 1024;
/** Of the chunks that are sent: only whole ones are kept when a call breaks, and a slow link must bring some. */
export const SENT_CHUNK_BYTES = 16 * 1024;

const MAX_UINT32 = 2 ** 32 - 1;

export function present<T>(value: T | null | undefined, place: string): T {
  if (value === null || value === undefined) throw bad(place, "missing");
  return value;
}

export function integer(value: number | null | undefined, place: string, min = 0, max = MAX_UINT32): number {
  if (!Number.isInteger(value) || value! < min || value! > max)
    throw bad(place, `${value}, expected ${min} to ${max}`);
  return value!;
}

/** A number for which `holds`; NaN and infinity never do. */
export function real(
  value: number,
  place: string,
  holds: (value: number) => boolean,
  expected: string,
): number {
  if (!Number.isFinite(value) || !holds(value)) throw bad(place, `${value}, expected ${expected}`);
  return value;
}

const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const isIdentifier = (value: string): boolean => IDENTIFIER.test(value);

/** A client's, run's or architecture's name: it may become a file's name or a subject, so nothing odd is in it. */
export const identifier = (value: string, place: string): string => matching(value, place, IDENTIFIER);

/** A tensor's name or pattern: it stands between spaces in the manifest's lines. */
export const tensorName = (value: string, place: string): string => matching(value, place, /^[!-~]{1,255}$/);

export function matching(value: string, place: string, pattern: RegExp): string {
  if (!pattern.test(value))
    throw bad(place, `${JSON.stringify(value.slice(0, 80))}, expected ${pattern.source}`);
  return value;
}

/** That many bytes as hexadecimal digits: a SHA-256, or a session's token. */
export function hexOf(bytes: Uint8Array, place: string, length = 32): string {
  if (bytes.length !== length) throw bad(place, `${bytes.length} bytes, expected ${length}`);
  return bytesToHex(bytes);
}

/** Of hexadecimal digits. */
export const bytesOf: (hex: string) => Uint8Array = hexToBytes;

export function oneOf<K extends string, V>(
  table: Readonly<Record<K, V>>,
  key: string | number,
  place: string,
): V {
  if (!Object.hasOwn(table, key)) throw bad(place, `${key}, expected ${Object.keys(table).join(" or ")}`);
  return table[key as K];
}

interface HeldFields {
  readonly version: number;
  readonly digest: Uint8Array;
}

interface ReportFields {
  readonly round: number;
  readonly digest: Uint8Array;
}

export const decodeHeld = ({ version, digest: bytes }: HeldFields, place: string): HeldModel => ({
  version: integer(version, `${place}.version`),
  digest: hexOf(bytes, `${place}.digest`),
});

export const encodeHeld = ({ version, digest: hex }: HeldModel) => ({ version, digest: hexToBytes(hex) });

export const decodeReportId = ({ round, digest: bytes }: ReportFields, place: string): ReportId => ({
  round: integer(round, `${place}.round`),
  digest: hexOf(bytes, `${place}.digest`),
});

export const encodeReportId = ({ round, digest: hex }: ReportId) => ({ round, digest: hexToBytes(hex) });

export const bad = (place: string, detail: string): WireError => new WireError("bad-field", place, detail);
