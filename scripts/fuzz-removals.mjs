// Plants the removal of every check of the built decoders, one after the other: the fuzzer must notice each of them.
import { availableParallelism } from "node:os";
import { huntRemovals } from "./fuzz/removal-hunt.mjs";
import { removalsOf, unnoticeable } from "./fuzz/removals.mjs";
import { targets } from "./fuzz/targets.mjs";

const row = ({ file, kind, line, put }, what) =>
  console.log(`${file} | ${kind} | ${kind === "throw" || kind === "limit" ? line : put} | ${what}`);

const removals = removalsOf("dist");
for (const removal of removals) {
  const why = unnoticeable(removal);
  if (why !== null) row(removal, `cannot be noticed: ${why}`);
}
const results = await huntRemovals(
  removals.filter((removal) => unnoticeable(removal) === null),
  {
    inputs: Number(process.argv[2] ?? 300_000),
    names: Object.keys(targets),
    threads: availableParallelism(),
    hangSeconds: 10,
    onResult: ({ caught, ...removal }) =>
      row(
        removal,
        caught === null ? "NOT NOTICED" : `${caught.name} ${caught.inputs ?? ""}: ${caught.problem}`,
      ),
  },
);
const noticed = results.filter(({ caught }) => caught !== null).length;
console.log(
  `${removals.length} removals, ${removals.length - results.length} of which cannot be noticed; of the others ${noticed} noticed, ${results.length - noticed} not`,
);
process.exitCode = noticed === results.length ? 0 : 1;
