import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CsvOptions, readCsv } from "../../src/data/csv.ts";
import type { Dataset } from "../../src/model/dataset.ts";
import { ConfigError } from "../../src/model/error.ts";
import { temporaryFolder } from "../temporary.ts";

const file = (text: string): string => {
  const path = join(temporaryFolder(), "table.csv");
  writeFileSync(path, text);
  return path;
};

const read = (text: string, options: Partial<CsvOptions> = {}): Dataset =>
  readCsv(file(text), { label: "y", ...options });

describe("readCsv", () => {
  it("standardises each column over the rows and keeps the label out", () => {
    const data = read("a,y,b\n1,0,5\n3,1,5\n");
    expect(data.inputShape).toEqual([2]);
    expect([...data.inputs]).toEqual([-1, 0, 1, 0]); // column a: mean 2, deviation 1; column b is constant
    expect([...data.labels]).toEqual([0, 1]);
    expect(data.numClasses).toBe(2);
  });

  it("tells numbers apart that float32 does not, whatever the first is", () => {
    const near = Array.from({ length: 9 }, (_, i) => 7 * i);
    const scaled = read(`t,y\n${near.map((t) => `${t},0\n`).join("")}`).inputs;
    const far = near.map((t) => `${1_600_000_000 + t},0\n`).join("");
    expect([...read(`t,y\n${far}`).inputs]).toEqual([...scaled]);
    const late = read(`t,u,y\n${near.map((t) => `${(t - 28) / 1e44},${1e9 + t / 1e3},0\n`).join("")}`).inputs;
    late.forEach((value, i) => {
      expect(value).toBeCloseTo(scaled[i >> 1]!, 4);
    });
  });

  it("makes a constant column 0, float32 or not", () => {
    const rows = "0.1,1600000001,5,0\n".repeat(7);
    expect([...read(`a,b,c,y\n${rows}`).inputs]).toEqual(new Array(21).fill(0));
  });

  it("computes columns near 0 from float32, as ever", () => {
    const cells = Array.from({ length: 50 }, (_, i) => 20 + ((i * 37) % 50) / 10);
    const rounded = cells.map(Math.fround);
    const mean = rounded.reduce((sum, x) => sum + x, 0) / 50;
    const deviation = Math.sqrt(rounded.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 50);
    const data = read(`a,y\n${cells.map((x) => `${x},0\n`).join("")}`);
    expect([...data.inputs]).toEqual(rounded.map((x) => Math.fround((x - mean) / deviation)));
  });

  it("leaves numbers alone when asked to", () => {
    expect([...read("a,y\n1.5,0\n-2e3,1\n", { scale: "none" }).inputs]).toEqual([1.5, -2000]);
  });

  it("sorts names into classes, or takes the classes it is told", () => {
    const text = "a,y\n1,pear\n2,apple\n3,pear\n";
    expect([...read(text).labels]).toEqual([1, 0, 1]);
    expect([...read(text, { classes: ["pear", "plum", "apple"] }).labels]).toEqual([0, 2, 0]);
    expect(read(text, { classes: ["pear", "plum", "apple"] }).numClasses).toBe(3);
    expect(read("a,y\n1,0\n2,1\n", { classes: 5 }).numClasses).toBe(5);
  });

  it("understands quotes, CRLF, a byte order mark and blank lines", () => {
    const data = read('\uFEFF"a, ""first""",y\r\n"1","x, y"\r\n\r\n3,z\r\n', { scale: "none" });
    expect([...data.inputs]).toEqual([1, 3]);
    expect([...data.labels]).toEqual([0, 1]);
  });

  it("names line and column of every number that is none", () => {
    const text = "a,y,b\n1,0,2\n\nx,0,\n1,0,1e99\n";
    expect(() => read(text)).toThrow(ConfigError);
    expect(() => read(text)).toThrow(
      /csv:4: column a: "x", expected a number\n.*csv:4: column b: "".*\n.*csv:5: column b: "1e99"/,
    );
  });

  const bad: Readonly<Record<string, readonly [string, Partial<CsvOptions>, RegExp]>> = {
    "a line with a field too many": ["a,y\n1,0,3\n", {}, /csv:2: "1,0,3", expected 2 fields/],
    "a label column that is not there": ["a,b\n1,0\n", {}, /csv:1: \["a","b"\], expected a column named y/],
    "a header alone": ["a,y\n", {}, /a row/],
    "nothing but labels": ["y\n1\n", {}, /a column of numbers/],
    "quotes that do not close": ['a,y\n"1,0\n', {}, /csv:2: .*quotes/],
    "a class beyond those told": [
      "a,y\n1,0\n2,7\n",
      { classes: 3 },
      /csv:3: column y: 7, expected a class, 0 to 2/,
    ],
    "a name that is no class": [
      "a,y\n1,elm\n",
      { classes: ["ash", "oak"] },
      /csv:2: column y: "elm".*ash, oak/,
    ],
  };
  for (const [name, [text, options, message]] of Object.entries(bad))
    it(`refuses ${name}`, () => expect(() => read(text, options)).toThrow(message));

  it("refuses a file that is not there", () => {
    expect(() => readCsv("no-such.csv", { label: "y" })).toThrow(
      /no-such.csv: .*a table in text that can be read/,
    );
  });
});
