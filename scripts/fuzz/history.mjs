import { codec } from "../../dist/compress/codec.js";
import { firstHistory, foldHistory, readHistory, writeHistory } from "../../dist/compress/history.js";
import { historyPositions, historySigns } from "../../dist/compress/positions/history.js";
import { derive } from "../../dist/model/rng.js";
import { deviation, isSameArray, vectorProblem } from "./check.mjs";
import { referenceState } from "./reference/history.mjs";
import { referenceDecode } from "./reference/payload.mjs";

const spec = { select: { topK: 0.5 }, values: "ternary" };
const subject = codec(spec);
const DIGEST = 0x01020304;

/** Payloads by a history: what the encoder makes of vectors whose coordinates are of any class, by these coders whatever it costs. */
export function historyTarget() {
  const corpus = LENGTHS.flatMap((length) =>
    [0.03, 0.3, 1].flatMap((density) => {
      const rng = derive(1, "fuzz history", length, density);
      const support = Uint32Array.from({ length }, (_, i) => i).filter(
        (i) => i === 0 || rng.uniform() < density,
      );
      const minus = Uint8Array.from(support, () => rng.below(2));
      // some receivers hold no history
      return [10, 11].map((id) => ({
        bytes: coded(id, support, minus, priorOf(length)),
        length,
        isHeld: density !== 0.03,
      }));
    }),
  );
  return {
    name: "history",
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes) => bytes,
    decode: (bytes, length, { isHeld }) =>
      subject.decode(bytes, length, "payload", undefined, isHeld ? priorOf(length) : null),
    expected: (bytes, length, { isHeld }) => {
      const { digest, planes } = priorOf(length);
      const prior = isHeld ? { digest, classes: planes[0], signs: planes[1] } : null;
      return referenceDecode(bytes, length, spec, prior);
    },
    check(decoded, { bytes, length, expected }) {
      const problem = vectorProblem(decoded, length) ?? deviation(decoded, expected);
      const id = bytes[0] >>> 4;
      if (problem !== null || (id !== 10 && id !== 11)) return problem;
      // a support has one encoding, with signs or without: what was read is what an encoder writes
      const { support, values } = decoded;
      const minus = Uint8Array.from(values, (value) => (value < 0 ? 1 : 0));
      const own = coded(id, support, minus, priorOf(length));
      const numBehind = id === 10 ? Math.ceil(support.length / 8) : 0;
      const [ownHead, ownBits] = parted(own, numBehind);
      const [head, bits] = parted(bytes, numBehind);
      return isSameArray(ownHead, head) && isSameArray(ownBits, bits)
        ? null
        : "encodes to other bytes than it was decoded from";
    },
  };
}

/** The head and the bits of positions; mu is between and values are behind them, whatever they say. */
function parted(bytes, numBehind) {
  const head = numHeadBytes(bytes);
  return [bytes.subarray(0, head), bytes.subarray(head + 4, bytes.length - numBehind)];
}

/** The coders, the count, the digest and how many bytes. */
function numHeadBytes(bytes) {
  let at = 1;
  while (bytes[at++] >= 128);
  at += 4;
  while (bytes[at++] >= 128);
  return at;
}

/** Ternary with mu 1; without its own place for signs they are all plus. */
function coded(id, support, minus, prior) {
  const head = [];
  const code = id === 10 ? historyPositions(support, prior) : historySigns(support, minus, prior);
  code.writeHead({
    varint: (value) => {
      let rest = value;
      for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
      head.push(rest);
    },
    uint32: (value) => head.push(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 255)),
  });
  let bits = [];
  code.writePositions({ append: (bytes) => (bits = bytes) });
  return Uint8Array.from([
    16 * id + 2,
    ...head,
    ...[0, 0, 0x80, 0x3f],
    ...bits,
    ...new Uint8Array(id === 10 ? Math.ceil(support.length / 8) : 0),
  ]);
}

const priors = new Map();
function priorOf(length) {
  const known = priors.get(length);
  if (known !== undefined) return known;
  const rng = derive(2, "fuzz history", length);
  const most = 1 + rng.below(32);
  const classes = Uint8Array.from({ length }, () => rng.below(most));
  const signs = Uint8Array.from({ length }, () => rng.below(7));
  const prior = { digest: DIGEST, planes: [classes, signs] };
  priors.set(length, prior);
  return prior;
}

/** States of histories; what is read, is written in bytes that are read alike. */
export function historyStateTarget() {
  const corpus = [1, 2, 7, 30, 200].flatMap((length) =>
    [0, 1, 5].map((folds) => ({ bytes: writeHistory(historyOf(length, folds)), length })),
  );
  return {
    name: "history-state",
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes) => bytes,
    decode: (bytes, length) => readHistory(bytes, manifestOf(length), "history"),
    expected: referenceState,
    check(history, { length, expected }) {
      if (expected.code !== undefined) return `decoded, by the document ${expected.code}`;
      const { slow, fast, drift, age } = history.state;
      if (![slow, fast, drift, age].every((plane, i) => isSameArray(plane, expected.planes[i])))
        return "other planes than by the document";
      const { digest } = readHistory(writeHistory(history), manifestOf(length), "history");
      return digest === history.digest && digest === expected.digest ? null : "another digest";
    },
  };
}

const manifestOf = (length) => ({ tensors: [{ name: "a", shape: [length] }] });

function historyOf(length, folds) {
  const rng = derive(3, "fuzz history", length);
  let history = firstHistory(new Map([["a", { shape: [length], data: new Float32Array(length) }]]));
  for (let i = 0; i < folds; i++) {
    const values = Float32Array.from({ length }, () => (rng.below(3) === 0 ? 1 - 2 * rng.uniform() : 0));
    history = foldHistory(history, new Map([["a", { length, support: null, values }]]));
  }
  return history;
}

const LENGTHS = [1, 2, 3, 7, 8, 9, 16, 33, 64, 100, 257, 1000];
