// Short runs of floats, copied or added; memory.copy has a call's cost, which windows of five values feel.

@inline
export function copyLine(from: usize, to: usize, count: i32): void {
  while (count >= 4) {
    v128.store(to, v128.load(from));
    from += 16;
    to += 16;
    count -= 4;
  }
  while (count > 0) {
    store<f32>(to, load<f32>(from));
    from += 4;
    to += 4;
    count--;
  }
}

@inline
export function addLine(from: usize, to: usize, count: i32): void {
  while (count >= 4) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    from += 16;
    to += 16;
    count -= 4;
  }
  while (count > 0) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    from += 4;
    to += 4;
    count--;
  }
}
