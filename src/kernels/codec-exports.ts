import type { Pointer } from "./kernels.ts";

/**
 * What src/kernels/as/codec exports: loops over arrays in the module's memory, which never allocate. Outputs may not
 * overlap inputs, except that transforms are in place.
 */
export interface CodecExports {
  isFinite(values: Pointer, count: number): number;
  maxMagnitude(values: Pointer, count: number): number;
  measure(values: Pointer, count: number, squares: Pointer): number;
  countHigh(values: Pointer, count: number, tables: Pointer): void;
  countLow(
    values: Pointer,
    count: number,
    known: number,
    prefix: number,
    shift: number,
    table: Pointer,
  ): void;
  selectAtLeast(
    values: Pointer,
    count: number,
    first: number,
    least: number,
    ties: Pointer,
    out: Pointer,
  ): number;
  selectNonZero(values: Pointer, count: number, first: number, out: Pointer): number;
  uniformCodes(values: Pointer, count: number, scale: number, steps: number, codes: Pointer): void;
  draw(state: Pointer, count: number, out: Pointer): void;
  drawLanes(state: Pointer, out: Pointer): void;
  stochasticLevels(
    values: Pointer,
    draws: Pointer,
    count: number,
    scale: number,
    steps: number,
    levels: Pointer,
  ): number;
  addLevels(values: Pointer, levels: Pointer, count: number, sums: Pointer): void;
  levelCodes(levels: Pointer, count: number, steps: number, codes: Pointer): void;
  lookUp(table: Pointer, codes: Pointer, count: number, values: Pointer): void;
  lookUp64(table: Pointer, codes: Pointer, count: number, values: Pointer): void;
  signCodes(values: Pointer, count: number, scale: number, codes: Pointer, signed: Pointer): void;
  pack(codes: Pointer, count: number, width: number, out: Pointer): void;
  unpack(packed: Pointer, count: number, width: number, codes: Pointer): void;
  addOnGrid(sums: Pointer, values: Pointer, count: number, scale: number): void;
  addAtOnGrid(sums: Pointer, positions: Pointer, values: Pointer, count: number, scale: number): void;
  addEntries(sums: Pointer, codes: Pointer, count: number, table: Pointer): void;
  addEntriesAt(sums: Pointer, positions: Pointer, codes: Pointer, count: number, table: Pointer): void;
  addSums(sums: Pointer, others: Pointer, count: number): void;
  means(sums: Pointer, weights: Pointer, count: number, quantum: number, out: Pointer): void;
  shiftBits(bytes: Pointer, count: number, shift: number, carry: number, out: Pointer): void;
  countBytes(bytes: Pointer, count: number, tables: Pointer): void;
  ransEncode(symbols: Pointer, count: number, table: Pointer, states: Pointer, out: Pointer): Pointer;
  ransDecode(words: Pointer, count: number, table: Pointer, states: Pointer, symbols: Pointer): Pointer;
  encodeGaps(positions: Pointer, count: number, contexts: Pointer, state: Pointer, out: Pointer): Pointer;
  decodeGaps(
    state: Pointer,
    last: Pointer,
    contexts: Pointer,
    length: number,
    count: number,
    positions: Pointer,
  ): number;
  sumShifted(numbers: Pointer, count: number, shift: number): number;
  riceEncode(
    numbers: Pointer,
    count: number,
    first: number,
    second: number,
    out: Pointer,
    held: number,
  ): number;
  riceDecode(
    bytes: Pointer,
    numBits: number,
    count: number,
    first: number,
    second: number,
    firstStep: number,
    secondStep: number,
    length: number,
    state: Pointer,
    out: Pointer,
  ): number;
  flip(data: Pointer, signs: Pointer, count: number): void;
  hadamard(data: Pointer, size: number): void;
  edenCodes(
    data: Pointer,
    count: number,
    unit: number,
    share: number,
    limits: Pointer,
    numLimits: number,
    centroids: Pointer,
    codes: Pointer,
    sums: Pointer,
  ): void;
  scaleSums(sums: Pointer, count: number, scale: number, share: number, values: Pointer): void;
  historyClasses(
    planes: Pointer,
    stride: number,
    count: number,
    layer: number,
    tables: Pointer,
    weights: Pointer,
    base: number,
    classes: Pointer,
  ): void;
  historyLearn(
    planes: Pointer,
    stride: number,
    count: number,
    layer: number,
    tables: Pointer,
    weights: Pointer,
    base: number,
    sent: Pointer,
    probabilities: Pointer,
    hits: Pointer,
  ): void;
}
