import { readFileSync } from "node:fs";

/** From package.json, which stands two folders up in the sources and in the build alike. */
export const version: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;
