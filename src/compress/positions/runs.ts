import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";
import { bestRice, MAX_PARAMETER, readRice, writeRice } from "./rice.ts";

/**
 * Run lengths (Golomb, 1966): how many coordinates are left out, how many are sent, and so on, both in Rice's code, each
 * with a parameter of its own. The shortest where what is sent lies together, as whole rows or filters do.
 */
export function runLengths(support: Positions): PositionCode {
  const { gaps, runs } = runsOf(support);
  const gapCode = bestRice(gaps);
  const runCode = bestRice(runs);
  return {
    headBytes: varintBytes(runs.length) + 2,
    bits: gapCode.bits + runCode.bits,
    writeHead(writer) {
      writer.varint(runs.length);
      writer.uint8(gapCode.parameter);
      writer.uint8(runCode.parameter);
    },
    writePositions(writer) {
      for (let i = 0; i < runs.length; i++) {
        writeRice(writer, gaps[i]!, gapCode.parameter);
        writeRice(writer, runs[i]!, runCode.parameter);
      }
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
      // [start, end) of every run; that all of them are below `length` is known before their positions take memory.
      const bounds = new Uint32Array(2 * numRuns);
      let [next, count] = [0, 0];
      for (let i = 0; i < numRuns; i++) {
        const gap = readRice(bits, gapParameter, length - 1 - next - (i > 0 ? 1 : 0), place);
        const start = next + gap + (i > 0 ? 1 : 0);
        const end = start + 1 + readRice(bits, runParameter, length - 1 - start, place);
        bounds.set([start, end], 2 * i);
        count += end - start;
        next = end;
      }
      expect(count);
      const positions = new Uint32Array(count);
      let at = 0;
      for (let i = 0; i < numRuns; i++)
        for (let p = bounds[2 * i]!; p < bounds[2 * i + 1]!; p++) positions[at++] = p;
      return positions;
    },
  };
}

/** Lengths as they are written: a gap between two runs and a run are one at least, and less by it. */
function runsOf(support: Positions): { readonly gaps: Uint32Array; readonly runs: Uint32Array } {
  const gaps: number[] = [];
  const runs: number[] = [];
  let next = 0;
  for (const position of support) {
    if (position === next && runs.length > 0) runs[runs.length - 1]!++;
    else {
      gaps.push(position - next - (runs.length > 0 ? 1 : 0));
      runs.push(0);
    }
    next = position + 1;
  }
  return { gaps: Uint32Array.from(gaps), runs: Uint32Array.from(runs) };
}
