/**
 * cos(pi x) for x in [0, 1], within 1e-12, as sin(pi (1/2 - x)) by its Taylor series: only correctly rounded operations,
 * so that every machine gets the same bits, which Math.cos does not promise.
 */
export function cosineOfTurn(x: number): number {
  const angle = Math.PI * (0.5 - x);
  let sum = 0;
  let term = angle;
  for (let n = 1; n <= 21; n += 2) {
    sum += term;
    term *= -(angle * angle) / ((n + 1) * (n + 2));
  }
  return sum;
}
