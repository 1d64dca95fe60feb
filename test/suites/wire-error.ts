import { expect } from "vitest";
import { WireError, type WireErrorCode } from "../../src/model/error.ts";

/** The WireError that `run` throws; anything else it may throw passes through, and a result fails the test. */
export function wireErrorOf(run: () => unknown): WireError {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  return expect.fail(`decoded to ${JSON.stringify(result)}`);
}

export const wireErrorCode = (run: () => unknown): WireErrorCode => wireErrorOf(run).code;
