import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, test } from "vitest";
import { fuzzCommand } from "../../scripts/fuzz/command.mjs";
import { type FuzzResult, hunt } from "../../scripts/fuzz/hunt.mjs";
import { payloadTargets, slowness, targets } from "../../scripts/fuzz/targets.mjs";
import type { Codec } from "../../src/compress/codec.ts";
import type { SparseVector } from "../../src/model/tensor.ts";

/** A few seconds in all; `npm run fuzz:check` gives each far more. */
const NUM_INPUTS = 10_000;

describe("bytes from strangers", () => {
  it.each(Object.keys(targets))(`%s: ${NUM_INPUTS} inputs decode soundly or are refused`, (name) => {
    const asked = NUM_INPUTS / (name in slowness ? 5 : 1);
    const { failure, inputs, outcomes } = quickly(() => hunt(targets[name]!(), 0, asked));
    expect(failure).toBeNull();
    expect(inputs).toBe(asked);
    // The mutations reach every kind of refusal that a payload has, and many still decode.
    for (const outcome of ["decoded", "truncated", "trailing", "bad-field"])
      expect(outcomes[outcome] ?? 0, outcome).toBeGreaterThan(0.03 * asked);
    const rarer =
      name === "integers" || name === "history-state"
        ? []
        : ["bad-codec", "bad-positions", ...(name === "masks" ? [] : ["not-finite"])];
    for (const outcome of rarer) expect(outcomes[outcome] ?? 0, outcome).toBeGreaterThan(3);
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
    /position \d+ is \d+, by the document \d+/,
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
  it.each(planted)("%s is found, with a seed that replays", (_, problem, decode) => {
    const broken = { ...sound, name: "broken", decode };
    const { failure, inputs } = quickly(() => hunt(broken, 5, 100_000));
    expect(failure?.problem).toMatch(problem);
    expect(failure!.seed).toBe(5 + inputs - 1);
    const again: FuzzResult = quickly(() => hunt(broken, failure!.seed, 1));
    expect(again.failure).toEqual(failure);
    expect(hunt(sound, failure!.seed, 1).failure).toBeNull();
    expect(Buffer.from(failure!.hex, "hex").length).toBeGreaterThan(0);
  });

  it("sound, beside an encoder that says it sent what it did not, is found too", () => {
    const lying = sound.corpus.map((entry) => ({
      ...entry,
      codec: { ...entry.codec, encode: lie(entry.codec) },
    }));
    const { failure } = quickly(() => hunt({ ...sound, corpus: lying }, 0, 10_000));
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
  const module = new URL("./planted.mjs", import.meta.url).href;
  const run = async (args: readonly string[], signal = new AbortController().signal) => {
    const lines: string[] = [];
    const code = await fuzzCommand(module, args, {
      out: (text) => lines.push(text),
      status: () => {},
      signal,
    });
    return { code, text: lines.join("\n") };
  };

  test("prints codec, seed, hex and how to replay it, and exits 1; the replay finds the same", async () => {
    const { code, text } = await run(["--codec", "ternary", "--codec", "broken", "--inputs", "100000"]);
    expect(code).toBe(1);
    expect(text).toMatch(/^ternary +100000 inputs/);
    const [, seed] = /seed +(\d+)/.exec(text)!;
    const [hex] = /hex +[0-9a-f]+$/m.exec(text)!;
    const again = await run(["--codec", "broken", "--inputs", "1", "--from", seed!]);
    expect(again.code).toBe(1);
    expect(again.text).toContain(hex);
    expect(again.text).toContain(`npm run fuzz -- --codec broken --inputs 1 --from ${seed}`);
  });

  test("finds the same with one thread and with three", async () => {
    const args = ["--codec", "broken", "--codec", "ternary", "--inputs", "60000", "--json"];
    const results = await Promise.all(
      ["1", "3"].map(
        async (threads) => JSON.parse((await run([...args, "--threads", threads])).text).results,
      ),
    );
    for (const result of results.flat()) delete result.seconds;
    expect(results[1]).toEqual(results[0]);
    expect(results[0][0].failure.problem).toMatch(/RangeError/);
    expect(results[0][1]).toMatchObject({ inputs: 60000, failure: null });
  });

  test.each([
    ["endless", /no answer within 2 s/],
    ["quitting", /its thread exited with 3/],
  ])("a decoder that is %s is found, with its seed, and the others go on", async (name, problem) => {
    const args = ["--inputs", "30000", "--hang", "2", "--json"];
    const { code, text } = await run(["--codec", name, "--codec", "ternary", ...args]);
    const [first, second] = JSON.parse(text).results;
    expect(code).toBe(1);
    expect(first.failure.problem).toMatch(problem);
    expect(first.failure.hex.slice(14, 16)).toBe("7f");
    expect(second).toMatchObject({ codec: "ternary", inputs: 30000, failure: null });
    const again = await run(["--codec", name, "--from", `${first.failure.seed}`, ...args, "--inputs", "1"]);
    expect(JSON.parse(again.text).results[0].failure).toEqual(first.failure);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("one %s ends it, though a decoder loops", async (name) => {
    const script = fileURLToPath(new URL("./planted-main.mjs", import.meta.url));
    const child = spawn(process.execPath, [script, "--codec", "endless", "--hang", "100"]);
    const ended = once(child, "exit");
    await setTimeout(1500); // by then it loops, if the machine is not busy
    child.kill(name);
    expect(await ended).toEqual([130, null]);
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
    const lines: string[] = [];
    const code = await fuzzCommand(
      module,
      ["--codec", "ternary", "--inputs", "1000000000", "--threads", "1", "--json"],
      {
        out: (text) => lines.push(text),
        status: () => aborter.abort(),
        signal: aborter.signal,
      },
    );
    expect(code).toBe(130);
    const { interrupted, results } = JSON.parse(lines.join("\n"));
    expect(interrupted).toBe(true);
    expect(results[0].inputs).toBeGreaterThan(0);
  });

  test.each([
    [[], "--codec is missing"],
    [["--codec", "nothing"], "no such codec"],
    [["--codec", "all", "--inputs", "x"], "--inputs x"],
    [["--codec", "all", "--from", "-1"], "--from"],
    [["--codec", "all", "--threads", "0"], "--threads"],
    [["--codec", "all", "--hang", "0"], "--hang"],
    [["--frobnicate"], "--frobnicate"],
  ])("bad usage %j is 2 and says what is wrong", async (args, message) => {
    const { code, text } = await run(args);
    expect(code).toBe(2);
    expect(text).toContain(message);
    expect(text).toContain("usage: npm run fuzz");
  });
});

/** Without stacks, which cost more than what is measured. */
function quickly<T>(run: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
