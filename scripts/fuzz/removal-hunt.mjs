import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { planted } from "./removals.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Does the fuzzer notice that a check is gone? Plants each removal in a copy of the build and hunts it, target after
 * target, until one finds something; at most `inputs` a target. Gives for each removal which target it was, at how many
 * inputs, and what was found; or null as `caught`. Throws when it finds something without a removal, which would prove nothing.
 */
export async function huntRemovals(removals, { inputs, names, threads, hangSeconds, onResult = () => {} }) {
  const results = [];
  const waiting = removals.entries();
  const signal = new AbortController().signal;
  const run = async () => {
    const copy = copyOfBuild();
    try {
      const { huntingThread } = await import(`${copy.url}scripts/fuzz/thread.mjs`);
      const hunted = async (stages, ordered) => {
        const thread = huntingThread(`${copy.url}scripts/fuzz/targets.mjs`, { hangSeconds, signal });
        const found = await firstFound(thread, stages, ordered);
        await thread.end();
        return found;
      };
      const control = await hunted([{ from: 0, inputs: 500 }], names);
      if (control !== null) throw new Error(`found without a removal: ${JSON.stringify(control)}`);
      for (const [i, removal] of waiting) {
        const path = join(copy.folder, "dist", removal.file);
        const text = readFileSync(path, "utf8");
        writeFileSync(path, planted(text, removal));
        const caught = await hunted(stagesOf(inputs), likelyFirst(names, removal.file));
        writeFileSync(path, text);
        results[i] = { ...removal, caught };
        onResult(results[i]);
      }
    } finally {
      rmSync(copy.folder, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: threads }, run));
  return results;
}

async function firstFound(thread, stages, names) {
  for (const stage of stages)
    for (const name of names) {
      const { lost, failure, inputs } = await thread.hunt({ name, ...stage });
      if (lost !== undefined) return { name, problem: lost };
      if (failure !== null) return { name, inputs: stage.from + inputs, problem: failure.problem };
    }
  return null;
}

/** A little of every target first. */
function stagesOf(inputs) {
  const little = Math.min(inputs, 3000);
  return inputs > little
    ? [
        { from: 0, inputs: little },
        { from: little, inputs: inputs - little },
      ]
    : [{ from: 0, inputs }];
}

const HINTS = {
  wire: ["frame"],
  rans: ["codebook", "uniform"],
  "range-coder": ["range"],
  rice: ["runs", "golomb"],
  "golomb-rice": ["golomb", "elias-fano"],
  table: ["codebook", "levels"],
  "error-feedback": ["frame"],
};

/** The targets that a file's name points to, then the others. */
function likelyFirst(names, file) {
  const [room] = file.split("/");
  const idea = file.split("/").at(-1).replace(".js", "");
  const likely = [idea, ...(HINTS[room] ?? HINTS[idea] ?? [])].filter((name) => names.includes(name));
  return [...new Set([...likely, ...names])];
}

function copyOfBuild() {
  const folder = mkdtempSync(join(tmpdir(), "fedpress-removals-"));
  for (const part of ["dist", "scripts/fuzz", "package.json"]) {
    mkdirSync(join(folder, part, ".."), { recursive: true });
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return { folder, url: `${pathToFileURL(folder).href}/` };
}
