// Rice's code of numbers that take two parameters, 0 to 24, by turns: the high part in unary, zeros and then a one, and
// the low bits as they are; a stream of bits, the low ones first.

/** The sum, below 2^32, of what `count` numbers are without their lowest `shift` bits. */
export function sumShifted(numbers: usize, count: i32, shift: i32): u32 {
  let a = i32x4.splat(0), b = i32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8, numbers += 32) {
    a = i32x4.add(a, i32x4.shr_u(v128.load(numbers), shift));
    b = i32x4.add(b, i32x4.shr_u(v128.load(numbers, 16), shift));
  }
  a = i32x4.add(a, b);
  let sum = <u32>(i32x4.extract_lane(a, 0) + i32x4.extract_lane(a, 1));
  sum += <u32>(i32x4.extract_lane(a, 2) + i32x4.extract_lane(a, 3));
  for (; i < count; i++, numbers += 4) sum += load<u32>(numbers) >> shift;
  return sum;
}

/**
 * Writes numbers behind the bits of the byte at `out` that `held`, below 8, says are there, and returns how many bits
 * there are from `out` on; of the byte they end in the rest is zero. Up to 8 bytes behind it are overwritten.
 */
export function riceEncode(numbers: usize, count: i32, first: u32, second: u32, out: usize, held: u32): u32 {
  const start = out;
  let bits: u64 = load<u8>(out);
  let numBits = held;
  let parameter = first, other = second;
  for (const end = numbers + (<usize>count << 2); numbers < end; numbers += 4) {
    const number = load<u32>(numbers);
    let zeros = number >> parameter;
    for (; zeros >= 32; zeros -= 32) {
      store<u64>(out, bits); // 7 of them at most
      out += 4;
      bits >>= 32;
    }
    const low = number & ((1 << parameter) - 1);
    bits |= <u64>((<u64>low << 1) | 1) << (numBits + zeros);
    numBits += zeros + 1 + parameter; // at most 7 + 32 + 24
    store<u64>(out, bits);
    out += numBits >> 3;
    bits >>= <u64>(numBits & 56);
    numBits &= 7;
    const turn = parameter;
    parameter = other;
    other = turn;
  }
  store<u64>(out, bits);
  return (<u32>(out - start) << 3) + numBits;
}

/** Bits of a word of 64 that starts at a byte, from wherever in the byte. */
const AT_ONCE: u32 = 57;

/**
 * Reads at most `count` rising numbers of which each, in turns, is written as what it is above the one before it plus
 * `firstStep` or `secondStep`. Returns how many were read: it stops before one that does not end within `numBits` or is
 * not below `length`. `state` is the next bit's place, a uint32, and then a uint64, the least that the next number may
 * be. Up to 24 bytes behind the last bit are read.
 */
export function riceDecode(
  bytes: usize,
  numBits: u32,
  count: i32,
  first: u32,
  second: u32,
  firstStep: u32,
  secondStep: u32,
  length: u32,
  state: usize,
  out: usize,
): i32 {
  let bit = load<u32>(state);
  let least = load<u64>(state, 8);
  let numRead = 0;
  const firstLow = ((<u64>1) << first) - 1, secondLow = ((<u64>1) << second) - 1;
  for (; numRead < count; numRead++) {
    // two from one load, if both end within it and may be
    while ((numRead & 1) == 0 && numRead + 2 <= count) {
      const ahead = load<u64>(bytes + (bit >> 3)) >> (bit & 7);
      const zeros = ctz(ahead);
      const behind = ahead >> (zeros + 1);
      const rest = behind >> first;
      const moreZeros = ctz(rest);
      const at = bit + <u32>(zeros + moreZeros) + first + second + 2;
      const one = least + (zeros << first) + (behind & firstLow);
      const other = one + firstStep + (moreZeros << second) + ((rest >> (moreZeros + 1)) & secondLow);
      if (at - bit > AT_ONCE || at > numBits || other >= <u64>length) break;
      store<u32>(out, <u32>one);
      store<u32>(out, <u32>other, 4);
      out += 8;
      bit = at;
      least = other + <u64>secondStep;
      numRead += 2;
    }
    if (numRead == count) break;
    const parameter = (numRead & 1) == 0 ? first : second;
    let at = bit;
    let ahead = load<u64>(bytes + (at >> 3)) >> (at & 7);
    while (ahead == 0 && at < numBits) {
      at += 56;
      ahead = load<u64>(bytes + (at >> 3)) >> (at & 7);
    }
    at += <u32>ctz(ahead);
    const high = <u64>(at - bit) << parameter;
    at++;
    const low = (load<u64>(bytes + (at >> 3)) >> (at & 7)) & ((<u64>1 << parameter) - 1);
    at += parameter;
    const number = least + high + low;
    if (at > numBits || number >= <u64>length) break;
    store<u32>(out, <u32>number);
    out += 4;
    bit = at;
    least = number + <u64>((numRead & 1) == 0 ? firstStep : secondStep);
  }
  store<u32>(state, bit);
  store<u64>(state, least, 8);
  return numRead;
}
