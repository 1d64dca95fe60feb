/**
 * CRC-32C (Castagnoli, 1993; the polynomial of iSCSI and ext4, reflected): finds every burst of up to 32 bits, up
 * to 3 flipped bits and every odd number of them. 0 to 2^32-1. Not against an adversary; digests are.
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const POLYNOMIAL = 0x82f63b78; // 0x1edc6f41 with its bits reversed

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  return crc;
});
