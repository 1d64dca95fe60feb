// The Walsh-Hadamard transform in float64. Three stages a pass keep eight pairs in registers; the additions are those of
// one stage after the other, and so are their bits.

/** In place and not normalized; `size` is a power of two, 8 or more. */
export function hadamard(data: usize, size: i32): void {
  const end = data + (<usize>size << 3);
  for (let at = data; at < end; at += 64) firstStages(at);
  let stages = ctz(size) - 3;
  let half: usize = 64; // bytes
  for (; stages >= 3; stages -= 3, half <<= 3) threeStages(data, end, half);
  if (stages == 2) twoStages(data, end, half);
  else if (stages == 1) oneStage(data, end, half);
}

/** Stages 1, 2 and 4 of eight neighbours. */
@inline
function firstStages(at: usize): void {
  const a = fourOf(v128.load(at), v128.load(at, 16), false), b = fourOf(v128.load(at), v128.load(at, 16), true);
  const c = fourOf(v128.load(at, 32), v128.load(at, 48), false), d = fourOf(v128.load(at, 32), v128.load(at, 48), true);
  v128.store(at, f64x2.add(a, c));
  v128.store(at, f64x2.add(b, d), 16);
  v128.store(at, f64x2.sub(a, c), 32);
  v128.store(at, f64x2.sub(b, d), 48);
}

/** Two of the four that stages 1 and 2 make of (x0, x1), (x2, x3). */
@inline
function fourOf(v: v128, w: v128, minus: bool): v128 {
  const even = v128.shuffle<f64>(v, w, 0, 2), odd = v128.shuffle<f64>(v, w, 1, 3);
  const sum = f64x2.add(even, odd), difference = f64x2.sub(even, odd);
  const first = v128.shuffle<f64>(sum, difference, 0, 2), second = v128.shuffle<f64>(sum, difference, 1, 3);
  return minus ? f64x2.sub(first, second) : f64x2.add(first, second);
}

@inline
function oneStage(data: usize, end: usize, half: usize): void {
  for (let start = data; start < end; start += half << 1)
    for (let p = start; p < start + half; p += 16) {
      const a = v128.load(p), b = v128.load(p + half);
      v128.store(p, f64x2.add(a, b));
      v128.store(p + half, f64x2.sub(a, b));
    }
}

@inline
function twoStages(data: usize, end: usize, half: usize): void {
  for (let start = data; start < end; start += half << 2)
    for (let p = start; p < start + half; p += 16) {
      const q = p + (half << 1);
      const a = v128.load(p), b = v128.load(p + half), c = v128.load(q), d = v128.load(q + half);
      const ab = f64x2.add(a, b), cd = f64x2.add(c, d), aB = f64x2.sub(a, b), cD = f64x2.sub(c, d);
      v128.store(p, f64x2.add(ab, cd));
      v128.store(p + half, f64x2.add(aB, cD));
      v128.store(q, f64x2.sub(ab, cd));
      v128.store(q + half, f64x2.sub(aB, cD));
    }
}

@inline
function threeStages(data: usize, end: usize, half: usize): void {
  for (let start = data; start < end; start += half << 3)
    for (let p = start; p < start + half; p += 16) {
      const q = p + (half << 1), r = p + (half << 2), s = r + (half << 1);
      let a = v128.load(p), b = v128.load(p + half), c = v128.load(q), d = v128.load(q + half);
      let e = v128.load(r), f = v128.load(r + half), g = v128.load(s), h = v128.load(s + half);
      let t = a;
      a = f64x2.add(a, b), b = f64x2.sub(t, b), t = c;
      c = f64x2.add(c, d), d = f64x2.sub(t, d), t = e;
      e = f64x2.add(e, f), f = f64x2.sub(t, f), t = g;
      g = f64x2.add(g, h), h = f64x2.sub(t, h), t = a;
      a = f64x2.add(a, c), c = f64x2.sub(t, c), t = b;
      b = f64x2.add(b, d), d = f64x2.sub(t, d), t = e;
      e = f64x2.add(e, g), g = f64x2.sub(t, g), t = f;
      f = f64x2.add(f, h), h = f64x2.sub(t, h);
      v128.store(p, f64x2.add(a, e));
      v128.store(p + half, f64x2.add(b, f));
      v128.store(q, f64x2.add(c, g));
      v128.store(q + half, f64x2.add(d, h));
      v128.store(r, f64x2.sub(a, e));
      v128.store(r + half, f64x2.sub(b, f));
      v128.store(s, f64x2.sub(c, g));
      v128.store(s + half, f64x2.sub(d, h));
    }
}
