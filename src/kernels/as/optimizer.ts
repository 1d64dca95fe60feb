// Optimizer steps in place, over a tensor's values and its slots.

/** velocity = momentum * velocity + gradient; params -= learningRate * velocity. */
export function momentumStep(
  params: usize,
  gradient: usize,
  velocity: usize,
  count: i32,
  learningRate: f32,
  momentum: f32,
): void {
  const rate = f32x4.splat(learningRate), keep = f32x4.splat(momentum);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    const v = f32x4.add(f32x4.mul(keep, v128.load(velocity + at)), v128.load(gradient + at));
    v128.store(velocity + at, v);
    v128.store(params + at, f32x4.sub(v128.load(params + at), f32x4.mul(rate, v)));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    const v = momentum * load<f32>(velocity + at) + load<f32>(gradient + at);
    store<f32>(velocity + at, v);
    store<f32>(params + at, load<f32>(params + at) - learningRate * v);
  }
}

/**
 * Adam (Kingma and Ba, 2015). `stepSize` and `epsilon` carry the bias corrections of step t, in the paper's more
 * efficient order: stepSize = learningRate * sqrt(1 - beta2^t) / (1 - beta1^t), epsilon = sqrt(1 - beta2^t) * 1e-8.
 */
export function adamStep(
  params: usize,
  gradient: usize,
  mean: usize,
  square: usize,
  count: i32,
  stepSize: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
): void {
  const rate = f32x4.splat(stepSize), eps = f32x4.splat(epsilon);
  const keep1 = f32x4.splat(beta1), take1 = f32x4.splat(1 - beta1);
  const keep2 = f32x4.splat(beta2), take2 = f32x4.splat(1 - beta2);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = <usize>i << 2;
    const d = v128.load(gradient + at);
    const m = f32x4.add(f32x4.mul(keep1, v128.load(mean + at)), f32x4.mul(take1, d));
    const v = f32x4.add(f32x4.mul(keep2, v128.load(square + at)), f32x4.mul(take2, f32x4.mul(d, d)));
    v128.store(mean + at, m);
    v128.store(square + at, v);
    const move = f32x4.div(f32x4.mul(rate, m), f32x4.add(f32x4.sqrt(v), eps));
    v128.store(params + at, f32x4.sub(v128.load(params + at), move));
  }
  for (; i < count; i++) {
    const at = <usize>i << 2;
    const d = load<f32>(gradient + at);
    const m = beta1 * load<f32>(mean + at) + (1 - beta1) * d;
    const v = beta2 * load<f32>(square + at) + (1 - beta2) * (d * d);
    store<f32>(mean + at, m);
    store<f32>(square + at, v);
    store<f32>(params + at, load<f32>(params + at) - (stepSize * m) / (sqrt(v) + epsilon));
  }
}
