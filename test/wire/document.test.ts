import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { emptyResidual, encodeDelta } from "../../src/compress/error-feedback.ts";
import { firstHistory, foldHistory, writeHistory } from "../../src/compress/history.ts";
import { planDigest, planGroups } from "../../src/compress/plan.ts";
import { splitmix32 } from "../../src/compress/splitmix.ts";
import type { WireErrorCode } from "../../src/model/error.ts";
import { type Manifest, manifestDigest } from "../../src/model/manifest.ts";
import { masksDigest } from "../../src/model/masks.ts";
import type { CodecSpec, PlanRule } from "../../src/model/protocol.ts";
import { encodeControl } from "../../src/wire/control.ts";
import { describeFrame } from "../../src/wire/describe.ts";
import { encodeFrame, shortDigest } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { encodeMasks } from "../../src/wire/masks.ts";
import { applyPatch, encodePatch } from "../../src/wire/patch.ts";
import { bytesOf, hexOf } from "../suites/vectors.ts";

const document = readFileSync(new URL("../../docs/wire-format.md", import.meta.url), "utf8");
const section = (title: string): string => document.split(`\n## ${title}\n`)[1]!.split("\n## ")[0]!;

const kindOf = (title: string): string =>
  section("Frames").split(`\n### Kind ${title}\n`)[1]!.split("\n### ")[0]!;

/** The lines of tables that begin with an offset. */
const tableIn = (text: string) => text.split("\n").filter((line) => /^\| \d+ \| `/.test(line));

const rowsOf = (frame: Uint8Array) =>
  describeFrame(frame, defaultLimits).map(({ offset, length, field, value }) => {
    const bytes = hexOf(frame.subarray(offset, offset + length)).replace(/..(?=.)/g, "$& ");
    return `| ${offset} | \`${bytes}\` | ${field} | ${value} |`;
  });

/** Numbers as the document lists them: `0 x 5` are five zeros. */
const vectorOf = (numbers: string): Float32Array =>
  Float32Array.from(
    numbers.split(", ").flatMap((item) => {
      const [value, times] = item.split(" x ");
      return Array<number>(Number(times ?? 1)).fill(Number(value));
    }),
  );

/** The update that the document's last section tells of. */
function example() {
  const manifest: Manifest = {
    tensors: [
      { name: "dense/kernel", shape: [8, 5] },
      { name: "dense/bias", shape: [2] },
    ],
  };
  const plan: readonly PlanRule[] = [
    { tensors: "*/bias", codec: { select: "all", values: "float16" }, errorFeedback: false },
    { tensors: "*", codec: { select: { topK: 0.1 }, values: "ternary" }, errorFeedback: true },
  ];
  const kernel = new Float32Array(40);
  for (const [at, value] of [
    [3, 0.5],
    [4, -0.25],
    [17, -0.5],
    [20, 0.125],
    [38, 0.75],
  ] as const)
    kernel[at] = value;
  const delta = new Map([
    ["dense/kernel", { shape: [8, 5], data: kernel }],
    ["dense/bias", { shape: [2], data: Float32Array.of(1, -0.5) }],
  ]);
  const groups = planGroups(plan, manifest, "uplink");
  const { payloads, residual } = encodeDelta(groups, delta, emptyResidual(groups), 1, 0);
  const frame = encodeFrame({
    kind: "update",
    round: 12,
    baseVersion: 11,
    manifest: shortDigest(manifestDigest(manifest)),
    plan: shortDigest(planDigest(plan, manifest)),
    numExamples: 800,
    numSteps: 25,
    trainLoss: 0.625,
    payloads,
  });
  return { frame, payloads, residual };
}

