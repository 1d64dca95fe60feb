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
  const { gaps, runs } = runsOf(support);
  const gapCode = bestRice(gaps);
  const runCode = bestRice(runs);
  const bits = gapCode.bits + runCode.bits;
  return {
    headBytes: varintBytes(runs.length) + 2,
    bits,
    writeHead(writer) {
      writer.varint(runs.length);
      writer.uint8(gapCode.parameter);
      writer.uint8(runCode.parameter);
    },
    writePositions(writer) {
      const parameters = [gapCode.parameter, runCode.parameter] as const;
      writer.append(riceBytes(byTurns(gaps, runs), parameters, bits), bits);
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

/** Lengths as they are written: a gap between two runs and a run are one at least, and less by it. */
function runsOf(support: Positions): { readonly gaps: Uint32Array; readonly runs: Uint32Array } {
  const gaps = new Uint32Array(support.length);
  const runs = new Uint32Array(support.length);
  let count = 0;
  let next = 0;
  for (let i = 0; i < support.length; i++) {
    const position = support[i]!;
    if (position === next && count > 0) runs[count - 1]!++;
    else {
      gaps[count] = position - next - (count > 0 ? 1 : 0);
      count++;
    }
    next = position + 1;
  }
  return { gaps: gaps.subarray(0, count), runs: runs.subarray(0, count) };
}

function byTurns(a: Uint32Array, b: Uint32Array): Uint32Array {
  const both = new Uint32Array(2 * a.length);
  for (let i = 0; i < a.length; i++) {
    both[2 * i] = a[i]!;
    both[2 * i + 1] = b[i]!;
  }
  return both;
}
