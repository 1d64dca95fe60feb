import type { PositionCode, PositionReader } from "./coder.ts";

/** Every coordinate is sent, in order: nothing to write. */
export const allPositions: PositionCode = {
  headBytes: 0,
  bits: 0,
  writeHead: () => {},
  writePositions: () => {},
};

export const readAllPositions = (length: number): PositionReader => ({
  count: length,
  leastBits: 0,
  read: () => null,
});
