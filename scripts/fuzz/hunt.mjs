import { WireError } from "../../dist/model/error.js";
import { isSameArray } from "./check.mjs";
import { inputOf } from "./mutate.mjs";

/**
 * Feeds a target the inputs of the seeds from, from + 1, ... (each taken modulo 2^32). Every one must be refused with the
 * WireError that the document says, or decode to something that the target's check lets pass. Stops at the first that
 * does neither. `onInput` is told every seed before it is tried.
 */
export function hunt(target, from, inputs, onInput = () => {}) {
  const startMs = performance.now();
  const outcomes = {};
  let done = 0;
  let failure = null;
  for (; done < inputs && failure === null; done++) {
    const seed = (from + done) >>> 0;
    onInput(seed);
    const { outcome, problem, input } = attempt(target, seed);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (problem !== null) failure = failureOf(target, seed, input, problem);
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { codec: target.name, from, inputs: done, outcomes, seconds, failure };
}

export const failureOf = ({ name }, seed, { length, bytes }, problem) => ({
  codec: name,
  seed,
  length,
  hex: Buffer.from(bytes).toString("hex"),
  problem,
});

function attempt(target, seed) {
  const input = inputOf(target, seed);
  const { entry, bytes, length, deep } = input;
  const before = bytes.slice();
  const wrong = (problem, outcome = "wrong") => ({ outcome, problem, input: { length, bytes: before } });
  let decoded;
  let refusal = null;
  try {
    decoded = target.decode(bytes, length, entry);
  } catch (error) {
    if (!(error instanceof WireError)) return wrong(`decode threw ${error}`, "crashed");
    refusal = error.code;
  }
  if (!isSameArray(before, bytes)) return wrong("decode changed its input");
  const expected = target.expected(bytes, length, entry);
  if (refusal !== null)
    return expected.code === refusal
      ? { outcome: refusal, problem: null, input }
      : wrong(`refused as ${refusal}, by the document ${expected.code ?? "valid"}`);
  try {
    const problem = target.check(decoded, { entry, bytes, length, deep, expected });
    return problem === null ? { outcome: "decoded", problem, input } : wrong(problem);
  } catch (error) {
    return wrong(`the check threw ${error}`);
  }
}
