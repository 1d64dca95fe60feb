import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import type { BitReader } from "../bits.ts";
import type { ByteReader } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";

/** `keep` of every `of` coordinates in a row; of a shorter last block as many, or all that there are. */
export interface Blocks {
  readonly keep: number;
  readonly of: number;
}

export const MAX_BLOCK = 24;

/**
 * N:M blocks: of every block the place of its choice among all choices of so many, in the combinatorial number
 * system (Lehmer): sum of C(p_i, i) over the chosen places p_1 < p_2 < ..., in as many bits as the last one needs.
 */
export function blockPositions(support: Positions, length: number, blocks: Blocks): PositionCode {
  return {
    headBytes: 2,
    bits: bitsOf(blocks, length),
    writeHead(writer) {
      writer.uint8(blocks.keep);
      writer.uint8(blocks.of);
    },
    writePositions(writer) {
      for (let start = 0, at = 0; start < length; start += blocks.of) {
        const { size, keep } = blockAt(blocks, start, length);
        let index = 0;
        for (let i = 1; i <= keep; i++) index += choose(support[at++]! - start, i);
        writer.write(index, widthOf(size, keep));
      }
    },
  };
}

export function readBlockPositions(reader: ByteReader, length: number): PositionReader {
  const keep = reader.uint8("keep", 1, MAX_BLOCK - 1);
  const blocks = { keep, of: reader.uint8("of", keep + 1, MAX_BLOCK) };
  const numWhole = Math.floor(length / blocks.of);
  const count = numWhole * keep + Math.min(keep, length % blocks.of);
  return {
    count,
    leastBits: bitsOf(blocks, length),
    read(bits, place) {
      const positions = new Uint32Array(count);
      for (let start = 0, at = 0; start < length; start += blocks.of) {
        const block = blockAt(blocks, start, length);
        readChoice(bits, block, positions.subarray(at, at + block.keep), start, place);
        at += block.keep;
      }
      return positions;
    },
  };
}

/** Every way to see these positions as blocks with as many in each. */
export function blocksOf(positions: Positions, length: number): readonly Blocks[] {
  const found: Blocks[] = [];
  for (let of = 2; of <= MAX_BLOCK; of++) {
    const [numWhole, rest] = [Math.floor(length / of), length % of];
    for (let keep = 1; keep < of; keep++)
      if (
        numWhole * keep + Math.min(keep, rest) === positions.length &&
        fits(positions, { keep, of }, length)
      )
        found.push({ keep, of });
  }
  return found;
}

function fits(positions: Positions, blocks: Blocks, length: number): boolean {
  for (let start = 0, at = 0; start < length; start += blocks.of) {
    const { size, keep } = blockAt(blocks, start, length);
    at += keep;
    if (positions[at - 1]! >= start + size || (positions[at] ?? length) < start + size) return false;
  }
  return true;
}

function readChoice(
  bits: BitReader,
  { size, keep }: { readonly size: number; readonly keep: number },
  positions: Uint32Array,
  start: number,
  place: string,
): void {
  let left = bits.read(widthOf(size, keep));
  if (left >= choose(size, keep))
    throw new WireError("bad-positions", place, `the block at ${start} has choice ${left}`);
  let top = size;
  for (let i = keep; i >= 1; i--) {
    do top--;
    while (choose(top, i) > left);
    left -= choose(top, i);
    positions[i - 1] = start + top;
  }
}

/** How large the block is that starts here, and how many of it are kept. */
export function blockAt({ keep, of }: Blocks, start: number, length: number) {
  const size = Math.min(of, length - start);
  return { size, keep: Math.min(keep, size) };
}

function bitsOf({ keep, of }: Blocks, length: number): number {
  const rest = length % of;
  return Math.floor(length / of) * widthOf(of, keep) + (rest === 0 ? 0 : widthOf(rest, Math.min(keep, rest)));
}

/** Bits of the last choice of `keep` of `size`; none when there is one choice only. */
const widthOf = (size: number, keep: number): number => 32 - Math.clz32(choose(size, keep) - 1);

/** Pascal's triangle to 24: C(24, 12) is below 2^22. */
const TRIANGLE: readonly Uint32Array[] = Array.from({ length: MAX_BLOCK + 1 }, (_, n) => {
  const row = new Uint32Array(MAX_BLOCK + 2);
  row[0] = 1;
  for (let k = 1; k <= n; k++) row[k] = (row[k - 1]! * (n - k + 1)) / k;
  return row;
});

const choose = (n: number, k: number): number => TRIANGLE[n]![k]!;
