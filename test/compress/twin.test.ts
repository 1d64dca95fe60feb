import { afterEach, expect, it, vi } from "vitest";
import { bitWriter } from "../../src/compress/bits.ts";
import { byteReader, byteWriter } from "../../src/compress/bytes.ts";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { readPayload } from "../../src/compress/payload.ts";
import { runLengths } from "../../src/compress/positions/runs.ts";
import { reusedScratch } from "../../src/compress/scratch.ts";
import { WireError } from "../../src/model/error.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { digestsOf } from "../suites/flat-vectors.ts";
import { mutation } from "../suites/fuzz.ts";

// Long enough for the kernels in WebAssembly; what strangers send must end alike with and without them.

const LENGTH = 120_000;
const NUM_INPUTS = 200;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

type Decode = typeof decodeAny;

/** For a fold: values stay packed where they can, and are written out by whoever asks. */
const decodePacked: Decode = (bytes, length, place) => {
  const { support, values } = readPayload(byteReader(bytes, place), length, null, reusedScratch());
  return { length, support, values };
};

async function scalarDecode(): Promise<Decode> {
  vi.resetModules();
  vi.stubGlobal("WebAssembly", undefined);
  return (await import("../../src/compress/codec.ts")).decodeAny;
}

function outcome(decode: Decode, bytes: Uint8Array): unknown {
  try {
    return digestsOf(decode(bytes, LENGTH, "payload"));
  } catch (error) {
    // of whichever copy of the module
    if ((error as Error).constructor.name !== WireError.name) throw error;
    const { code, message } = error as WireError;
    return { code, message };
  }
}

/** Payloads by name, each with the id of its position coder. */
function payloads(): readonly { readonly name: string; readonly id: number; readonly bytes: Uint8Array }[] {
  const rng = derive(12, "twin");
  const random = Float32Array.from({ length: LENGTH }, () => gaussian(rng));
  const clustered = random.map((v, i) => (i % 3000 < 600 ? 4 : 0.05) * v);
  const coded = (name: string, id: number, vector: Float32Array, spec: CodecSpec) => ({
    name,
    id,
    bytes: codec(spec).encode(vector, 1).payload,
  });
  return [
    coded("golomb", 1, random, { select: { topK: 0.01 }, values: "ternary" }),
    {
      name: "runs",
      id: 4,
      bytes: ternaryRuns(Uint32Array.from(random.keys()).filter((i) => i % 90 < 1 + (i % 7))),
    },
    coded("range", 7, clustered, { select: { topK: 0.1 }, values: "ternary" }),
    coded("rans", 0, random, { select: "all", values: { uniform: 8 } }),
    coded("floats", 0, random.subarray(0, LENGTH), { select: "all", values: "float32" }),
    coded("rans of some", 1, random, { select: { topK: 0.01 }, values: { uniform: 4 } }),
  ];
}

/** A payload of ones whose positions are run lengths, though they would be shorter in another way. */
function ternaryRuns(support: Uint32Array): Uint8Array {
  const runs = runLengths(support);
  const writer = byteWriter();
  writer.uint8(0x42);
  runs.writeHead(writer);
  writer.float32(1);
  const bits = bitWriter(writer.region(Math.ceil((runs.bits + support.length) / 8)));
  runs.writePositions(bits);
  bits.writeAll(new Uint8Array(support.length), 1);
  bits.flush();
  return writer.written().slice();
}

it(`${NUM_INPUTS} mutations of long payloads decode to the same bits, or throw the same`, async () => {
  const seeds = payloads();
  for (const { name, id, bytes } of seeds) expect(bytes[0]! >>> 4, name).toBe(id);
  const twin = await scalarDecode();
  expect(seeds.every(({ bytes }) => outcome(twin, bytes) !== null)).toBe(true);
  const codes = new Set<unknown>();
  for (let n = 0; n < NUM_INPUTS; n++) {
    const bytes = mutation(
      seeds.map((seed) => seed.bytes),
      7,
      n,
    );
    const expected = outcome(twin, bytes);
    expect(outcome(decodeAny, bytes), `input ${n}`).toEqual(expected);
    expect(outcome(decodePacked, bytes), `input ${n}, packed`).toEqual(expected);
    codes.add((expected as { code?: string }).code ?? "decoded");
  }
  expect([...codes].sort()).toEqual(
    expect.arrayContaining(["bad-field", "bad-positions", "decoded", "trailing", "truncated"]),
  );
});
