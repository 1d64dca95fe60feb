/**
 * CRC-32C (Castagnoli, 1993; the polynomial of iSCSI and ext4, reflected): finds every burst of up to 32 bits, up
 * to 3 flipped bits and every odd number of them. 0 to 2^32-1. Not against an adversary; digests are.
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  let i = 0;
  for (const end = bytes.length & ~7; i < end; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      TABLES[0x700 | (low & 255)]! ^
      TABLES[0x600 | ((low >>> 8) & 255)]! ^
      TABLES[0x500 | ((low >>> 16) & 255)]! ^
      TABLES[0x400 | (low >>> 24)]! ^
      TABLES[0x300 | bytes[i + 4]!]! ^
      TABLES[0x200 | bytes[i + 5]!]! ^
      TABLES[0x100 | bytes[i + 6]!]! ^
      TABLES[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = TABLES[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const POLYNOMIAL = 0x82f63b78; // 0x1edc6f41 with its bits reversed

/** Eight tables one after the other: what a byte comes to with 0 to 7 bytes of zeros after it (Kounavis, Berry, 2005). */
const TABLES = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  TABLES[byte] = crc;
}
for (let at = 256; at < TABLES.length; at++) {
  const before = TABLES[at - 256]!;
  TABLES[at] = TABLES[before & 255]! ^ (before >>> 8);
}
