/**
 * Negates those of `count` (a multiple of 32) float64s whose bit in `signs` is 1: words of 32, the low bits first.
 */
export function flip(data: usize, signs: usize, count: i32): void {
  for (let i = 0; i < count; i += 32, signs += 4) {
    const word = i64x2.splat(load<u32>(signs));
    let bit = i64x2(1, 2);
    for (const end = data + 256; data < end; data += 16) {
      const minus = i64x2.ne(v128.and(word, bit), i64x2.splat(0));
      v128.store(data, v128.xor(v128.load(data), i64x2.shl(minus, 63)));
      bit = i64x2.shl(bit, 2);
    }
  }
}
