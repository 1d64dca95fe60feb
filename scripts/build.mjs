// Builds dist/: compiled TypeScript and an executable command. Needs nothing beyond `npm ci`. With --if-stale only where
// something it is made of is newer, or gone.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";

if (process.argv.includes("--if-stale") && isFresh()) process.exit(0);
const compiler = resolve("typescript/bin/tsc");
if (compiler === null) {
  // An install without development packages: what was built before is all that is needed.
  if (existsSync("dist/cli/main.js")) process.exit(0);
  console.error(
    "fedpress: TypeScript is not installed and dist/ is not built: run `npm ci` with development packages",
  );
  process.exit(1);
}
// Built aside and then put in place, so that a type error leaves the last build as it was.
rmSync("dist.new", { recursive: true, force: true });
const options = ["-p", "tsconfig.build.json", "--outDir", "dist.new"];
try {
  execFileSync(process.execPath, [compiler, ...options], { stdio: "inherit" });
} catch {
  rmSync("dist.new", { recursive: true, force: true });
  process.exit(1);
}
chmodSync("dist.new/cli/main.js", 0o755);
rmSync("dist", { recursive: true, force: true });
renameSync("dist.new", "dist");

function isFresh() {
  if (!existsSync("dist/cli/main.js")) return false;
  const filesOf = (folder, end) =>
    readdirSync(folder, { recursive: true }).filter(
      (path) => path.endsWith(end) && !path.startsWith("kernels/as"),
    );
  const sources = filesOf("src", ".ts");
  if (sources.length !== filesOf("dist", ".js").length) return false;
  if (!sources.every((path) => existsSync(`dist/${path.replace(/\.ts$/, ".js")}`))) return false;
  const builtMs = statSync("dist/cli/main.js").mtimeMs;
  const made = [
    ...sources.map((path) => `src/${path}`),
    "tsconfig.json",
    "tsconfig.build.json",
    "package-lock.json",
  ];
  return made.every((path) => statSync(path).mtimeMs < builtMs);
}

function resolve(path) {
  try {
    return createRequire(import.meta.url).resolve(path);
  } catch {
    return null;
  }
}
