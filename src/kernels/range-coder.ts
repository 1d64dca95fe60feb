/**
 * Adaptive binary range coder (Martin, 1979; carries as in LZMA): one bin at a time, each with a probability that both
 * ends learn from the bins before. Integers only, so every engine writes the same bytes.
 *
 * Probabilities are coded in 15 bits, from 2^-15 on: sparse significance costs what it must, where a coder with a fixed
 * table of states stops at its least probable state. A context learns by counting: the n-th bin moves it by 1 / (n + 1.5)
 * of the way (Krichevsky and Trofimov, 1981), and from n = 2^14 on always by as much.
 */
export interface BinContexts {
  /** The probability of a one in 2^-31, 0 to 2^31. */
  readonly ones: Uint32Array;
  /** Bins seen, up to 2^14. */
  readonly seen: Uint16Array;
}

export const binContexts = (count: number): BinContexts => ({
  ones: new Uint32Array(count).fill(2 ** 30),
  seen: new Uint16Array(count),
});

const MOST_SEEN = 2 ** 14;
/** Renormalize below this range. */
const BOTTOM = 2 ** 24;

/** As coded: 1 to 2^15 - 1. */
const probabilityOf = ({ ones }: BinContexts, context: number): number =>
  Math.min(Math.max(ones[context]! >>> 16, 1), 2 ** 15 - 1);

/** Moves a context towards the bin it saw. The quotient of these integers, cut off, is exact in float64. */
function learn({ ones, seen }: BinContexts, context: number, bit: number): void {
  const n = seen[context]!;
  const p = ones[context]!;
  ones[context] = p + Math.trunc(((bit === 1 ? 2 ** 31 : 0) - p) / (n + 1.5));
  if (n < MOST_SEEN) seen[context] = n + 1;
}

export interface RangeEncoder {
  /** `bit` is 0 or 1. */
  readonly encode: (bit: number, contexts: BinContexts, context: number) => void;
  /** A bit that is as likely as not, and teaches nothing. */
  readonly encodeEven: (bit: number) => void;
  /** A bit that is 1 with a probability of `ones` in 2^-15, 1 to 2^15 - 1. */
  readonly encodeAt: (bit: number, ones: number) => void;
  /** The bytes; those at the end that are zero are left out, since a decoder reads zeros there. */
  readonly finish: () => Uint8Array;
}

export function rangeEncoder(): RangeEncoder {
  let bytes = new Uint8Array(256);
  let length = 0;
  let low = 0; // below 2^32, or with a carry 2^33
  let range = 2 ** 32 - 1;
  let held = 0; // the last byte, and the 255s behind it, which a carry may still change
  let numHeld = 0; // how many of these there are; 0 only before the first

  const put = (byte: number): void => {
    if (length === bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
    bytes[length++] = byte;
  };
  const release = (carry: number): void => {
    if (numHeld > 0) put((held + carry) & 255);
    for (; numHeld > 1; numHeld--) put((255 + carry) & 255);
  };
  const shift = (): void => {
    // nothing carries into the first byte: all that is coded stays below one
    if (numHeld === 0 || low < 0xff000000 || low >= 2 ** 32) {
      release(low >= 2 ** 32 ? 1 : 0);
      held = Math.floor(low / BOTTOM) & 255;
      numHeld = 1;
    } else numHeld++;
    low = (low % BOTTOM) * 256;
  };

  const narrow = (bit: number, bound: number): void => {
    if (bit === 1) range = bound;
    else {
      low += bound;
      range -= bound;
    }
    while (range < BOTTOM) {
      range *= 256;
      shift();
    }
  };

  return {
    encode(bit, contexts, context) {
      narrow(bit, (range >>> 15) * probabilityOf(contexts, context));
      learn(contexts, context, bit);
    },
    encodeEven: (bit) => narrow(bit, range >>> 1),
    encodeAt: (bit, ones) => narrow(bit, (range >>> 15) * ones),
    finish() {
      low = lastValue(low, range);
      for (let i = 0; i < 5; i++) shift();
      release(0);
      while (length > 0 && bytes[length - 1] === 0) length--;
      return bytes.slice(0, length);
    },
  };
}

/** The value in [low, low + range) with the most zero bits at its end: what is left to be written. */
export function lastValue(low: number, range: number): number {
  for (let unit = 2 ** 32; ; unit /= 2) {
    const value = Math.ceil(low / unit) * unit;
    if (value < low + range) return value;
  }
}

export interface RangeDecoder {
  readonly decode: (contexts: BinContexts, context: number) => number;
  readonly decodeEven: () => number;
  readonly decodeAt: (ones: number) => number;
  /** Whether the bytes are those that an encoder of these bins ends in. */
  readonly isLast: () => boolean;
  /** How many bytes were taken, which may be more than there are. */
  readonly taken: () => number;
}

export function rangeDecoder(bytes: Uint8Array): RangeDecoder {
  let at = 0;
  let range = 2 ** 32 - 1;
  let code = 0; // value minus low
  let low = 0; // as the encoder has it, without carries
  const take = (): void => {
    code = code * 256 + (bytes[at] ?? 0);
    at++;
  };
  for (let i = 0; i < 4; i++) take();
  const split = (bound: number): number => {
    const bit = code < bound ? 1 : 0;
    if (bit === 1) range = bound;
    else {
      code -= bound;
      range -= bound;
      low = (low + bound) % 2 ** 32;
    }
    while (range < BOTTOM) {
      range *= 256;
      low = (low % BOTTOM) * 256;
      take();
    }
    return bit;
  };
  return {
    decode(contexts, context) {
      const bit = split((range >>> 15) * probabilityOf(contexts, context));
      learn(contexts, context, bit);
      return bit;
    },
    decodeEven: () => split(range >>> 1),
    decodeAt: (ones) => split((range >>> 15) * ones),
    isLast: () => code === lastValue(low, range) - low,
    taken: () => at,
  };
}
