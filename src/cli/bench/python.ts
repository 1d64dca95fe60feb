import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** glibc's malloc gives large buffers back after each use, which costs the peer more than its arithmetic: told not to. */
const KEEP_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: "1073741824",
  MALLOC_TRIM_THRESHOLD_: "4294967296",
  MALLOC_TOP_PAD_: "268435456",
};

/** A python3 that can import a module; null when there is none. */
export function pythonWith(module: string): string | null {
  for (const python of ["python3", "/usr/bin/python3"])
    try {
      execFileSync(python, ["-c", `import ${module}`], { stdio: "ignore" });
      return python;
    } catch {
      // the next one may have it
    }
  return null;
}

/** What a script in bench/ prints. */
export const runPython = (python: string, script: string, args: readonly (string | number)[]): string =>
  execFileSync(
    python,
    [fileURLToPath(new URL(`../../bench/${script}`, import.meta.url)), ...args.map(String)],
    { encoding: "utf8", env: { ...process.env, ...KEEP_MEMORY } },
  );
