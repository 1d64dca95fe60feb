import { describe, expect, it, test } from "vitest";
import { fuzzCommand } from "../../scripts/fuzz/command.mjs";
import { type FuzzResult, hunt } from "../../scripts/fuzz/hunt.mjs";
import { payloadTargets, targets } from "../../scripts/fuzz/targets.mjs";
import type { Codec } from "../../src/compress/codec.ts";
import type { SparseVector } from "../../src/model/tensor.ts";

/** A few seconds in all; `npm run nightly` gives each a million. */
const NUM_INPUTS = 10_000;

describe("bytes from strangers", () => {
  it.each(Object.keys(targets))(`%s: ${NUM_INPUTS} inputs decode soundly or are refused`, async (name) => {
    const { failure, inputs, outcomes } = await quickly(() => hunt(targets[name]!(), 0, NUM_INPUTS));
    expect(failure).toBeNull();
    expect(inputs).toBe(NUM_INPUTS);
    // The mutations reach every kind of refusal that a payload has, and many still decode.
    for (const outcome of ["decoded", "truncated", "trailing", "bad-field"])
      expect(outcomes[outcome] ?? 0, outcome).toBeGreaterThan(300);
    for (const outcome of ["bad-codec", "bad-positions", "not-finite"])
      expect(outcomes[outcome] ?? 0, outcome).toBeGreaterThan(3);
  });
});

const sound = payloadTargets.ternary();

/** Decoders with a bug that shows on few inputs. */
const planted: readonly (readonly [string, RegExp, typeof sound.decode])[] = [
  [
    "throws RangeError on a byte in a rare place",
    /decode threw RangeError/,
    (bytes, ...rest) => (bytes[7] === 0x7f ? new Float32Array(-1) : sound.decode(bytes, ...rest)),
  ],
  [
    "returns too long a vector",
    /length \d+, asked for \d+/,
    altered((decoded, asked) => ({ ...decoded, length: asked > 900 ? asked + 1 : asked })),
  ],
  [
    "takes memory for more than there can be",
    /bytes behind values, at most \d+/,
    altered(({ values, ...rest }) =>
      values.length > 20
        ? { ...rest, values: new Float32Array(10_000).subarray(0, values.length) }
        : { ...rest, values },
    ),
  ],
  [
    "lets a number through that is none",
    /value \d+ is NaN/,
    altered(({ values, ...rest }) => ({ ...rest, values: values.map((v) => (v > 1e30 ? Number.NaN : v)) })),
  ],
  [
    "sends a position twice",
    /position \d+ is \d+, after \d+/,
    altered(({ support, ...rest }) => ({
      ...rest,
      support: support?.map((p) => (p === 99 ? 98 : p)) ?? null,
    })),
  ],
];

function altered(change: (decoded: SparseVector, asked: number) => SparseVector) {
  return (...input: Parameters<typeof sound.decode>) =>
    change(sound.decode(...input) as SparseVector, input[1]);
}

describe("a decoder that", () => {
  it.each(planted)("%s is found, with a seed that replays", async (_, problem, decode) => {
    const broken = { ...sound, name: "broken", decode };
    const { failure, inputs } = await quickly(() => hunt(broken, 5, 100_000));
    expect(failure?.problem).toMatch(problem);
    expect(failure!.seed).toBe(5 + inputs - 1);
    const again: FuzzResult = await quickly(() => hunt(broken, failure!.seed, 1));
    expect(again.failure).toEqual(failure);
    expect((await hunt(sound, failure!.seed, 1)).failure).toBeNull();
    expect(Buffer.from(failure!.hex, "hex").length).toBeGreaterThan(0);
  });

  it("sound, beside an encoder that says it sent what it did not, is found too", async () => {
    const lying = sound.corpus.map((entry) => ({
      ...entry,
      codec: { ...entry.codec, encode: lie(entry.codec) },
    }));
    const { failure } = await quickly(() => hunt({ ...sound, corpus: lying }, 0, 1000));
    expect(failure?.problem).toBe("encoded again, the receiver has not what the sender says it sent");
  });
});

const lie =
  ({ encode }: Codec): Codec["encode"] =>
  (...input) => {
    const { payload, sent } = encode(...input);
    return { payload, sent: { ...sent, values: sent.values.map((v) => 2 * v) } };
  };

describe("the command", () => {
  const broken = { ...sound, name: "broken", decode: planted[0]![2] };
  const all = { ternary: () => sound, broken: () => broken };
  const run = async (args: readonly string[], signal = new AbortController().signal) => {
    const lines: string[] = [];
    const code = await quickly(() =>
      fuzzCommand(all, args, { out: (text) => lines.push(text), status: () => {}, signal }),
    );
    return { code, text: lines.join("\n") };
  };

  test("prints codec, seed, hex and how to replay it, and exits 1; the replay finds the same", async () => {
    const { code, text } = await run(["--codec", "all", "--inputs", "100000"]);
    expect(code).toBe(1);
    expect(text).toMatch(/^ternary +100000 inputs/);
    const [, seed] = /seed +(\d+)/.exec(text)!;
    const [hex] = /hex +[0-9a-f]+$/m.exec(text)!;
    const again = await run(["--codec", "broken", "--inputs", "1", "--from", seed!]);
    expect(again.code).toBe(1);
    expect(again.text).toContain(hex);
    expect(again.text).toContain(`npm run fuzz -- --codec broken --inputs 1 --from ${seed}`);
  });

  test("--json is one object; nothing found is 0", async () => {
    const { code, text } = await run(["--codec", "ternary", "--inputs", "500", "--from", "7", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({
      interrupted: false,
      results: [{ codec: "ternary", from: 7, inputs: 500, failure: null }],
    });
  });

  test("an interruption prints what was done and exits 130", async () => {
    const aborter = new AbortController();
    setTimeout(() => aborter.abort(), 50);
    const { code, text } = await run(
      ["--codec", "ternary", "--inputs", "1000000000", "--json"],
      aborter.signal,
    );
    expect(code).toBe(130);
    const { interrupted, results } = JSON.parse(text);
    expect(interrupted).toBe(true);
    expect(results[0].inputs).toBeGreaterThan(0);
  });

  test.each([
    [[], "--codec is missing"],
    [["--codec", "nothing"], "no such codec"],
    [["--codec", "all", "--inputs", "x"], "--inputs x"],
    [["--codec", "all", "--from", "-1"], "--from"],
    [["--frobnicate"], "--frobnicate"],
  ])("bad usage %j is 2 and says what is wrong", async (args, message) => {
    const { code, text } = await run(args);
    expect(code).toBe(2);
    expect(text).toContain(message);
    expect(text).toContain("usage: npm run fuzz");
  });
});

/** Without stacks, which cost more than what is measured. */
async function quickly<T>(run: () => Promise<T>): Promise<T> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
