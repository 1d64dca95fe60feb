// Codes of `width` bits, 1 to 8, packed as in DEFLATE: eight codes are `width` bytes, so that every eight start anew.
// Three steps bring eight bytes together or apart: neighbours, pairs of neighbours, and fours.

/** `count`, a multiple of 8, bytes below 2^width; up to 7 bytes behind the packed ones are overwritten. */
export function pack(codes: usize, count: i32, width: i32, out: usize): void {
  const one = <u64>(8 - width), two = one << 1, half = <u64>width << 2;
  const low1 = lowBits(width, 16), low2 = lowBits(width << 1, 32);
  const high1 = low1 << width, high2 = low2 << (<u64>width << 1);
  for (const end = codes + count; codes < end; codes += 8, out += width) {
    let x = load<u64>(codes);
    x = (x & low1) | ((x >> one) & high1);
    x = (x & low2) | ((x >> two) & high2);
    store<u64>(out, (x & 0xffffffff) | ((x >> 32) << half));
  }
}

/** The reverse; up to 7 bytes behind the packed ones are read. */
export function unpack(packed: usize, count: i32, width: i32, codes: usize): void {
  const one = <u64>(8 - width), two = one << 1, half = <u64>width << 2;
  const low1 = lowBits(width, 16), low2 = lowBits(width << 1, 32), low4 = lowBits(width << 2, 64);
  const high1 = low1 << 8, high2 = low2 << 16;
  for (const end = codes + count; codes < end; codes += 8, packed += width) {
    let x = load<u64>(packed);
    x = (x & low4) | (((x >> half) & low4) << 32);
    x = (x & low2) | ((x << two) & high2);
    x = (x & low1) | ((x << one) & high1);
    store<u64>(codes, x);
  }
}

/** The low `width` bits, 32 at most, of every `size` of 64. */
@inline
function lowBits(width: i32, size: i32): u64 {
  let mask: u64 = (<u64>1 << width) - 1;
  for (let bits = size; bits < 64; bits <<= 1) mask |= mask << bits;
  return mask;
}
