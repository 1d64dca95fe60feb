/**
 * The hunt for one target, in chunks that may be finished in any order: `next` gives one to begin (null when there is none
 * left, or one before it failed), `settle` takes its result. `result` is of the inputs done in a row from the first, so
 * that it is the same however many threads there were; `isSettled` once nothing can change it.
 */
export function huntingJob(name, from, inputs) {
  const results = new Map();
  let begun = 0;
  let hasFailed = false;
  const inRow = () => {
    const row = [];
    for (let at = 0; results.has(at); at += results.get(at).inputs) {
      row.push(results.get(at));
      if (results.get(at).failure !== null) break;
    }
    return row;
  };
  const result = () => {
    const total = { codec: name, from, inputs: 0, outcomes: {}, seconds: 0, failure: null };
    for (const part of inRow()) {
      total.inputs += part.inputs;
      total.seconds += part.seconds;
      total.failure = part.failure;
      for (const [outcome, count] of Object.entries(part.outcomes))
        total.outcomes[outcome] = (total.outcomes[outcome] ?? 0) + count;
    }
    return total;
  };
  return {
    next() {
      if (hasFailed || begun === inputs) return null;
      const start = begun;
      begun = Math.min(inputs, start + CHUNK);
      return { start, from: (from + start) >>> 0, inputs: begun - start };
    },
    settle(start, part) {
      results.set(start, part);
      hasFailed ||= part.failure !== null;
    },
    result,
    isSettled() {
      const { inputs: done, failure } = result();
      return done === inputs || failure !== null;
    },
  };
}

const CHUNK = 20_000;
