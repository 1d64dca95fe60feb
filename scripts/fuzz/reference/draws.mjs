/** The stream of words from a seed. */
export function wordsOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
}

/** `count` of `length` positions, rising: Floyd's algorithm. */
export function chosen(seed, count, length) {
  const next = wordsOf(seed);
  const taken = new Uint8Array(length);
  for (let j = length - count; j < length; j++) {
    const limit = 2 ** 32 - (2 ** 32 % (j + 1));
    let word = next();
    while (word >= limit) word = next();
    const t = word % (j + 1);
    taken[taken[t] === 1 ? j : t] = 1;
  }
  const positions = [];
  for (let i = 0; i < length; i++) if (taken[i] === 1) positions.push(i);
  return positions;
}
