import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readJsonl } from "../../src/data/jsonl.ts";
import { words } from "../../src/data/tokens.ts";
import { temporaryFolder } from "../temporary.ts";

const path = join(temporaryFolder(), "t.jsonl");
const options = { input: "x", label: "y", text: { steps: 3, vocabulary: 20 } };
const read = (...examples: readonly unknown[]) => {
  writeFileSync(path, examples.map((x) => `${JSON.stringify({ x, y: 0 })}\n`).join(""));
  return readJsonl(path, options);
};

describe("readJsonl", () => {
  const irregular: Readonly<Record<string, unknown>> = {
    "lists of other lengths whose sum fits": [[1, 2], [3], [4, 5, 6]],
    "lists of other lengths further in": [
      [[1, 2], [3]],
      [[4], [5, 6]],
    ],
    "lists and numbers": [[1], 2],
    "numbers and lists": [1, [2]],
    "lists deeper than the first": [[1, 2], [[3, 4]]],
    "empty lists": [[], []],
    "empty lists further in": [[[]], [[]]],
  };
  for (const [name, x] of Object.entries(irregular))
    it(`refuses ${name}`, () => {
      expect(() => read([1], x)).toThrow("t.jsonl:2: x: ");
      expect(() => read(x)).toThrow(/t.jsonl:1: x: .*, expected lists of one length in each of at most 3/);
    });

  it("refuses an empty list", () => {
    expect(() => read([1], [])).toThrow("t.jsonl:2: x: [], expected a list of numbers");
  });

  it("takes three dimensions, in their order", () => {
    const cube = [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
      [
        [9, 10],
        [11, 12],
      ],
    ];
    const data = read(cube, cube);
    expect(data.inputShape).toEqual([3, 2, 2]);
    expect([...data.inputs]).toEqual([...cube.flat(2), ...cube.flat(2)]);
    expect(data.inputs.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("cuts long texts and pads short ones", () => {
    const [a, b, c] = words("a b c", 20);
    expect([...read("a b c d", "b").inputs]).toEqual([a, b, c, b, 0, 0]);
  });

  it("names the line and field of a label that is no class, blank lines counted", () => {
    writeFileSync(path, '{"x": [1], "y": 0}\n \n\n{"x": [2], "y": 7}\n');
    expect(() => readJsonl(path, { ...options, classes: 3 })).toThrow(/t.jsonl:4: y: 7, expected a class/);
  });

  it("says where it is not UTF-8", () => {
    writeFileSync(path, Buffer.from('{"x": [1], "y": "a"}\n{"x": [2], "y": "\u00e9"}\n', "latin1"));
    expect(() => readJsonl(path, options)).toThrow(/t.jsonl:2: .*, expected UTF-8 text/);
  });

  it("keeps nothing of a line but its label: 300,000 in 64 MB", () => {
    writeFileSync(path, '{"x":[1],"y":0}\n'.repeat(300_000));
    const script = `import { readJsonl } from "./dist/data/jsonl.js";
      console.log(readJsonl(${JSON.stringify(path)}, ${JSON.stringify(options)}).inputs.length);`;
    const node = ["--max-old-space-size=64", "--input-type=module", "--eval", script];
    expect(execFileSync(process.execPath, node, { encoding: "utf8", stdio: "pipe" })).toBe("300000\n");
  });
});
