import { load4, store4 } from "./lanes";
import { exp4, normal4 } from "./math";

// The Gaussian error linear unit (Hendrycks and Gimpel, 2016) in its exact form x Φ(x).

export function gelu(x: usize, count: i32, y: usize): void {
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const v = load4(x + at, count - i);
    store4(y + at, f32x4.mul(v, normal4(v)), count - i);
  }
}

/** dx = dy (Φ(x) + x φ(x)) */
export function geluGradient(x: usize, dy: usize, count: i32, dx: usize): void {
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const v = load4(x + at, count - i);
    const density = f32x4.mul(f32x4.splat(0.3989422804014327), exp4(f32x4.mul(f32x4.splat(-0.5), f32x4.mul(v, v))));
    const slope = f32x4.add(normal4(v), f32x4.mul(v, density));
    store4(dx + at, f32x4.mul(load4(dy + at, count - i), slope), count - i);
  }
}
