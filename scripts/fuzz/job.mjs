/**
 * The hunt for one target, in chunks that may be finished in any order: `next` gives one to begin (null when none is left,
 * or one has failed), `settle` takes its result. `total` is of the inputs done in a row from the first, so that it is the
 * same however many threads there were; `isSettled` once nothing can change it.
 */
export function huntingJob(name, from, inputs) {
  const total = { codec: name, from, inputs: 0, outcomes: {}, seconds: 0, failure: null };
  const ahead = new Map();
  let begun = 0;
  let hasFailed = false;
  return {
    name,
    total,
    next() {
      if (hasFailed || begun === inputs) return null;
      const start = begun;
      begun = Math.min(inputs, start + CHUNK);
      return { name, start, from: (from + start) >>> 0, inputs: begun - start };
    },
    settle(start, result) {
      hasFailed ||= result.failure !== null;
      ahead.set(start, result);
      for (
        let next = ahead.get(total.inputs);
        next && total.failure === null;
        next = ahead.get(total.inputs)
      ) {
        ahead.delete(total.inputs);
        add(total, next);
      }
    },
    isSettled: () => total.inputs === inputs || total.failure !== null,
  };
}

const CHUNK = 20_000;

function add(total, { inputs, seconds, failure, outcomes }) {
  total.inputs += inputs;
  total.seconds += seconds;
  total.failure = failure;
  for (const [outcome, count] of Object.entries(outcomes))
    total.outcomes[outcome] = (total.outcomes[outcome] ?? 0) + count;
}
