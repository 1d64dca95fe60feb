import { createHash } from "node:crypto";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Sha256, sha256, useSha256 } from "../../src/model/sha256.ts";

const native: Sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

test("what is written in JavaScript and what the platform has agree on every cut of the bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (parts) => {
      expect(bytesToHex(sha256(...parts))).toBe(bytesToHex(native(...parts)));
    }),
  );
});

test("only SHA-256 may take its place, and then does", () => {
  expect(() => useSha256((...parts) => createHash("sha1").update(parts[0]!).digest())).toThrow(
    /digest of abc/,
  );
  expect(() => useSha256((first) => native(first!))).toThrow(/digest of abc/);
  let calls = 0;
  useSha256((...parts) => {
    calls++;
    return native(...parts);
  });
  sha256(utf8ToBytes("x"));
  expect(calls).toBe(2);
});
