import { execFileSync } from "node:child_process";

/** The end-to-end tests and the worker pool run the built files, so every test run starts from a fresh build. */
export default function setup(): void {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
}
