/** An axis: where a value stands, and where the ticks are. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From `domain` (made wider to end on ticks) to the pixels of `range`, about `numTicks` round numbers on the way. */
export function linearScale(
  [low, high]: readonly [number, number],
  range: readonly [number, number],
  numTicks: number,
): Scale {
  const distinct = high - low > 1e-6 * Math.abs(high); // or else the ticks would run out of digits
  const step = roundStep((distinct ? high - low : Math.abs(high) || 1) / numTicks);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
  return { place: between(first * step, last * step, range), ticks };
}

/** A logarithmic axis for values above 0, with ticks at 1, 2 and 5 of every decade, or at decades where many. */
export function logScale([low, high]: readonly [number, number], range: readonly [number, number]): Scale {
  const start = tickBelow(low);
  const end = Math.max(tickAbove(high), start * 2);
  const numDecades = Math.log10(end / start);
  const multiples = numDecades > 4 ? [1] : numDecades > 2.5 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(start)); decade <= end; decade *= 10) {
    for (const multiple of multiples) {
      const tick = Number((decade * multiple).toPrecision(12));
      if (tick >= start * 0.999 && tick <= end * 1.001) ticks.push(tick);
    }
  }
  const place = between(Math.log10(start), Math.log10(end), range);
  return { place: (value) => place(Math.log10(value)), ticks };
}

const between =
  (low: number, high: number, [from, to]: readonly [number, number]) =>
  (value: number): number =>
    from + ((value - low) / (high - low)) * (to - from);

/** The next of 1, 2, 5 times a power of ten. */
function roundStep(atLeast: number): number {
  const decade = 10 ** Math.floor(Math.log10(atLeast));
  return decade * ([1, 2, 5].find((multiple) => multiple * decade >= atLeast * 0.999) ?? 10);
}

function tickBelow(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return decade * [5, 2, 1].find((multiple) => multiple * decade <= value * 1.001)!;
}

const tickAbove = (value: number): number => roundStep(value);
