import { WireError } from "../../dist/model/error.js";
import { inputOf } from "./mutate.mjs";

/**
 * Feeds a target the inputs of the seeds from, from + 1, ... (each taken modulo 2^32). Every one must decode to
 * something that the target's check lets pass, or throw WireError. Stops at the first that does neither. Once
 * `signal` aborts it gives what was done; `onProgress` is told some times a second.
 */
export async function hunt(target, from, inputs, { signal, onProgress = () => {} } = {}) {
  const startMs = performance.now();
  const outcomes = {};
  let done = 0;
  let failure = null;
  const tally = () => ({
    codec: target.name,
    from,
    inputs: done,
    outcomes,
    seconds: (performance.now() - startMs) / 1000,
    failure,
  });
  while (done < inputs && failure === null && !signal?.aborted) {
    const end = Math.min(inputs, done + CHUNK);
    for (; done < end && failure === null; done++) {
      const seed = (from + done) >>> 0;
      const { outcome, problem, input } = attempt(target, seed);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (problem !== null)
        failure = { codec: target.name, seed, length: input.length, hex: hexOf(input.bytes), problem };
    }
    onProgress(tally());
    await new Promise(setImmediate); // lets signals in
  }
  return tally();
}

const CHUNK = 10_000;

function attempt(target, seed) {
  const input = inputOf(target, seed);
  const { entry, bytes, length, deep } = input;
  const before = bytes.slice();
  let decoded;
  try {
    decoded = target.decode(bytes, length, entry);
  } catch (error) {
    const isRefusal = error instanceof WireError;
    return isRefusal
      ? { outcome: error.code, problem: null, input }
      : { outcome: "crashed", problem: `decode threw ${error}`, input: { length, bytes: before } };
  }
  let problem = null;
  try {
    problem = target.check(decoded, { entry, bytes, length, deep });
  } catch (error) {
    problem = `the check threw ${error}`;
  }
  if (problem === null && before.some((byte, i) => byte !== bytes[i])) problem = "decode changed its input";
  return { outcome: problem === null ? "decoded" : "wrong", problem, input: { length, bytes: before } };
}

const hexOf = (bytes) => Buffer.from(bytes).toString("hex");
