// Histograms of the digits of magnitudes, for a radix select from the highest digit down.

/** Adds the top 11 bits of `count` magnitudes to four tables of 2048 counts, by turns: equal neighbours do not wait. */
export function countHigh(values: usize, count: i32, tables: usize): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, values += 16) {
    const low = load<u64>(values), high = load<u64>(values, 8);
    increment(tables + <usize>((low >> 18) & 0x1ffc));
    increment(tables + 0x2000 + <usize>((low >> 50) & 0x1ffc));
    increment(tables + 0x4000 + <usize>((high >> 18) & 0x1ffc));
    increment(tables + 0x6000 + <usize>((high >> 50) & 0x1ffc));
  }
  for (; i < count; i++, values += 4) increment(tables + <usize>((load<u32>(values) >> 18) & 0x1ffc));
}

/** Adds the 10 bits from `shift` on of those magnitudes that agree with `prefix` in the bits of `known`. */
export function countLow(values: usize, count: i32, known: i32, prefix: i32, shift: i32, table: usize): void {
  const mask = i32x4.splat(known), wanted = i32x4.splat(prefix);
  let i = 0;
  for (; i + 8 <= count; i += 8, values += 32) {
    const a = i32x4.eq(v128.and(v128.load(values), mask), wanted);
    const b = i32x4.eq(v128.and(v128.load(values, 16), mask), wanted);
    if (!v128.any_true(v128.or(a, b))) continue;
    for (let hits = i32x4.bitmask(a) | (i32x4.bitmask(b) << 4); hits != 0; hits &= hits - 1)
      countDigit(values + (<usize>ctz(hits) << 2), shift, table);
  }
  for (; i < count; i++, values += 4) if ((load<i32>(values) & known) == prefix) countDigit(values, shift, table);
}

@inline
function countDigit(value: usize, shift: i32, table: usize): void {
  increment(table + (<usize>((load<u32>(value) >> shift) & 0x3ff) << 2));
}

@inline
function increment(at: usize): void {
  store<u32>(at, load<u32>(at) + 1);
}
