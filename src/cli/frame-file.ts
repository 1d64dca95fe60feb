import { readFileSync, statSync } from "node:fs";
import { WireError } from "../model/error.ts";

/** A file that should hold one frame: refused by its size, before it is read, when it is larger than a frame may be. */
export function readFrameFile(file: string, frameBytes: number): Uint8Array {
  const stat = statSync(file);
  if (!stat.isFile()) throw new Error(`${file} is not a file`);
  if (stat.size > frameBytes)
    throw new WireError("too-large", "frame", `${stat.size} bytes, expected at most ${frameBytes}`);
  return readFileSync(file);
}
