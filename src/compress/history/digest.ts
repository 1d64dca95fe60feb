import { isLittleEndian } from "../../kernels/endian.ts";
import type { HistoryState } from "./state.ts";

/** XXH32 (Collet, 2012) of words of 32 bits, each as its four little-endian bytes, with seed 0. 0 to 2^32-1. */
function wordsDigest(words: Uint32Array): number {
  const { length } = words;
  const numWhole = length & ~3;
  let hash: number;
  if (numWhole > 0) {
    let a = (P1 + P2) | 0;
    let b = P2 | 0;
    let c = 0;
    let d = -P1 | 0;
    for (let i = 0; i < numWhole; i += 4) {
      a = round(a, words[i]!);
      b = round(b, words[i + 1]!);
      c = round(c, words[i + 2]!);
      d = round(d, words[i + 3]!);
    }
    hash = (rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18)) | 0;
  } else hash = P5 | 0;
  hash = (hash + 4 * length) | 0;
  for (let i = numWhole; i < length; i++)
    hash = Math.imul(rotated((hash + Math.imul(words[i]!, P3)) | 0, 17), P4);
  hash = Math.imul(hash ^ (hash >>> 15), P2);
  hash = Math.imul(hash ^ (hash >>> 13), P3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

const round = (sum: number, word: number): number =>
  Math.imul(rotated((sum + Math.imul(word, P2)) | 0, 13), P1);

/** Of the digests of the parts: version and weights, counters (low word first), then the four planes. */
export function stateDigest({ version, slow, fast, drift, age, weights, counters }: HistoryState): number {
  const halves = new Uint32Array(2 * counters.length);
  for (let i = 0; i < counters.length; i++) {
    halves[2 * i] = counters[i]! % 2 ** 32;
    halves[2 * i + 1] = counters[i]! / 2 ** 32;
  }
  const parts = [Uint32Array.of(version, ...weights), halves, ...[slow, fast, drift, age].map(wordsOf)];
  return wordsDigest(Uint32Array.from(parts, wordsDigest));
}

/** Little endian, with zeros behind the last. */
function wordsOf(plane: Uint16Array | Int16Array | Uint8Array): Uint32Array {
  const bytes = new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength);
  if (isLittleEndian && bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0)
    return new Uint32Array(plane.buffer, plane.byteOffset, bytes.length / 4);
  const perWord = 4 / plane.BYTES_PER_ELEMENT;
  const words = new Uint32Array(Math.ceil(plane.length / perWord));
  plane.forEach((value, i) => {
    const shift = 8 * plane.BYTES_PER_ELEMENT * (i % perWord);
    words[Math.floor(i / perWord)]! |= (value & (2 ** (8 * plane.BYTES_PER_ELEMENT) - 1)) << shift;
  });
  return words;
}
