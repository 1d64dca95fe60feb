import { isLittleEndian } from "./endian.ts";
import type { ExactSums } from "./exact-sums.ts";
import { writtenOut } from "./packed.ts";
import { roundTiesToEven } from "./rounding.ts";

/** The twin: an integer of 64 bits is two words, of which the high one has the sign. */
export function scalarSums(length: number): ExactSums {
  const sums = new BigInt64Array(length);
  const low = new Uint32Array(sums.buffer);
  const high = new Int32Array(sums.buffer);

  const addOne = (i: number, rounded: number): void => {
    const top = Math.floor(rounded / WORD);
    const bottom = low[2 * i + LOW]! + (rounded - top * WORD);
    low[2 * i + LOW] = bottom;
    high[2 * i + HIGH]! += top + (bottom >= WORD ? 1 : 0);
  };

  return {
    length,
    add(start, packed, scale) {
      const values = writtenOut(packed);
      for (let i = 0; i < values.length; i++) addOne(start + i, roundTiesToEven(values[i]! * scale));
    },
    addAt(start, positions, packed, scale) {
      const values = writtenOut(packed);
      for (let i = 0; i < values.length; i++)
        addOne(start + positions[i]!, roundTiesToEven(values[i]! * scale));
    },
    settle: () => {},
    isSettled: () => true,
    addSums(start, others) {
      for (let i = 0; i < others.length; i++) sums[start + i]! += others[i]!;
    },
    read: (start, end) => sums.slice(start, end),
    means(start, quantum, weights, out) {
      for (let i = 0; i < out.length; i++) {
        const at = 2 * (start + i);
        const weight = typeof weights === "number" ? weights : weights[i]!;
        // exact but for the one rounding of the addition, as a conversion from 64 bits
        const sum = high[at + HIGH]! * WORD + low[at + LOW]!;
        out[i] = weight === 0 ? 0 : (sum * quantum) / weight;
      }
    },
    clear() {
      sums.fill(0n);
    },
  };
}

const WORD = 2 ** 32;

/** Which of the two words is the low one. */
const LOW = isLittleEndian ? 0 : 1;
const HIGH = 1 - LOW;