describe("docs/wire-format.md", () => {
  const { frame, payloads, residual } = example();
  const text = section("An update, byte by byte");

  it("shows an update as it is, byte by byte", () => {
    expect(tableIn(text)).toEqual(rowsOf(frame));
  });

  it("shows masks as they are, byte by byte, and their digest", () => {
    const manifest: Manifest = {
      tensors: [
        { name: "dense/kernel", shape: [8, 5] },
        { name: "dense/bias", shape: [5] },
        { name: "gain", shape: [] },
      ],
    };
    const masks = new Map([
      ["dense/kernel", Uint32Array.of(0, 1, 5, 6, 10, 11, 15, 16)],
      ["dense/bias", Uint32Array.of(0, 1)],
      ["gain", null],
    ]);
    const ofMasks = kindOf("6: masks");
    expect(tableIn(ofMasks)).toEqual(rowsOf(encodeFrame(encodeMasks(masks, manifest))));
    expect(ofMasks).toContain(`digest is ${masksDigest(masks, manifest)}.`);
  });

  it("shows a control variate as it is, byte by byte", () => {
    const control = new Map([
      ["dense/kernel", { shape: [2, 3], data: Float32Array.of(0.5, -1, 0, 0.25, 2, -0.125) }],
      ["dense/bias", { shape: [2], data: Float32Array.of(1, -3) }],
    ]);
    expect(tableIn(kindOf("8: control"))).toEqual(rowsOf(encodeFrame(encodeControl(7, control))));
  });

  it("shows a history as it is, byte by byte", () => {
    const state = Uint8Array.of(7, 0, 1, 0);
    const frame = encodeFrame({ kind: "history", version: 7, manifest: 0x6893e9b3, state });
    expect(tableIn(kindOf("9: history"))).toEqual(rowsOf(frame));
  });

  it("shows a patch as it is, byte by byte, and its differences", () => {
    const modelOf = (...values: number[]) =>
      new Map([
        ["dense/kernel", { shape: [2, 3], data: Float32Array.from(values.slice(0, 6)) }],
        ["dense/bias", { shape: [2], data: Float32Array.from(values.slice(6)) }],
      ]);
    const origin = modelOf(0.5, -0.25, 0, 1, 2, -1, 0, 0);
    const after = modelOf(0.5, -0.125, 0, 1, 2.5, -1, 0, -0.5);
    const patch = encodePatch(7, origin, after, null);
    const ofPatch = kindOf("10: patch");
    expect(tableIn(ofPatch)).toEqual(rowsOf(encodeFrame(patch)));
    const [, hex] = /the planes are `([0-9a-f ]+)`/.exec(ofPatch)!;
    const planes = bytesOf(hex!.replaceAll(" ", ""));
    expect(applyPatch({ ...patch, planes }, origin)).toEqual(after);
  });

  it("shows the bits of a payload as they are", () => {
    const bytes = payloads[1]!.subarray(6); // after coders, count, mu
    const stream = [...bytes]
      .map((byte) => [...byte.toString(2).padStart(8, "0")].reverse().join(""))
      .join("");
    const block = text.split("```")[1]!;
    const shown = block.split("\n").map((line) => line.slice(22).replaceAll(" ", ""));
    expect(shown.join("")).toBe(stream);
  });

  it("shows a payload by a history, and a history, as they are", () => {
    const hexIn = (text: string, pattern: RegExp) => text.match(pattern)![1]!.replace(/\s/g, "");
    const coded = hexIn(section("Payloads"), /are\n`(a2 07 [0-9a-f ]+)`/);
    const classes = Uint8Array.from({ length: 40 }, (_, i) => i % 4);
    const prior = { digest: 0x01020304, planes: [classes, new Uint8Array(40)] };
    const { decode } = codec({ select: "all", values: "ternary" });
    const { support, values } = decode(bytesOf(coded), 40, "payload", undefined, prior);
    expect([...support!]).toEqual([0, 4, 8, 12, 20, 21, 29]);
    expect(values.every((value) => value === 1)).toBe(true);
    const signed = hexIn(section("Payloads"), /`(b2 07 [0-9a-f ]+)`/);
    const withSigns = { ...prior, planes: [classes, Uint8Array.from({ length: 40 }, (_, i) => i % 7)] };
    const received = decode(bytesOf(signed), 40, "payload", undefined, withSigns);
    expect(received.support).toEqual(support);
    expect([...received.values]).toEqual([1, 1, 1, 1, -1, 1, 1]);

    const deltas = [
      { support: [1, 5, 6], values: [1, -1, 2] },
      { support: [1, 6], values: [1, 1] },
    ];
    const params = new Map([["a", { shape: [4, 3], data: new Float32Array(12) }]]);
    let history = firstHistory(params);
    for (const { support, values } of deltas) {
      const vector = { length: 12, support: Uint32Array.from(support), values: Float32Array.from(values) };
      history = foldHistory(history, new Map([["a", vector]]));
    }
    const text = section("Histories");
    expect(hexIn(text, /the digest is ([0-9a-f]{8}) and/)).toBe(history.digest.toString(16));
    expect(text.split("```")[1]!.replace(/\s/g, "")).toBe(hexOf(writeHistory(history)));
  });

  it("shows payloads as they are", () => {
    const rows = section("Payloads").matchAll(
      /^\| `(.+)` \| `(.+)` \| (\d+) \| (.+) \| `([0-9a-f ]+)` \|$/gm,
    );
    let count = 0;
    for (const [, select, values, seed, numbers, hex] of rows) {
      const spec: CodecSpec = { select: parse(select!), values: parse(values!) };
      const rowsOf = numbers!.split("; ").map(vectorOf);
      const matrix = { rows: rowsOf.length, cols: rowsOf[0]!.length };
      const vector = Float32Array.from(rowsOf.flatMap((row) => [...row]));
      const { payload } = codec(spec, false, [matrix]).encode(vector, Number(seed));
      expect(hexOf(payload), `${select}, ${values}`).toBe(hex!.replaceAll(" ", ""));
      count++;
    }
    expect(count).toBeGreaterThan(12);
  });

  it("multiplies the factors that it says", () => {
    const [, hex, length, numbers] =
      /\*\*low-rank\*\*.*?So `([0-9a-f\s]+)`.*?`length`\s+of\s+(\d+),.*?the\s+vector\s+is\s+([-0-9.,\s]+)\.\n/s.exec(
        section("Payloads"),
      )!;
    const { support, values } = decodeAny(bytesOf(hex!.replace(/\s/g, "")), Number(length), "payload");
    expect(support).toBeNull();
    expect([...values]).toEqual(numbers!.split(/,\s+/).map(Number));
  });

  it("shows units of a matrix as they are", () => {
    const rows = section("Payloads").matchAll(
      /^\| `(.+)` \| (\d+) x (\d+) \| `(.+)` \| (.+) \| `([0-9a-f ]+)` \|$/gm,
    );
    let count = 0;
    for (const [, select, numRows, numCols, values, numbers, hex] of rows) {
      const spec: CodecSpec = { select: parse(select!), values: parse(values!) };
      const matrix = { rows: Number(numRows), cols: Number(numCols) };
      const { payload } = codec(spec, false, [matrix]).encode(vectorOf(numbers!), 0);
      expect(hexOf(payload), select).toBe(hex!.replaceAll(" ", ""));
      count++;
    }
    expect(count).toBe(2);
  });

  it("draws the words that it says", () => {
    const { next } = splitmix32(1);
    for (let i = 0; i < 3; i++)
      expect(section("Payloads")).toContain(`0x${next().toString(16).padStart(8, "0")}`);
  });

  it("says what the sender keeps", () => {
    const kept = [...residual[1]!].flatMap((value, at) => (value === 0 ? [] : [`${value} at ${at}`]));
    expect(kept).toEqual(["0.25 at 4", "0.125 at 20", "0.25 at 38"]);
    for (const item of kept) expect(text.replaceAll("\n", " ")).toContain(item);
  });

  it("gives the limits' defaults", () => {
    const rows = [...section("Limits").matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(rows)).toEqual(defaultLimits);
  });

  it("lists every error code", () => {
    // A record has every code as a key, or it does not compile.
    const codes: Record<WireErrorCode, true> = {
      truncated: true,
      trailing: true,
      "bad-magic": true,
      "bad-version": true,
      "bad-kind": true,
      "bad-checksum": true,
      "bad-field": true,
      "too-large": true,
      "bad-codec": true,
      "bad-positions": true,
      "bad-shape": true,
      "not-finite": true,
      "out-of-range": true,
      "bad-digest": true,
      "wrong-round": true,
      "wrong-base": true,
      "wrong-manifest": true,
      "wrong-plan": true,
      "prior-mismatch": true,
    };
    const listed = [...section("Errors").matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code);
    expect(listed).toEqual(Object.keys(codes));
  });
});
