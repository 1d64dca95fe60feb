/** The entries of a table of float32s, one for every byte of `codes`. */
export function lookUp(table: usize, codes: usize, count: i32, values: usize): void {
  let i = 0;
  for (; i + 8 <= count; i += 8, codes += 8, values += 32) {
    const eight = load<u64>(codes);
    store<u32>(values, entry(table, eight << 2));
    store<u32>(values, entry(table, eight >> 6), 4);
    store<u32>(values, entry(table, eight >> 14), 8);
    store<u32>(values, entry(table, eight >> 22), 12);
    store<u32>(values, entry(table, eight >> 30), 16);
    store<u32>(values, entry(table, eight >> 38), 20);
    store<u32>(values, entry(table, eight >> 46), 24);
    store<u32>(values, entry(table, eight >> 54), 28);
  }
  for (; i < count; i++, codes++, values += 4) store<u32>(values, entry(table, <u64>load<u8>(codes) << 2));
}

/** The same of float64s. */
export function lookUp64(table: usize, codes: usize, count: i32, values: usize): void {
  for (let i = 0; i < count; i++, codes++, values += 8)
    store<f64>(values, load<f64>(table + (<usize>load<u8>(codes) << 3)));
}

@inline
function entry(table: usize, offset: u64): u32 {
  return load<u32>(table + <usize>(offset & 0x3fc));
}
