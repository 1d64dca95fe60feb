/** Thrown by the reference; only the code is compared. */
export class Refusal {
  constructor(code) {
    this.code = code;
  }
}

export function require(holds, code) {
  if (!holds) throw new Refusal(code);
}

const single = new DataView(new ArrayBuffer(4));

export function float32Of(pattern) {
  single.setUint32(0, pattern);
  const value = single.getFloat32(0);
  require(Number.isFinite(value), "not-finite");
  return value;
}

export const isMinus = (value) => value < 0 || Object.is(value, -0);

/** Whole-byte fields of `data`, from `at` to `end`. */
export function fieldsOf(data, at = 0, end = data.length) {
  const left = () => end - at;
  const take = (count) => {
    require(count <= left(), "truncated");
    at += count;
    return data.subarray(at - count, at);
  };
  const uint8 = () => take(1)[0];
  const uint32 = () => take(4).reduceRight((high, byte) => high * 256 + byte, 0);
  const wide = (size) => take(size).reduceRight((high, byte) => high * 256n + BigInt(byte), 0n);
  const varint = () => {
    let value = 0;
    for (let place = 0; ; place++) {
      const byte = uint8();
      value += (byte & 127) * 128 ** place;
      require(byte < 128 || place < 4, "bad-field");
      if (byte >= 128) continue;
      require((byte > 0 || place === 0) && value < 2 ** 32, "bad-field");
      return value;
    }
  };
  /** At least `low` (`bad-field`) and at most `high` (`code`). */
  const ranged = (low, high, code = "bad-field") => {
    const value = varint();
    require(value >= low, "bad-field");
    require(value <= high, code);
    return value;
  };
  const finish = () => require(at === end, "trailing");
  return { left, take, uint8, uint32, wide, varint, ranged, float32: () => float32Of(uint32()), finish };
}

/** The bits of `data`, low bit first. */
export function bitsOf(data) {
  let at = 0;
  const end = 8 * data.length;
  const need = (count) => require(count <= end - at, "truncated");
  const take = (width) => {
    need(width);
    if (width === 1) return (data[at >> 3] >> (at++ & 7)) & 1;
    let value = 0;
    for (let got = 0; got < width; ) {
      const skip = at & 7;
      const part = Math.min(8 - skip, width - got);
      value += ((data[at >> 3] >> skip) & ((1 << part) - 1)) * 2 ** got;
      got += part;
      at += part;
    }
    return value;
  };
  /** Zeros before a one; more than `most` are `code`, as soon as they are seen. */
  const zeros = (most, code) => {
    for (let count = 0; ; count++) {
      require(count <= most, code);
      if (take(1) === 1) return count;
    }
  };
  const gamma = (most) => {
    const k = zeros(most, "bad-field");
    return 2 ** k + take(k);
  };
  const finish = () => {
    require(end - at < 8, "trailing");
    require(take(end - at) === 0, "bad-field");
  };
  return { need, take, zeros, gamma, finish };
}

export const bitLength = (value) => 32 - Math.clz32(value);
