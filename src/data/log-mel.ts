/**
 * Log-mel frames of a sound, rows of `bands`: a Hann window of 25 ms every 10 ms, the power spectrum, triangles on the
 * mel scale (2595 log10(1 + f/700), O'Shaughnessy, 1987) from 20 Hz to half the sample rate, the logarithm; then mean 0 and
 * deviation 1 over the frames that there are. Frames after the end are 0, the mean.
 */
export function logMel(
  samples: Float32Array,
  sampleRate: number,
  { frames, bands }: { readonly frames: number; readonly bands: number },
): Float32Array {
  const windowLength = Math.round(0.025 * sampleRate);
  const hop = Math.round(0.01 * sampleRate);
  const size = 2 ** Math.ceil(Math.log2(windowLength));
  const filters = melFilters(bands, size, sampleRate);
  const hann = Float64Array.from(
    { length: windowLength },
    (_, i) => Math.sin((Math.PI * (i + 0.5)) / windowLength) ** 2,
  );
  const output = new Float32Array(frames * bands);
  const count = Math.min(frames, Math.max(1, Math.floor((samples.length - windowLength) / hop) + 1));
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  for (let frame = 0; frame < count; frame++) {
    real.fill(0);
    imaginary.fill(0);
    for (let i = 0; i < windowLength; i++) real[i] = hann[i]! * (samples[frame * hop + i] ?? 0);
    transform(real, imaginary);
    filters.forEach(({ from, weights }, band) => {
      let energy = 0;
      weights.forEach((weight, i) => {
        energy += weight * (real[from + i]! ** 2 + imaginary[from + i]! ** 2);
      });
      output[frame * bands + band] = Math.log(energy + 1e-6);
    });
  }
  normalise(output.subarray(0, count * bands));
  return output;
}

interface Filter {
  /** The first bin of the spectrum that counts. */
  readonly from: number;
  readonly weights: readonly number[];
}

/** Triangles whose feet are the neighbours' tops; a band narrower than a bin gets the bin nearest to its top. */
export function melFilters(bands: number, size: number, sampleRate: number): readonly Filter[] {
  const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
  const hertz = (value: number): number => 700 * (10 ** (value / 2595) - 1);
  const [low, high] = [mel(20), mel(sampleRate / 2)];
  const edges = Array.from({ length: bands + 2 }, (_, i) => hertz(low + ((high - low) * i) / (bands + 1)));
  const hertzPerBin = sampleRate / size;
  return Array.from({ length: bands }, (_, band) => {
    const [left, top, right] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const from = Math.ceil(left / hertzPerBin);
    const to = Math.min(size / 2, Math.floor(right / hertzPerBin));
    const weights = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => {
      const at = (from + i) * hertzPerBin;
      return at <= top ? (at - left) / (top - left) : (right - at) / (right - top);
    });
    return weights.some((weight) => weight > 0)
      ? { from, weights }
      : { from: Math.round(top / hertzPerBin), weights: [1] };
  });
}

/** The discrete Fourier transform in place, radix 2 (Cooley and Tukey, 1965); the length is a power of two. */
export function transform(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j]!, real[i]!];
      [imaginary[i], imaginary[j]] = [imaginary[j]!, imaginary[i]!];
    }
  }
  for (let length = 2; length <= n; length *= 2) {
    const half = length / 2;
    for (let k = 0; k < half; k++) {
      const angle = (-2 * Math.PI * k) / length;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      for (let i = k; i < n; i += length) {
        const j = i + half;
        const [re, im] = [real[j]! * cos - imaginary[j]! * sin, real[j]! * sin + imaginary[j]! * cos];
        real[j] = real[i]! - re;
        imaginary[j] = imaginary[i]! - im;
        real[i] = real[i]! + re;
        imaginary[i] = imaginary[i]! + im;
      }
    }
  }
}

function normalise(values: Float32Array): void {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / values.length) || 1;
  for (let i = 0; i < values.length; i++) values[i] = (values[i]! - mean) / deviation;
}
