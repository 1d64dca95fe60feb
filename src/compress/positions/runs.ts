import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";
import { bestRice, MAX_PARAMETER, readRising, riceBytes } from "./rice.ts";

/**
 * Run lengths (Golomb, 1966): how many coordinates are left out, how many are sent, and so on, both in Rice's code, each
 * with a parameter of its own. The shortest where what is sent lies together, as whole rows or filters do.
 */
export function runLengths(support: Positions): PositionCode {
  const numbers = gapsAndRuns(support);
  const gapCode = bestRice(everyOther(numbers, 0));
  const runCode = bestRice(everyOther(numbers, 1));
  const numRuns = numbers.length / 2;
  const bits = gapCode.bits + runCode.bits;
  return {
    headBytes: varintBytes(numRuns) + 2,
    bits,
    writeHead(writer) {
      writer.varint(numRuns);
      writer.uint8(gapCode.parameter);
      writer.uint8(runCode.parameter);
    },
    writePositions(writer) {
      writer.append(riceBytes(numbers, [gapCode.parameter, runCode.parameter], bits), bits);
    },
  };
}

export function readRunLengths(reader: ByteReader, length: number): PositionReader {
  const numRuns = readPositionCount(reader, 1, length);
  const gapParameter = reader.uint8("gap parameter", 0, MAX_PARAMETER);
  const runParameter = reader.uint8("run parameter", 0, MAX_PARAMETER);
  return {
    count: null,
    leastBits: numRuns * (2 + gapParameter + runParameter),
    read(bits, place, expect) {
      // The first and the last of every run; that all are below `length` is known before their positions take memory.
      const parameters = [gapParameter, runParameter] as const;
      const bounds = readRising(bits, 2 * numRuns, { parameters, steps: [0, 2], length }, place);
      let count = 0;
      for (let i = 0; i < bounds.length; i += 2) count += bounds[i + 1]! - bounds[i]! + 1;
      expect(count);
      const positions = new Uint32Array(count);
      let at = 0;
      for (let i = 0; i < bounds.length; i += 2)
        for (let p = bounds[i]!; p <= bounds[i + 1]!; p++) positions[at++] = p;
      return positions;
    },
  };
}

/** Gap and run by turns, as they are written: a gap between two runs and a run are one at least, and less by it. */
function gapsAndRuns(support: Positions): Uint32Array {
  const numbers = new Uint32Array(2 * support.length);
  let [at, next] = [-1, 0];
  for (let i = 0; i < support.length; i++) {
    const position = support[i]!;
    if (position === next && at > 0) numbers[at]!++;
    else {
      numbers[at + 1] = position - next - (at > 0 ? 1 : 0);
      at += 2;
    }
    next = position + 1;
  }
  return numbers.subarray(0, at + 1);
}

function everyOther(numbers: Uint32Array, from: number): Uint32Array {
  const half = new Uint32Array(numbers.length / 2);
  for (let i = 0; i < half.length; i++) half[i] = numbers[2 * i + from]!;
  return half;
}
