/** Adds how often each byte comes to four tables of 256 uint32s, by turns: equal neighbours do not wait for each other. */
export function countBytes(bytes: usize, count: i32, tables: usize): void {
  let i = 0;
  for (; i + 8 <= count; i += 8, bytes += 8) {
    const eight = load<u64>(bytes);
    increment(tables, eight << 2);
    increment(tables + 0x400, eight >> 6);
    increment(tables + 0x800, eight >> 14);
    increment(tables + 0xc00, eight >> 22);
    increment(tables, eight >> 30);
    increment(tables + 0x400, eight >> 38);
    increment(tables + 0x800, eight >> 46);
    increment(tables + 0xc00, eight >> 54);
  }
  for (; i < count; i++, bytes++) increment(tables, <u64>load<u8>(bytes) << 2);
}

@inline
function increment(table: usize, offset: u64): void {
  const at = table + <usize>(offset & 0x3fc);
  store<u32>(at, load<u32>(at) + 1);
}
