import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { huntAll, shareOf } from "./pool.mjs";

/**
 * `npm run fuzz`: 0 when nothing was found, 1 when something was, 2 for bad usage, 130 when interrupted. `module` exports
 * the targets by their names; `out` takes what was found, `status` the line that is written over.
 */
export async function fuzzCommand(module, args, { out, status, signal }) {
  const { targets, slowness } = await import(module);
  const names = Object.keys(targets);
  const options = optionsOf(args, names);
  if (typeof options === "string") {
    out(`${options}\n${usage(names)}`);
    return 2;
  }
  const startMs = performance.now();
  const total = options.codecs.reduce((sum, name) => sum + shareOf(options.inputs, name, slowness), 0);
  const results = [];
  await huntAll(module, options.codecs, {
    ...options,
    signal,
    onProgress: (done) => status(progressLine(done, total, (performance.now() - startMs) / 1000)),
    onResult(result) {
      results.push(result);
      status("");
      if (!options.json) out(lineOf(result));
    },
  });
  status("");
  const interrupted = signal.aborted;
  if (options.json) out(JSON.stringify({ interrupted, results }, null, 2));
  else if (interrupted)
    out("interrupted: the lines above are what was done; --from plus its inputs is where a target goes on");
  else out(closingLine(results, options, (performance.now() - startMs) / 1000));
  if (results.some(({ failure }) => failure !== null)) return 1;
  return interrupted ? 130 : 0;
}

function optionsOf(args, names) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: OPTIONS }));
  } catch (error) {
    return error.message;
  }
  const asked = values.codec ?? [];
  const unknown = asked.find((name) => name !== "all" && !names.includes(name));
  if (asked.length === 0) return "--codec is missing";
  if (unknown !== undefined) return `--codec ${unknown}: no such codec`;
  const [inputs, from, threads] = [values.inputs, values.from, values.threads].map(Number);
  const hangSeconds = Number(values.hang);
  if (!Number.isSafeInteger(inputs) || inputs < 1) return `--inputs ${values.inputs}: expected 1 or more`;
  if (!Number.isInteger(from) || from < 0 || from > 0xffffffff)
    return `--from ${values.from}: expected a seed of 0 to 4294967295`;
  if (!Number.isInteger(threads) || threads < 1 || threads > 64)
    return `--threads ${values.threads}: expected 1 to 64`;
  if (!(hangSeconds > 0)) return `--hang ${values.hang}: expected seconds above 0`;
  const codecs = asked.includes("all") ? names : [...new Set(asked)];
  return { codecs, inputs, from, threads, hangSeconds, json: values.json };
}

const OPTIONS = {
  codec: { type: "string", multiple: true },
  inputs: { type: "string", default: "1000000" },
  from: { type: "string", default: "0" },
  threads: { type: "string", default: String(Math.min(16, availableParallelism())) },
  hang: { type: "string", default: "10" },
  json: { type: "boolean", default: false },
};

const usage = (names) =>
  `usage: npm run fuzz -- --codec NAME [--codec NAME]... [--inputs N] [--from SEED] [--threads N] [--hang S] [--json]
  --codec    ${names.join(", ")}, or all
  --inputs   how many for each codec, fewer where one takes long (default: 1000000)
  --from     input i is made from the seed SEED + i (default: 0)
  --threads  which find the same, however many (default: one a core)
  --hang     seconds that one input may take (default: 10)`;

function progressLine(done, total, seconds) {
  const rate = done / seconds;
  const left = Math.round((total - done) / rate);
  return `${done} of ${total} inputs, ${Math.round(rate)} a second, ${left} s left`;
}

function closingLine(results, { codecs }, seconds) {
  const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
  const found = results.filter(({ failure }) => failure !== null).length;
  return `${inputs} inputs for ${codecs.length} targets in ${Math.round(seconds)} s: ${found === 0 ? "nothing found" : `found something in ${found}`}`;
}

function lineOf({ codec, from, inputs, outcomes, seconds, failure }) {
  const counts = Object.entries(outcomes)
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${outcome} ${count}`);
  const line = `${codec.padEnd(10)} ${String(inputs).padStart(10)} inputs from ${from} in ${seconds.toFixed(1)} s: ${counts.join(", ")}`;
  if (failure === null) return line;
  const { seed, length, hex, problem } = failure;
  return `${line}
FAILED     ${problem}
  codec    ${codec}
  seed     ${seed}
  length   ${length}
  hex      ${hex}
  replay   npm run fuzz -- --codec ${codec} --inputs 1 --from ${seed}`;
}
