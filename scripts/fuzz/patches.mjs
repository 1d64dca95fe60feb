import { manifestDigest } from "../../dist/model/manifest.js";
import { derive, gaussian } from "../../dist/model/rng.js";
import { decodeFrame, encodeFrame, shortDigest } from "../../dist/wire/frame.js";
import { defaultLimits } from "../../dist/wire/limits.js";
import { applyPatch, encodePatch } from "../../dist/wire/patch.js";
import { isSameArray } from "./check.mjs";
import { sealed } from "./frames.mjs";
import { referenceFrame } from "./reference/frame.mjs";
import { referencePatch } from "./reference/patch.mjs";

/** Patches of small models, of every form, decoded to the model; seven of eight inputs have a right checksum. */
export function patchTarget() {
  const corpus = [3, 40, 150].flatMap(entriesOf);
  return {
    name: "patch",
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes, rng) => (rng.below(8) === 0 ? bytes : sealed(bytes)),
    decode(bytes, _, { origin }) {
      const frame = decodeFrame(bytes, defaultLimits);
      return frame.kind === "patch" ? patterns(applyPatch(frame, origin)) : null;
    },
    expected(bytes, _, { origin, id }) {
      const { kind, code, payloads } = referenceFrame(bytes, defaultLimits);
      if (code !== undefined) return { code };
      if (kind !== PATCH) return { patterns: null };
      const [manifest, ...parts] = payloads;
      if (!isSameArray(manifest, id)) return { code: "wrong-manifest" };
      return referencePatch(parts, patterns(origin));
    },
    check(decoded, { expected }) {
      if (expected.code !== undefined) return `decoded, by the document ${expected.code}`;
      if (decoded === null || expected.patterns === null)
        return decoded === expected.patterns ? null : "another kind than by the document";
      return isSameArray(decoded, expected.patterns) ? null : "another model than by the document";
    },
  };
}

const PATCH = 10;

const patterns = (params) =>
  [...params.values()].flatMap(({ data }) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)]);

const CHANGES = [
  () => (v) => v,
  (rng) => (v) => v + gaussian(rng),
  (rng) => (v) => (rng.below(4) === 0 ? v + 0.01 : v),
  (rng) => (v) => (rng.below(2) === 0 ? Math.fround(v + 0.01) - 0.03 : v),
  (rng) => (v) => (rng.below(3) === 0 ? 0 : -v),
  () => (v, i) => (i % 7 === 0 ? 3e38 : i % 5 === 0 ? -0 : v),
];

function entriesOf(length) {
  const rng = derive(length, "fuzz patch");
  const shapes = [[length], [], [2, 2]];
  const paramsOf = (numberAt) =>
    new Map(
      shapes.map((shape, i) => [
        `tensor ${i}`,
        { shape, data: Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, numberAt) },
      ]),
    );
  const origin = paramsOf(() => gaussian(rng));
  const digest = shortDigest(manifestDigest({ tensors: [...origin].map(([name, t]) => ({ name, ...t })) }));
  const id = Uint8Array.of(digest >>> 24, digest >>> 16, digest >>> 8, digest);
  return CHANGES.map((change, i) => {
    const changed = change(rng);
    const params = new Map(
      [...origin].map(([name, { shape, data }]) => [name, { shape, data: data.map(changed) }]),
    );
    return { bytes: encodeFrame(encodePatch(1 + 100 * i, origin, params, null)), length: 1, origin, id };
  });
}
