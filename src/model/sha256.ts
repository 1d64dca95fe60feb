import { sha256 as written } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "./assert.ts";

/** SHA-256 (FIPS 180-4) of the parts one after the other: 32 bytes. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;

const portable: Sha256 = (...parts) => {
  const hash = written.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

let chosen = portable;

export const sha256: Sha256 = (...parts) => chosen(...parts);

/**
 * For a process that has one in hardware, ten times as fast as what is written in JavaScript: the bytes are the same, only
 * sooner. Asserts that it is SHA-256.
 */
export function useSha256(native: Sha256): void {
  const digest = bytesToHex(native(utf8ToBytes("a"), utf8ToBytes("bc")));
  assert(
    digest === "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "it gives the standard's digest of abc",
  );
  chosen = native;
}
