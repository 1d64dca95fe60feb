const TIE_BREAKER = 1.5 * 2 ** 52;

/** Exact for |x| ≤ 2^51: adding 1.5·2^52 leaves no fraction bits, and float64 addition rounds ties to even. */
export const roundTiesToEven = (x: number): number => x + TIE_BREAKER - TIE_BREAKER;
