import { execFileSync } from "node:child_process";

/**
 * The end-to-end tests and the worker pool run the built files, so every test run starts from a build of what is here: one,
 * though each project of vitest.config.ts asks for it.
 */
export default function setup(): void {
  if (process.env.FEDPRESS_TESTS_BUILT === "yes") return;
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-stale"], { stdio: "inherit" });
  process.env.FEDPRESS_TESTS_BUILT = "yes";
}
