import { load4, store4 } from "./lanes";
import { exp4, normal4 } from "./math";

// The Gaussian error linear unit (Hendrycks and Gimpel, 2016) in its exact form.

/** y = x Φ(x), and its slope, Φ(x) + x φ(x). */
export function gelu(x: usize, count: i32, y: usize, slope: usize): void {
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2, left = count - i;
    const v = load4(x + at, left);
    const bell = exp4(f32x4.mul(f32x4.splat(-0.5), f32x4.mul(v, v)));
    const share = normal4(v, bell);
    store4(y + at, f32x4.mul(v, share), left);
    const density = f32x4.mul(f32x4.splat(0.3989422804014327), bell);
    store4(slope + at, f32x4.add(share, f32x4.mul(v, density)), left);
  }
}
