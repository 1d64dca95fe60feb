import { parseArgs } from "node:util";
import { hunt } from "./hunt.mjs";

/**
 * `npm run fuzz`: 0 when nothing was found, 1 when something was, 2 for bad usage, 130 when interrupted. `targets`
 * makes each by its name; `out` takes what was found, `status` the line that is written over.
 */
export async function fuzzCommand(targets, args, { out, status, signal }) {
  const options = optionsOf(args, Object.keys(targets));
  if (typeof options === "string") {
    out(`${options}\n${usage(Object.keys(targets))}`);
    return 2;
  }
  const results = [];
  for (const name of options.codecs) {
    if (signal.aborted) break;
    const onProgress = ({ inputs, seconds, from }) =>
      status(
        `${name} ${inputs} of ${options.inputs}, ${Math.round(inputs / seconds)} a second, seed ${from + inputs}`,
      );
    const result = await hunt(targets[name](), options.from, options.inputs, { signal, onProgress });
    status("");
    results.push(result);
    if (!options.json) out(lineOf(result));
  }
  const interrupted = signal.aborted;
  if (options.json) out(JSON.stringify({ interrupted, results }, null, 2));
  else if (interrupted) out("interrupted: the lines above are what was done");
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
  const [inputs, from] = [Number(values.inputs), Number(values.from)];
  if (!Number.isSafeInteger(inputs) || inputs < 1) return `--inputs ${values.inputs}: expected 1 or more`;
  if (!Number.isInteger(from) || from < 0 || from > 0xffffffff)
    return `--from ${values.from}: expected a seed of 0 to 4294967295`;
  return { codecs: asked.includes("all") ? names : [...new Set(asked)], inputs, from, json: values.json };
}

const OPTIONS = {
  codec: { type: "string", multiple: true },
  inputs: { type: "string", default: "1000000" },
  from: { type: "string", default: "0" },
  json: { type: "boolean", default: false },
};

const usage = (names) =>
  `usage: npm run fuzz -- --codec NAME [--codec NAME]... [--inputs N] [--from SEED] [--json]
  --codec    ${names.join(", ")}, or all
  --inputs   how many for each codec (default: 1000000)
  --from     input i is made from the seed SEED + i (default: 0)`;

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
