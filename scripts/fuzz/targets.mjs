import { codec, decodeAny } from "../../dist/compress/codec.js";
import { lossOf } from "../../dist/compress/loss.js";
import { deviation, recodeProblem, vectorProblem } from "./check.mjs";
import { frameTarget } from "./frames.mjs";
import { historyStateTarget, historyTarget } from "./history.mjs";
import { integersTarget } from "./integers.mjs";
import { masksTarget } from "./masks.mjs";
import { patchTarget } from "./patches.mjs";
import { referenceDecode } from "./reference/payload.mjs";
import { vectorsOf } from "./vectors.mjs";

/** Short vectors first of all: their payloads are quick to decode, and every byte of them matters. */
const LENGTHS = [1, 2, 3, 7, 8, 9, 16, 31, 33, 64, 65, 100, 150, 257, 1000, 3000];
const VECTORS = vectorsOf(LENGTHS);

/** Specs by name: one a value coder (dense and sparse), one a selection. */
const SPECS = {
  float32: byValues("float32"),
  float16: byValues("float16"),
  bfloat16: byValues("bfloat16"),
  ternary: byValues("ternary"),
  sign: byValues("sign"),
  uniform: byValues({ uniform: 1 }, { uniform: 3 }, { uniform: 8 }),
  stochastic: byValues({ uniform: 1, rounding: "stochastic" }, { uniform: 4, rounding: "stochastic" }),
  qsgd: byValues({ qsgd: 1 }, { qsgd: 5 }, { qsgd: 32767 }),
  codebook: byValues({ codebook: 2 }, { codebook: 16 }, { codebook: 256 }),
  levels: byValues({ levels: 2 }, { levels: 3 }, { levels: "auto" }),
  eden: byValues({ eden: 1 }, { eden: 2 }, { eden: 3 }, { eden: 4 }),
  topk: bySelect({ topK: 0.01 }, { topK: 0.2 }, { topK: 1 }),
  threshold: bySelect({ threshold: 1e-3 }, { threshold: 1.5 }),
  randomk: bySelect({ randomK: 0.05 }, { randomK: 0.6 }),
  "n-of-m": bySelect(blocks(1, 2), blocks(2, 4), blocks(3, 24)),
  "low-rank": bySelect({ lowRank: 1 }, { lowRank: 3 }),
  rows: bySelect({ rows: 0.1 }, { rows: 0.6 }),
  filters: bySelect({ filters: 0.1 }, { filters: 0.6 }),
};

/** Position coders by name, with the id in the first byte of their payloads: what the encoder chose them for. */
const POSITIONS = {
  dense: 0,
  golomb: 1,
  bitmap: 2,
  seed: 3,
  runs: 4,
  "elias-fano": 5,
  blocks: 6,
  range: 7,
  units: 9,
};

const EVERY_SPEC = Object.values(SPECS).flat();

/** Payloads by what they hold; made when asked for, since a corpus takes a moment. */
export const payloadTargets = {
  ...mapValues(SPECS, (specs, name) => () => payloadTarget(name, specs, () => true)),
  ...mapValues(
    POSITIONS,
    (id, name) => () => payloadTarget(name, EVERY_SPEC, (bytes) => bytes[0] >>> 4 === id),
  ),
};

/** Everything there is to fuzz, by name. */
export const targets = {
  ...payloadTargets,
  integers: integersTarget,
  frame: frameTarget,
  masks: masksTarget,
  patch: patchTarget,
  history: historyTarget,
  "history-state": historyStateTarget,
};

/** Targets whose every input takes as long as so many of others', and which get as many fewer. */
export const slowness = { "history-state": 50 };

/** Payloads of these specs; half of the inputs are decoded as the spec agreed, half by what their head says. */
function payloadTarget(name, specs, isWanted) {
  const corpus = specs.flatMap(entriesOf).filter(({ bytes }) => isWanted(bytes));
  return {
    name,
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes) => bytes,
    decode: (bytes, length, { codec, agreed }) =>
      agreed === null ? decodeAny(bytes, length, "payload") : codec.decode(bytes, length),
    expected: (bytes, length, { agreed }) => referenceDecode(bytes, length, agreed),
    check: (decoded, { entry, length, deep, expected }) =>
      vectorProblem(decoded, length) ??
      deviation(decoded, expected) ??
      (deep && fits(entry.spec, length) ? recodeProblem(entry, decoded) : null),
  };
}

/** Every vector as this spec codes it; kept, since several targets choose among the same. */
function entriesOf(spec) {
  const known = entries.get(spec);
  if (known !== undefined) return known;
  const made = VECTORS.filter((vector) => fits(spec, vector.length)).map((vector, seed) => {
    const subject = codec(spec, needsFeedback(spec));
    // lengths are mutated too
    const encode = (v, ...rest) => codec(spec, needsFeedback(spec), [matrixOf(v.length)]).encode(v, ...rest);
    const { payload: bytes } = encode(vector, seed);
    const { length } = vector;
    const agreed = seed % 2 === 0 ? spec : null;
    const projects = isProjection(spec);
    return { spec, bytes, length, codec: { ...subject, encode }, agreed, projects, seed };
  });
  entries.set(spec, made);
  return made;
}
const entries = new Map();

/** The vector as a matrix that is as nearly square as can be. */
function matrixOf(length) {
  for (let rows = Math.floor(Math.sqrt(length)); ; rows--)
    if (length % rows === 0) return { rows, cols: length / rows };
}

/** Whether factors are fewer than coordinates. */
function fits({ select }, length) {
  const { rows, cols } = matrixOf(length);
  return typeof select !== "object" || !("lowRank" in select) || select.lowRank * (rows + cols) < length;
}

/** Random positions of a code that is not right in the mean are only for error feedback. */
const needsFeedback = (spec) =>
  (typeof spec.select === "object" && "lowRank" in spec.select) || lossOf(spec, false) === null;

/** Nothing is left to chance, and no magnitude that was sent can fall below a threshold. */
const isProjection = ({ select, values }) =>
  !(typeof select === "object" && ("randomK" in select || "threshold" in select || "lowRank" in select)) &&
  (typeof values === "string" ||
    "codebook" in values ||
    ("levels" in values && values.levels !== "auto") ||
    ("uniform" in values && values.rounding === undefined));

function byValues(...values) {
  const selects = ["all", { topK: 0.05 }, { topK: 0.4 }, blocks(1, 4)];
  return values.flatMap((v) => selects.map((select) => ({ select, values: v })));
}

function bySelect(...selects) {
  const values = ["float32", "ternary", { uniform: 4 }, { qsgd: 3 }, { eden: 2 }];
  return selects.flatMap((select) => values.map((v) => ({ select, values: v })));
}

function blocks(keep, of) {
  return { blocks: { keep, of } };
}

function mapValues(record, f) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}
