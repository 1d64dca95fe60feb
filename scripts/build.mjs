// Builds dist/: compiled TypeScript and an executable command. Needs nothing beyond `npm ci`.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";

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

function resolve(path) {
  try {
    return createRequire(import.meta.url).resolve(path);
  } catch {
    return null;
  }
}
