import { drawPositions } from "../../dist/compress/positions/seed.js";
import { manifestDigest } from "../../dist/model/manifest.js";
import { maskOf } from "../../dist/model/masks.js";
import { sizeOf } from "../../dist/model/tensor.js";
import { decodeFrame, encodeFrame, shortDigest } from "../../dist/wire/frame.js";
import { defaultLimits } from "../../dist/wire/limits.js";
import { decodeMasks, encodeMasks } from "../../dist/wire/masks.js";
import { isSameArray } from "./check.mjs";
import { sealed } from "./frames.mjs";
import { referenceFrame } from "./reference/frame.mjs";
import { referenceMask } from "./reference/mask.mjs";

/** Frames of masks, of every form, decoded to what they own; seven of eight inputs have a right checksum. */
export function masksTarget() {
  const corpus = [...MANIFESTS.flatMap(entriesOf)];
  return {
    name: "masks",
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes, rng) => (rng.below(8) === 0 ? bytes : sealed(bytes)),
    decode(bytes, _, { manifest }) {
      const frame = decodeFrame(bytes, defaultLimits);
      return frame.kind === "masks" ? decodeMasks(frame, manifest) : null;
    },
    expected(bytes, _, { manifest: { tensors }, short }) {
      const { kind, code, payloads } = referenceFrame(bytes, defaultLimits);
      if (code !== undefined) return { code };
      if (kind !== MASKS) return { masks: null };
      if (!isSameArray(bytes.subarray(6, 10), short)) return { code: "wrong-manifest" };
      if (payloads.length !== tensors.length) return { code: "bad-shape" };
      const masks = payloads.map((payload, i) => referenceMask(payload, tensors[i].shape));
      return masks.find((mask) => mask.code !== undefined) ?? { masks: masks.map(({ mask }) => mask) };
    },
    check(masks, { expected }) {
      if (expected.code !== undefined) return `decoded, by the document ${expected.code}`;
      const i = [...(masks?.values() ?? [])].findIndex((mask, at) => !isSameMask(mask, expected.masks[at]));
      return i < 0 ? null : `mask ${i} owns other coordinates than by the document`;
    },
  };
}

const MASKS = 6;

const isSameMask = (a, b) => (a === null || b === null ? a === b : isSameArray(a, b));

const MANIFESTS = [[[12, 5], [5], []], [[40]], [[3, 4, 6], [300]], [[24], [8, 8]]].map((shapes) => ({
  tensors: shapes.map((shape, i) => ({ name: `tensor ${i}`, shape })),
}));

const RULES = [
  (i) => i % 9 < 4,
  (i) => i % 4 < 2,
  (i) => i < 20,
  (i) => (i * i) % 7 === 1,
  (i) => i % 31 === 4,
  () => false,
  () => true,
];

function entriesOf(manifest) {
  const sizes = manifest.tensors.map(({ shape }) => sizeOf(shape));
  const drawn = sizes.map((size) => drawPositions(5, Math.ceil(size / 3), size));
  const ruled = RULES.map((owns) => sizes.map((size) => Uint32Array.from(Array(size).keys()).filter(owns)));
  return [...ruled, drawn].map((ofTensors) => {
    const masks = ofTensors.map((mask, i) => [manifest.tensors[i].name, maskOf(mask, sizes[i])]);
    const bytes = encodeFrame(encodeMasks(new Map(masks), manifest, 5));
    const digest = shortDigest(manifestDigest(manifest));
    const short = Uint8Array.of(digest >>> 24, digest >>> 16, digest >>> 8, digest);
    return { bytes, length: 1, manifest, short };
  });
}
