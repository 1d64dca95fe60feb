import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readFrameFile } from "../../src/cli/frame-file.ts";
import { WireError } from "../../src/model/error.ts";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder();

test("a file of the size of a frame is read", () => {
  const file = join(folder, "small");
  writeFileSync(file, "frame");
  expect(Buffer.from(readFrameFile(file, 5)).toString()).toBe("frame");
});

test("a larger one is refused before it is read", () => {
  const file = join(folder, "huge");
  writeFileSync(file, "");
  truncateSync(file, 2 ** 40); // a terabyte with nothing in it: reading it would fail by itself, and otherwise
  const error = (() => {
    try {
      return readFrameFile(file, 2 ** 26);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(WireError);
  expect((error as WireError).code).toBe("too-large");
});

test("a folder, and what is not there, are errors that name it", () => {
  expect(() => readFrameFile(folder, 5)).toThrow(`${folder} is not a file`);
  expect(() => readFrameFile(join(folder, "none"), 5)).toThrow("no such file");
});
