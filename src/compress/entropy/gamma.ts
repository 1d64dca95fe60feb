import type { BitReader, BitWriter } from "../bits.ts";

/** Elias's gamma code (1975) of n, 1 to 2^24: as many zeros as bits follow the leading one, then n from the one on. */
export function writeGamma(writer: BitWriter, n: number): void {
  const more = 31 - Math.clz32(n);
  writer.unary(more);
  writer.write(n - (1 << more), more);
}

export const gammaBits = (n: number): number => 2 * (31 - Math.clz32(n)) + 1;

/** A number with as many bits as `most` has, or fewer; `bad-field` above. */
export function readGamma(reader: BitReader, most: number): number {
  const more = reader.unary(31 - Math.clz32(most), "bad-field");
  return (1 << more) + reader.read(more);
}
