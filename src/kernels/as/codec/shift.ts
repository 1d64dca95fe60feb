/**
 * A stream of bits, low bits first, moved up by `shift`, 0 to 7: `carry` are the bits that go before, and what goes
 * beyond the last byte follows in one more.
 */
export function shiftBits(bytes: usize, count: i32, shift: i32, carry: u32, out: usize): void {
  const end = bytes + count;
  let held: u64 = carry;
  for (; bytes + 4 <= end; bytes += 4, out += 4) {
    held |= <u64>load<u32>(bytes) << shift;
    store<u32>(out, <u32>held);
    held >>= 32;
  }
  for (; bytes < end; bytes++, out++) {
    held |= <u64>load<u8>(bytes) << shift;
    store<u8>(out, <u8>held);
    held >>= 8;
  }
  store<u8>(out, <u8>held);
}
