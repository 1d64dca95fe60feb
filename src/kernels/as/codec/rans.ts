// rANS with two states that take turns, each in [2^16, 2^32); words of 16 bits; frequencies in 2^-12. Neither loop
// branches on what it codes: words are stored and loaded whether they count or not.

/**
 * Codes `count` symbols, the last first; words go below `out`, and their first place is returned. `states` are two
 * uint32s, the one whose turn it is first. `table` has 16 bytes a symbol: uint64 ceil(2^44 / f), uint32 f, and uint32
 * where its share begins. A state is below f * 2^20 when it is divided, so that the product's high bits are the quotient.
 */
export function ransEncode(symbols: usize, count: i32, table: usize, states: usize, out: usize): usize {
  let state = load<u32>(states), other = load<u32>(states, 4);
  for (let at = symbols + count; at > symbols; ) {
    at--;
    const entry = table + (<usize>load<u8>(at) << 4);
    const frequency = load<u32>(entry, 8);
    store<u16>(out - 2, state);
    const isOver = <u32>(state >> 20 >= frequency);
    out -= <usize>isOver << 1;
    state >>= isOver << 4;
    const quotient = <u32>((<u64>state * load<u64>(entry)) >> 44);
    const next = state + quotient * (4096 - frequency) + load<u32>(entry, 12);
    state = other;
    other = next;
  }
  store<u32>(states, state);
  store<u32>(states, other, 4);
  return out;
}

/**
 * Decodes `count` symbols and returns the place behind the last word that was taken, of at most `count`; those that are
 * not there must be zero. `table` has for each of 4096 places two uint16s, the symbol's frequency and how far its share
 * reaches down from there; and behind these, a byte for each, the symbol.
 */
export function ransDecode(words: usize, count: i32, table: usize, states: usize, symbols: usize): usize {
  let state = load<u32>(states), other = load<u32>(states, 4);
  for (const end = symbols + count; symbols < end; symbols++) {
    const share = <usize>(state & 4095);
    store<u8>(symbols, load<u8>(table + share, 16384));
    const low = load<u16>(table + (share << 2)) * (state >> 12) + load<u16>(table + (share << 2), 2);
    const isLow = low < 65536;
    const next = select<u32>((low << 16) | <u32>load<u16>(words), low, isLow);
    words += <usize>isLow << 1;
    state = other;
    other = next;
  }
  store<u32>(states, state);
  store<u32>(states, other, 4);
  return words;
}
