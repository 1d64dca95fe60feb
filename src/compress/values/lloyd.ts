/**
 * At most `count` centroids for one-dimensional values, rising, that make the squared error to the nearest of them
 * small (Lloyd, 1982; Max, 1960): the values themselves when there are no more of them, else Lloyd's iteration from
 * evenly spaced centroids (best in Deep Compression; Han et al., 2016) and from quantiles, and the better outcome.
 * Every centroid is the mean of its values, so coding by the nearest is a contraction. Deterministic.
 */
export function centroidsOf(values: Float32Array, count: number): Float32Array {
  const sorted = values.map((value) => value + 0).sort(); // no minus zeros
  const distinct = firstDistinct(sorted, count);
  if (distinct !== null) return distinct;
  const [low, high] = [sorted[0]!, sorted.at(-1)!];
  const place = (i: number): number => (i + 0.5) / count;
  const even = Float64Array.from({ length: count }, (_, i) => low + (high - low) * place(i));
  const quantiles = Float64Array.from(
    { length: count },
    (_, i) => sorted[Math.floor(place(i) * sorted.length)]!,
  );
  const [a, b] = [iterate(sorted, even), iterate(sorted, quantiles)];
  return b.energy > a.energy ? b.centroids : a.centroids;
}

/** The place of the centroid nearest to each value; halfway between two, the lower. */
export function nearestOf(values: Float32Array, centroids: Float32Array): Uint32Array {
  const middles = middlesOf(centroids);
  const places = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) places[i] = countBelow(middles, values[i]!);
  return places;
}

const MAX_ITERATIONS = 50;

function iterate(sorted: Float32Array, start: Float64Array) {
  let centroids: ArrayLike<number> = start;
  let best = meansOf(sorted, middlesOf(centroids));
  for (let i = 1; i < MAX_ITERATIONS; i++) {
    centroids = best.centroids;
    const next = meansOf(sorted, middlesOf(centroids));
    if (next.energy <= best.energy) break;
    best = next;
  }
  return best;
}

/** The mean of every cluster that has values, and sum over clusters of size * mean^2: the more, the less error. */
function meansOf(sorted: Float32Array, middles: Float64Array): { centroids: Float32Array; energy: number } {
  const means: number[] = [];
  let energy = 0;
  for (let start = 0, cluster = 0; cluster <= middles.length; cluster++) {
    const limit = middles[cluster] ?? Infinity;
    let end = start;
    let sum = 0;
    while (end < sorted.length && sorted[end]! <= limit) sum += sorted[end++]!;
    if (end > start) {
      const mean = Math.fround(sum / (end - start)) + 0;
      if (mean !== means.at(-1)) means.push(mean);
      energy += (end - start) * mean * mean;
    }
    start = end;
  }
  return { centroids: Float32Array.from(means), energy };
}

function middlesOf(centroids: ArrayLike<number>): Float64Array {
  return Float64Array.from(
    { length: centroids.length - 1 },
    (_, i) => (centroids[i]! + centroids[i + 1]!) / 2,
  );
}

/** How many of the rising limits are below `value`. */
function countBelow(limits: Float64Array, value: number): number {
  let low = 0;
  let high = limits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (limits[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The distinct values, or null when they are more than `count`. */
function firstDistinct(sorted: Float32Array, count: number): Float32Array | null {
  const distinct: number[] = [];
  for (const value of sorted) {
    if (value === distinct.at(-1)) continue;
    if (distinct.length === count) return null;
    distinct.push(value);
  }
  return Float32Array.from(distinct);
}
