import { kernelsBase64 } from "./kernels.wasm.ts";
import { instantiate, type WasmMemory } from "./webassembly.ts";

/**
 * The hot loops, in WebAssembly, on the memory of whoever calls. Every pointer is a byte offset into that memory, of
 * little-endian float32 unless said otherwise; sizes and strides count elements. No kernel allocates: where one
 * needs room to work, the caller hands it `scratch` (of `gemmScratchBytes`) or `windows` (of `convWindowBytes`).
 * Outputs are written in full and may not overlap inputs unless said otherwise. Same inputs, same bits, on every engine.
 */
export interface Kernels {
  gemmScratchBytes(): number;
  /** C = A·B, or C += A·B when `accumulate`. A is rows x depth, B is depth x cols, of any strides. */
  gemm(
    rows: number,
    cols: number,
    depth: number,
    a: Pointer,
    aRowStride: number,
    aColStride: number,
    b: Pointer,
    bRowStride: number,
    bColStride: number,
    c: Pointer,
    cRowStride: number,
    accumulate: boolean,
    scratch: Pointer,
  ): void;

  /** Convolutions and pooling, NHWC; `geometry` points to the integers of `geometryWords`. */
  convWindowBytes(geometry: Pointer): number;
  convForward(
    geometry: Pointer,
    x: Pointer,
    filter: Pointer,
    y: Pointer,
    windows: Pointer,
    scratch: Pointer,
  ): void;
  convFilterGradient(
    geometry: Pointer,
    x: Pointer,
    dy: Pointer,
    dFilter: Pointer,
    windows: Pointer,
    scratch: Pointer,
  ): void;
  convInputGradient(
    geometry: Pointer,
    dy: Pointer,
    filter: Pointer,
    dx: Pointer,
    windows: Pointer,
    scratch: Pointer,
  ): void;
  maxPoolGradient(geometry: Pointer, x: Pointer, dy: Pointer, dx: Pointer): void;
  avgPoolGradient(geometry: Pointer, dy: Pointer, dx: Pointer): void;
  /** Depthwise: filter [height, width, inChannels, multiplier], outChannels = inChannels * multiplier. */
  depthwiseForward(geometry: Pointer, x: Pointer, filter: Pointer, y: Pointer): void;
  depthwiseFilterGradient(geometry: Pointer, x: Pointer, dy: Pointer, dFilter: Pointer): void;
  depthwiseInputGradient(geometry: Pointer, dy: Pointer, filter: Pointer, dx: Pointer): void;

  /**
   * Recurrent layers over whole sequences from zero states: x [batch, steps, inputs], kernel [inputs, gates * units],
   * recurrent [units, gates * units], bias [gates * units]. `gates`, h and the third output are written by the forward
   * pass and read by the gradient, which takes dy, that of h. `work` holds `lstmBytes` or `gruBytes` of room forward,
   * `...GradientBytes` backward.
   */
  lstmBytes(units: number): number;
  /** Gates input, forget, candidate, output; c [batch, steps, units]. */
  lstmForward(...places: RecurrentForward): void;
  lstmGradientBytes(batch: number, steps: number, units: number): number;
  lstmGradient(...places: RecurrentGradient): void;
  gruBytes(units: number): number;
  /** Gates update, reset, candidate; resets [batch, steps, units]. The reset gate acts before the product. */
  gruForward(...places: RecurrentForward): void;
  gruGradientBytes(batch: number, steps: number, units: number): number;
  gruGradient(...places: RecurrentGradient): void;

  /** y = gain (x - mean) / sqrt(variance + epsilon) + bias, row by row; `moments` gets two floats a row. */
  layerNorm(
    x: Pointer,
    gain: Pointer,
    bias: Pointer,
    rows: number,
    cols: number,
    epsilon: number,
    y: Pointer,
    moments: Pointer,
  ): void;
  layerNormGradient(
    x: Pointer,
    gain: Pointer,
    moments: Pointer,
    dy: Pointer,
    rows: number,
    cols: number,
    dx: Pointer,
    dGain: Pointer,
    dBias: Pointer,
  ): void;

  /**
   * softmax(Q Kᵀ / sqrt(depth)) V by head: qkv [batch, steps, 3, heads, depth], y [batch, steps, heads, depth], and
   * the attention itself in `shares`, [batch, heads, steps, steps].
   */
  attention(
    qkv: Pointer,
    batch: number,
    steps: number,
    heads: number,
    depth: number,
    y: Pointer,
    shares: Pointer,
    scratch: Pointer,
  ): void;
  /** `slopes` holds steps * steps floats. */
  attentionGradient(
    qkv: Pointer,
    shares: Pointer,
    dy: Pointer,
    batch: number,
    steps: number,
    heads: number,
    depth: number,
    dQkv: Pointer,
    slopes: Pointer,
    scratch: Pointer,
  ): void;

