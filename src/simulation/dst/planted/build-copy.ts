import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PlantedBug, planted } from "./bug.ts";

/** A copy of the build to plant bugs in, one at a time. */
export interface BuildCopy {
  readonly plant: (bug: PlantedBug) => void;
  /** As it was built. */
  readonly restore: () => void;
  readonly path: (file: string) => string;
  readonly remove: () => void;
}

/** The project's folder, from the source as from the build. */
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

export const built = (file: string): string => readFileSync(join(ROOT, "dist", file), "utf8");

export function copyOfBuild(): BuildCopy {
  const folder = mkdtempSync(join(tmpdir(), "fedpress-planted-"));
  mkdirSync(join(folder, "dist"));
  cpSync(join(ROOT, "dist"), join(folder, "dist"), {
    recursive: true,
    filter: (path) => !path.endsWith(".map"),
  });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  let changed: readonly string[] = [];
  const write = (file: string, text: string): void => writeFileSync(join(folder, "dist", file), text);
  const restore = (): void => {
    for (const file of changed) write(file, built(file));
    changed = [];
  };
  return {
    restore,
    plant: ({ changes }) => {
      restore();
      const texts = new Map<string, string>();
      for (const change of changes)
        texts.set(change.file, planted(texts.get(change.file) ?? built(change.file), change));
      changed = [...texts.keys()];
      for (const [file, text] of texts) write(file, text);
    },
    path: (file) => join(folder, "dist", file),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
