import { bitsOf, fieldsOf, Refusal, require } from "./bytes.mjs";
import { all, LOW_RANK, POSITIONS, SIGNS } from "./positions.mjs";
import { EDEN, TERNARY, VALUES } from "./values.mjs";

/**
 * What docs/wire-format.md says a payload is: { support, values } (support null for all), or { code } of the refusal.
 * Written from that page for the fuzzer, and plainly, to be compared with: it shares nothing with src/. `agreed` is the
 * plan's codec, or null for any; `prior` is what the history knows, or null.
 */
export function referenceDecode(bytes, length, agreed, prior = null) {
  try {
    return decoded(fieldsOf(bytes), length, agreed, prior);
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code };
    throw error;
  }
}

const VALUE_IDS = {
  float32: 0,
  float16: 1,
  ternary: 2,
  sign: 2,
  uniform: 3,
  bfloat16: 4,
  qsgd: 5,
  codebook: 6,
  levels: 7,
  eden: 8,
};

function decoded(fields, length, agreed, prior) {
  const coders = fields.uint8();
  const [valueId, positionId] = [coders & 15, coders >> 4];
  require(valueId in VALUES && (positionId in POSITIONS || positionId === LOW_RANK), "bad-codec");
  const [name, number] = agreed === null ? [] : termsOf(agreed.values);
  require(agreed === null || VALUE_IDS[name] === valueId, "bad-codec");
  const head = (zero) => VALUES[valueId](fields, zero, number);
  if (positionId === LOW_RANK) {
    require(agreed === null || agreed.select.lowRank !== undefined, "bad-codec");
    return { support: null, values: product(fields, length, head) };
  }
  require(positionId !== SIGNS || valueId === TERNARY, "bad-codec");
  const positions = POSITIONS[positionId](fields, length, prior);
  if (positions.isEmpty) {
    fields.finish();
    return { support: [], values: [] };
  }
  const isZeroValid = positions.zero || valueId === EDEN;
  const ofValues = head(positions.zero);
  if (positionId === SIGNS) ofValues.least = 0;
  const { support, values } = read(fields, positions, ofValues);
  if (positions.everything) return { support: null, values };
  require(isZeroValid || !values.includes(0), "bad-field");
  const isSent = (_, i) => values[i] !== 0;
  return { support: support.filter(isSent), values: values.filter(isSent) };
}

function termsOf(values) {
  if (typeof values === "string") return [values];
  const [name, number] = Object.entries(values)[0];
  return [name, number === "auto" ? undefined : number];
}

function read(fields, positions, head) {
  const bits = bitsOf(fields.take(fields.left()));
  bits.need(positions.least + positions.count * head.least);
  const support = positions.read(bits);
  bits.need(support.length * head.least);
  const { minus } = support;
  const signs = minus && { take: () => (minus.shift() ? 1 : 0) };
  const values = head.read(signs ?? bits, support.length);
  bits.finish();
  return { support, values };
}

function product(fields, length, head) {
  const rank = fields.ranged(1, 32);
  const rows = fields.ranged(1, length);
  const cols = length / rows;
  require(Number.isInteger(cols), "bad-shape");
  const count = rank * (rows + cols);
  require(count < length, "bad-field");
  const { values: factors } = read(fields, all(fields, count), head(true));
  const values = [];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += factors[i * rank + k] * factors[(rows + j) * rank + k];
      values.push(sum);
    }
  const near = values.map((sum) => Math.fround(sum) + 0);
  require(near.every(Number.isFinite), "not-finite");
  return near;
}