  /** y = x Φ(x), and its slope, Φ(x) + x φ(x). */
  gelu(x: Pointer, count: number, y: Pointer, slope: Pointer): void;

  /**
   * Fills `to`, contiguous in row-major order, from 4-byte values at any strides (0 repeats). `layout` holds `rank`
   * int32 lengths, then `rank` int32 strides.
   */
  copyStrided(from: Pointer, rank: number, layout: Pointer, to: Pointer): void;
  /** out[outer, numIndices, inner] = x[outer, length, inner] at int32 indices, each of which must be below length. */
  gatherRows(
    x: Pointer,
    indices: Pointer,
    outer: number,
    length: number,
    numIndices: number,
    inner: number,
    out: Pointer,
  ): void;
  /** out[numSegments, inner]: sums of the rows of x[count, inner] by their int32 segment; others are left out. */
  segmentSum(
    x: Pointer,
    segments: Pointer,
    count: number,
    inner: number,
    numSegments: number,
    out: Pointer,
  ): void;

  /** out[outer, inner] = scale * Σ x[outer, count, inner] over the middle. */
  blockSum(x: Pointer, outer: number, count: number, inner: number, scale: number, out: Pointer): void;
  /** y[rows, cols] = x + bias[cols] (unless 0), then max(0, y) if `relu`; y may be x. */
  biasActivation(x: Pointer, rows: number, cols: number, bias: Pointer, relu: boolean, y: Pointer): void;
  /** dx = dy where x > 0, else 0. */
  reluGradient(x: Pointer, dy: Pointer, count: number, dx: Pointer): void;
  softmaxRows(x: Pointer, rows: number, cols: number, y: Pointer): void;
  softmaxGradientRows(y: Pointer, dy: Pointer, rows: number, cols: number, dx: Pointer): void;

  /** Σ of the rows' cross-entropies with int32 labels, in nats; `gradient` is that of their mean. */
  crossEntropy(logits: Pointer, labels: Pointer, rows: number, cols: number, gradient: Pointer): number;
  /** The same for distillation; `scratch` holds `cols` floats. */
  softCrossEntropy(
    logits: Pointer,
    teacher: Pointer,
    labels: Pointer,
    rows: number,
    cols: number,
    temperature: number,
    share: number,
    gradient: Pointer,
    scratch: Pointer,
  ): number;

  /** velocity = momentum * velocity + gradient; params -= learningRate * velocity. */
  momentumStep(
    params: Pointer,
    gradient: Pointer,
    velocity: Pointer,
    count: number,
    learningRate: number,
    momentum: number,
  ): void;
  /** One step of Adam with the bias corrections inside `stepSize` and `epsilon`. */
  adamStep(
    params: Pointer,
    gradient: Pointer,
    mean: Pointer,
    square: Pointer,
    count: number,
    stepSize: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): void;
}

type RecurrentForward = [
  ...sizes: [batch: number, steps: number, inputs: number, units: number],
  ...weights: [x: Pointer, kernel: Pointer, recurrent: Pointer, bias: Pointer],
  ...outputs: [gates: Pointer, h: Pointer, third: Pointer],
  work: Pointer,
  scratch: Pointer,
];

type RecurrentGradient = [
  ...sizes: [batch: number, steps: number, inputs: number, units: number],
  ...weights: [x: Pointer, kernel: Pointer, recurrent: Pointer],
  ...outputs: [gates: Pointer, h: Pointer, third: Pointer, dy: Pointer],
  ...gradients: [dx: Pointer, dKernel: Pointer, dRecurrent: Pointer, dBias: Pointer],
  work: Pointer,
  scratch: Pointer,
];

/** A byte offset into the memory. */
export type Pointer = number;

/** The shape of a convolution or pooling; for pooling, outChannels equals inChannels. */
export interface Geometry {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** A geometry as kernels read it: 15 int32, in this order. */
export const geometryWords = (g: Geometry): readonly number[] => [
  ...[g.batch, g.inHeight, g.inWidth, g.inChannels, g.outHeight, g.outWidth, g.outChannels],
  ...[g.filterHeight, g.filterWidth, g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth],
  ...[g.padTop, g.padLeft],
];

/** Runs the kernels on `memory`, which must declare a maximum of at most 65536 pages. */
export const instantiateKernels = (memory: WasmMemory): Kernels =>
  instantiate(kernelsBase64, memory) as Kernels;
