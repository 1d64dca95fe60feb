import { bitReader, bitWriter } from "../../compress/bits.ts";
import { byteReader, byteWriter } from "../../compress/bytes.ts";
import { codec } from "../../compress/codec.ts";
import { frequenciesOf } from "../../compress/entropy/rans.ts";
import { golombRice, readGolombRice } from "../../compress/positions/golomb-rice.ts";
import { reusedScratch } from "../../compress/scratch.ts";
import { topK } from "../../compress/select.ts";
import { take } from "../../compress/take.ts";
import { levelTable } from "../../compress/values/scale.ts";
import { codecKernels } from "../../kernels/codec.ts";
import { type ExactSums, exactSums } from "../../kernels/exact-sums.ts";
import { derive } from "../../model/rng.ts";

/** One of the loops that codecs are made of. */
interface KernelSubject {
  readonly about: string;
  /** What it does so many of. */
  readonly unit: string;
  readonly count: number;
  /** What it reads: the copy that it is compared with is of as many bytes. */
  readonly bytes: number;
  readonly run: () => unknown;
}

export interface KernelRow {
  readonly kernel: string;
  readonly about: string;
  readonly unit: string;
  readonly milliseconds: number;
  /** 10^6 units a second. */
  readonly speed: number;
  /** 10^6 bytes of what it reads a second; and the same bytes copied in the same turns. */
  readonly MBps: number;
  readonly copyMBps: number;
  /** How often those bytes could be copied in memory meanwhile. */
  readonly copies: number;
}

/** The fastest of twenty times `turns` runs of each on one vector, not all of it zero. */
export function measureKernels(vector: Float32Array, turns: number): readonly KernelRow[] {
  return Object.entries(kernelSubjects(vector)).map(([kernel, { about, unit, count, bytes, run }]) => {
    const [from, to] = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes)];
    const [milliseconds, copyMs] = fastest(20 * turns, [run, () => to.set(from)]);
    return {
      kernel,
      about,
      unit,
      milliseconds,
      speed: count / 1000 / milliseconds,
      MBps: bytes / 1000 / milliseconds,
      copyMBps: bytes / 1000 / copyMs,
      copies: milliseconds / copyMs,
    };
  });
}

/** Milliseconds of the fastest run of each, in turns: they are so short that whatever else is going on only adds. */
function fastest(turns: number, [first, second]: readonly [() => unknown, () => unknown]) {
  const once = (action: () => unknown): number => {
    const startMs = performance.now();
    action();
    return performance.now() - startMs;
  };
  let [a, b] = [Infinity, Infinity];
  for (let turn = 0; turn < turns; turn++) {
    a = Math.min(a, once(first));
    b = Math.min(b, once(second));
  }
  return [a, b] as const;
}

const STEPS = 127;
const DENSITY = 0.01;

function kernelSubjects(vector: Float32Array): Readonly<Record<string, KernelSubject>> {
  const { length } = vector;
  const kernels = codecKernels(length);
  const scale = kernels.maxMagnitude(vector);
  const table = levelTable(scale, STEPS);
  const quantize = () =>
    kernels.levelCodes(kernels.stochasticLevels(vector, derive(1, "bench"), scale, STEPS).levels, STEPS);
  const codes = quantize();
  const perQuantum = 2 ** 40 / scale;
  const sums = exactSums(length);
  const of = (unit: string, count: number, bytes: number) => ({ unit, count, bytes });
  const all = of("coordinates", length, vector.byteLength);
  return {
    select: { about: "the top 1 %", ...all, run: () => topK(vector, Math.ceil(DENSITY * length)) },
    quantize: { about: "stochastic, to int8", ...all, run: quantize },
    dequantizeAdd: {
      about: "int8 levels, times a weight onto an exact tally",
      ...all,
      run: () => sums.add(0, { codes, table }, perQuantum),
    },
    ...symbolSubjects(codes),
    ...positionSubjects(vector, sums, perQuantum),
    ...updateSubjects(vector, sums, perQuantum),
  };
}

function symbolSubjects(codes: Uint8Array): Readonly<Record<string, KernelSubject>> {
  const kernels = codecKernels(codes.length);
  const frequencies = frequenciesOf(kernels.countBytes(codes));
  const code = kernels.ransEncode(codes, frequencies);
  const all = { unit: "symbols", count: codes.length, bytes: codes.length };
  return {
    ransEncode: { about: "int8 levels", ...all, run: () => kernels.ransEncode(codes, frequencies) },
    ransDecode: {
      about: "int8 levels",
      ...all,
      run: () => kernels.ransDecode(code, frequencies, codes.length),
    },
  };
}

function positionSubjects(
  vector: Float32Array,
  sums: ExactSums,
  perQuantum: number,
): Readonly<Record<string, KernelSubject>> {
  const { length } = vector;
  const support = topK(vector, Math.ceil(DENSITY * length));
  const values = take(vector, support);
  const kernels = codecKernels(support.length);
  const coded = kernels.encodeGaps(support);
  const bins = { unit: "bins", count: binsOf(support), bytes: support.byteLength };
  const all = { unit: "positions", count: support.length, bytes: support.byteLength };
  const golomb = golombOf(support);
  return {
    rangeEncode: { about: "gaps of the top 1 %", ...bins, run: () => kernels.encodeGaps(support) },
    rangeDecode: { about: "likewise", ...bins, run: () => kernels.decodeGaps(coded, support.length, length) },
    golombEncode: { about: "gaps of the top 1 %", ...all, run: () => golombOf(support) },
    golombDecode: {
      about: "likewise",
      ...all,
      run: () =>
        readGolombRice(byteReader(golomb.head, "golomb"), length).read(
          bitReader(golomb.bits, "golomb"),
          "golomb",
          () => {},
        ),
    },
    gather: { about: "the values of the top 1 %", ...all, run: () => take(vector, support) },
    scatterAdd: {
      about: "the top 1 %, times a weight onto an exact tally",
      ...all,
      run: () => sums.addAt(0, support, values, perQuantum),
    },
  };
}

function updateSubjects(
  vector: Float32Array,
  sums: ExactSums,
  perQuantum: number,
): Readonly<Record<string, KernelSubject>> {
  const { encode, decode } = codec({ select: { topK: DENSITY }, values: "ternary" });
  const { payload } = encode(vector, 1);
  const scratch = reusedScratch();
  const all = { unit: "coordinates", count: vector.length, bytes: vector.byteLength };
  return {
    ternaryEncode: { about: "a whole update: top 1 %, ternary", ...all, run: () => encode(vector, 1) },
    ternaryDecodeAdd: {
      about: "the same, onto an exact tally",
      ...all,
      run() {
        scratch.reset();
        const { support, packed } = decode(payload, vector.length, "payload", scratch);
        sums.addAt(0, support!, packed!, perQuantum);
      },
    },
  };
}

function golombOf(support: Uint32Array): { readonly head: Uint8Array; readonly bits: Uint8Array } {
  const code = golombRice(support);
  const head = byteWriter();
  code.writeHead(head);
  const bits = new Uint8Array(Math.ceil(code.bits / 8));
  const writer = bitWriter(bits);
  code.writePositions(writer);
  writer.flush();
  return { head: head.written(), bits };
}

/** How many bins the range coder makes of gaps: of gap + 1, n + 1 digits, n + 1 and n. */
function binsOf(support: Uint32Array): number {
  let [bins, next] = [0, 0];
  for (const position of support) {
    bins += 2 * (31 - Math.clz32(position - next + 1)) + 1;
    next = position + 1;
  }
  return bins;
}
