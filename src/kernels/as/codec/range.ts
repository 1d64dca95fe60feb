// Gaps by an adaptive binary range coder. A gap + 1 is a number of n + 1 binary digits: n in unary, then the digits below
// the first. Contexts are pairs of uint32s: the probability of a one in 2^-31, and bins seen, at most 2^14.

const BOTTOM: u32 = 0x1000000;
/** After 32 contexts for the places of the unary for each of three sizes of the gap before: 8 for every n. */
const HIGH: usize = 3 * 32 * 8;

/**
 * Codes `count` rising positions and returns the place behind the last byte, of at most 120 a position. `state` is
 * uint32s: low, range, the least next position, and the size of the gap before. A carry that goes beyond `out` is left in
 * the byte before it.
 */
export function encodeGaps(positions: usize, count: i32, contexts: usize, state: usize, out: usize): usize {
  let low: u64 = load<u32>(state);
  let range = load<u32>(state, 4), next = load<u32>(state, 8), size = load<u32>(state, 12);
  for (const end = positions + (<usize>count << 2); positions < end; positions += 4) {
    const position = load<u32>(positions);
    const value = position - next + 1;
    const n: u32 = 31 - clz(value);
    const unary = contexts + (<usize>size << 8), high = contexts + HIGH + (<usize>n << 6);
    for (let i: u32 = 0; i <= 2 * n; i++) {
      let isOne: bool, context: usize;
      if (i <= n) {
        isOne = i == n;
        context = unary + (<usize>i << 3);
      } else {
        const left = 2 * n - i; // digits to come
        const node = value >> (left + 1);
        isOne = ((value >> left) & 1) != 0;
        context = node < 8 ? high + (<usize>node << 3) : 0;
      }
      const bound = boundOf(range, context);
      if (context != 0) learn(context, isOne);
      low += isOne ? 0 : bound;
      range = isOne ? bound : range - bound;
      if (low > 0xffffffff) {
        carry(out);
        low = <u32>low;
      }
      while (range < BOTTOM) {
        store<u8>(out++, <u8>(low >> 24));
        low = <u32>(low << 8);
        range <<= 8;
      }
    }
    next = position + 1;
    size = sizeOf(n);
  }
  store<u32>(state, <u32>low);
  store<u32>(state, range, 4);
  store<u32>(state, next, 8);
  store<u32>(state, size, 12);
  return out;
}

/**
 * Decodes at most `count` positions while `state`'s place in the bytes is not beyond `last`: 120 bytes more, or zeros
 * instead, must be there. Returns how many, or the complement of that where the next is not below `length`. `state` is uint32s:
 * range, the least next position, the size of the gap before, the place; and a uint64, the code less low.
 */
export function decodeGaps(
  state: usize,
  last: usize,
  contexts: usize,
  length: u32,
  count: i32,
  positions: usize,
): i32 {
  let range = load<u32>(state), next = load<u32>(state, 4), size = load<u32>(state, 8);
  let bytes = <usize>load<u32>(state, 12), code = load<u64>(state, 16);
  let numRead: i32 = 0;
  let isBeyond = false;
  while (numRead < count && bytes <= last) {
    const highest = length - next; // of gap + 1
    let context = contexts + (<usize>size << 8);
    let n: u32 = 0, value: u32 = 0; // no digit yet
    do {
      const bound = boundOf(range, context);
      const isOne = code < <u64>bound;
      if (context != 0) learn(context, isOne);
      code -= isOne ? 0 : bound;
      range = isOne ? bound : range - bound;
      while (range < BOTTOM) {
        code = (code << 8) | <u64>load<u8>(bytes++);
        range <<= 8;
      }
      if (value != 0) value = (value << 1) | <u32>isOne;
      else if (isOne) value = 1;
      else isBeyond = <u64>1 << ++n > <u64>highest;
      if (value == 0) context += 8;
      else context = value < 8 ? contexts + HIGH + (<usize>((n << 3) + value) << 3) : 0;
    } while (value >> n == 0 && !isBeyond);
    isBeyond = isBeyond || value > highest;
    if (isBeyond) break;
    store<u32>(positions, next + value - 1);
    positions += 4;
    next += value;
    size = sizeOf(n);
    numRead++;
  }
  store<u32>(state, range);
  store<u32>(state, next, 4);
  store<u32>(state, size, 8);
  store<u32>(state, <u32>bytes, 12);
  store<u64>(state, code, 16);
  return isBeyond ? ~numRead : numRead;
}

/** The share of the range that a one has; without a context, half of it. */
@inline
function boundOf(range: u32, context: usize): u32 {
  return context == 0 ? range >> 1 : (range >> 15) * min(max(load<u32>(context) >> 16, 1), 32767);
}

const MOST_SEEN: u32 = 16384;
/** floor(2^48 / (2 * MOST_SEEN + 3)) + 1 */
const LAST_SHARE: u64 = 8589148232;

/**
 * Moves a context's probability by 1 / (seen + 1.5) of the way to the bin, cut off. Of a context that has seen the most
 * 2 * x / d, with d = 2 * MOST_SEEN + 3 and x up to 2^31, is x * LAST_SHARE / 2^47, cut off: the product is below 2^64, and
 * too large by less than 1 / d.
 */
@inline
function learn(context: usize, isOne: bool): void {
  const p = load<u32>(context), seen = load<u32>(context, 4);
  const way = <u64>(isOne ? 0x80000000 - p : p);
  const hasSeenMost = seen == MOST_SEEN;
  const change = <u32>(hasSeenMost ? (way * LAST_SHARE) >> 47 : (way << 1) / <u64>(2 * seen + 3));
  store<u32>(context, isOne ? p + change : p - change);
  if (!hasSeenMost) store<u32>(context, seen + 1, 4);
}

@inline
function sizeOf(n: u32): u32 {
  return n < 3 ? 0 : n < 6 ? 1 : 2;
}

function carry(out: usize): void {
  do {
    out--;
    store<u8>(out, load<u8>(out) + 1);
  } while (load<u8>(out) == 0);
}
