import { require } from "./bytes.mjs";

/** Bins out of `data`, by `contexts` contexts. */
export function rangeDecoder(data, contexts) {
  const p = new Float64Array(contexts).fill(2 ** 30);
  const m = new Float64Array(contexts);
  let read = 0;
  let range = 2 ** 32 - 1;
  let code = 0;
  let low = 0; // modulo 2^32
  const shift = () => {
    code = code * 256 + (data[read++] ?? 0);
  };
  for (let i = 0; i < 4; i++) shift();
  const split = (bound) => {
    const one = code < bound;
    if (one) range = bound;
    else {
      range -= bound;
      code -= bound;
      low = (low + bound) % 2 ** 32;
    }
    while (range < 2 ** 24) {
      range *= 256;
      low = (low * 256) % 2 ** 32;
      shift();
    }
    return one ? 1 : 0;
  };
  return {
    even: () => split(Math.floor(range / 2)),
    at: (q) => split(Math.floor(range / 32768) * q),
    /** Of the numbers that are left, the one that ends in the most zero bits. */
    isRound() {
      let step = 2 ** 32;
      while (Math.ceil(low / step) * step >= low + range) step /= 2;
      return Math.ceil(low / step) * step === low + code;
    },
    begin(context, probability, seen) {
      p[context] = probability * 2 ** 31;
      m[context] = seen;
    },
    bin(context) {
      const q = Math.min(Math.max(Math.floor(p[context] / 65536), 1), 32767);
      const bit = split(Math.floor(range / 32768) * q);
      // twice both, so that numerator and denominator are whole
      p[context] += Math.trunc((2 * ((bit === 1 ? 2 ** 31 : 0) - p[context])) / (2 * m[context] + 3));
      m[context] = Math.min(m[context] + 1, 16384);
      return bit;
    },
    finish() {
      require(read >= data.length, "trailing");
      require(data.length === 0 || data[data.length - 1] !== 0, "bad-field");
    },
  };
}

/** `count` codes of `width` bits. */
export function ransCodes(bits, width, count) {
  const frequencies = [];
  const codeOf = [];
  const starts = [];
  for (let code = 0; code < 2 ** width; code++) {
    const f = bits.gamma(12) - 1;
    require(codeOf.length + f <= 4096, "bad-field");
    starts.push(codeOf.length);
    frequencies.push(f);
    for (let i = 0; i < f; i++) codeOf.push(code);
  }
  require(codeOf.length === 4096, "bad-field");
  const states = [bits.take(32), bits.take(32)];
  require(Math.min(...states) >= 2 ** 16, "bad-field");
  const codes = [];
  for (let i = 0; i < count; i++) {
    const share = states[i % 2] % 4096;
    const code = codeOf[share];
    let x = frequencies[code] * Math.floor(states[i % 2] / 4096) + share - starts[code];
    if (x < 2 ** 16) x = x * 2 ** 16 + bits.take(16);
    states[i % 2] = x;
    codes.push(code);
  }
  require(states[0] === 2 ** 16 && states[1] === 2 ** 16, "bad-field");
  return codes;
}
