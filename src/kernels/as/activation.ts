/** y[rows, cols] = x + bias[cols] (unless it is null), then max(0, y) if `relu`; y may be x. */
export function biasActivation(x: usize, rows: i32, cols: i32, bias: usize, relu: bool, y: usize): void {
  const zero = f32x4.splat(0);
  for (let r = 0; r < rows; r++) {
    let from = bias;
    let left = cols;
    while (left >= 4) {
      let v = v128.load(x);
      if (bias) v = f32x4.add(v, v128.load(from));
      if (relu) v = f32x4.max(zero, v);
      v128.store(y, v);
      x += 16;
      y += 16;
      from += 16;
      left -= 4;
    }
    while (left > 0) {
      let v = load<f32>(x);
      if (bias) v += load<f32>(from);
      if (relu) v = max<f32>(0, v);
      store<f32>(y, v);
      x += 4;
      y += 4;
      from += 4;
      left--;
    }
  }
}

/** dx = dy where x > 0, else 0; x may be relu's input or its output. */
export function reluGradient(x: usize, dy: usize, count: i32, dx: usize): void {
  const zero = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    v128.store(dx + at, v128.and(f32x4.gt(v128.load(x + at), zero), v128.load(dy + at)));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    store<f32>(dx + at, load<f32>(x + at) > 0 ? load<f32>(dy + at) : 0);
  }
}
