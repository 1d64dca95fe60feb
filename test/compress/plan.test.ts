import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gather, planDigest, planGroups, scatter } from "../../src/compress/plan.ts";
import { topK } from "../../src/compress/select.ts";
import { ConfigError } from "../../src/model/error.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { CodecSpec, PlanRule } from "../../src/model/protocol.ts";
import { type Params, toDense } from "../../src/model/tensor.ts";

const half: CodecSpec = { select: "all", values: "float16" };
const rule = (tensors: string, codec: CodecSpec = half, errorFeedback = false): PlanRule => ({
  tensors,
  codec,
  errorFeedback,
});
const manifest: Manifest = {
  tensors: [
    { name: "conv/kernel", shape: [2, 3] },
    { name: "conv/bias", shape: [3] },
    { name: "dense/kernel", shape: [3, 2] },
    { name: "dense/bias", shape: [2] },
  ],
};

const namesOf = (rules: readonly PlanRule[]): string[][] =>
  planGroups(rules, manifest, "uplink").map(({ tensors }) => tensors.map(({ name }) => name));

function problemsOf(rules: readonly PlanRule[], of = manifest): string[] {
  try {
    planGroups(rules, of, "uplink");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, value }) => `${path}: ${value}`);
    throw error;
  }
  return expect.fail("no problem found");
}

describe("planGroups", () => {
  it("gives every tensor to the first rule that matches, one group a rule", () => {
    expect(namesOf([rule("*/bias"), rule("*")])).toEqual([
      ["conv/bias", "dense/bias"],
      ["conv/kernel", "dense/kernel"],
    ]);
    const [biases, kernels] = planGroups([rule("*/bias"), rule("*")], manifest, "uplink");
    expect([biases!.length, kernels!.length]).toEqual([5, 12]);
  });

  it("leaves out rules that get nothing", () => {
    expect(namesOf([rule("other"), rule("*"), rule("conv/*")])).toEqual([
      ["conv/kernel", "conv/bias", "dense/kernel", "dense/bias"],
    ]);
  });

  it("matches names with stars as a regular expression would", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "/", "."), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", ".", "*", "*"), maxLength: 6 });
    fc.assert(
      fc.property(pattern, word, (tensors, name) => {
        const escaped = tensors.replaceAll(".", "\\.").replaceAll("*", ".*");
        const groups = planGroups([rule(tensors), rule("*")], { tensors: [{ name, shape: [1] }] }, "uplink");
        expect(groups[0]!.rule.tensors === tensors).toBe(
          tensors === "*" || new RegExp(`^${escaped}$`).test(name),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it("says what is wrong, and where", () => {
    expect(problemsOf([rule("*/bias")])).toEqual(["uplink: conv/kernel", "uplink: dense/kernel"]);
    const wrong = [
      rule("*", { select: { topK: 0 }, values: { uniform: 9 } }),
      rule("*", { select: { topK: 1.5 }, values: { uniform: 2.5 } }),
    ];
    expect(problemsOf(wrong)).toEqual([
      "uplink[0].codec.select.topK: 0",
      "uplink[0].codec.values.uniform: 9",
      "uplink[1].codec.select.topK: 1.5",
      "uplink[1].codec.values.uniform: 2.5",
    ]);
    const more = [
      rule("*", { select: { threshold: 0 }, values: { qsgd: 0 } }),
      rule("*", { select: { blocks: { keep: 4, of: 4 } }, values: { codebook: 1 } }),
      rule("*", { select: { blocks: { keep: 1, of: 25 } }, values: { levels: 4 } }),
      rule("*", { select: { randomK: 2 }, values: { eden: 5 } }),
      rule("*", { select: { threshold: Infinity }, values: { qsgd: 32768 } }),
      rule("*", { select: { rows: 0 }, values: "sign" }),
      rule("*", { select: { filters: 1.01 }, values: "sign" }),
    ];
    expect(problemsOf(more).map((problem) => problem.replace("uplink[", "[").replace(".codec", ""))).toEqual([
      "[0].select.threshold: 0",
      "[0].values.qsgd: 0",
      "[1].select.blocks.keep: 4",
      "[1].values.codebook: 1",
      "[2].select.blocks.of: 25",
      "[2].values.levels: 4",
      "[3].select.randomK: 2",
      "[3].values.eden: 5",
      "[4].select.threshold: Infinity",
      "[4].values.qsgd: 32768",
      "[5].select.rows: 0",
      "[6].select.filters: 1.01",
    ]);
    expect(problemsOf([rule("*")], { tensors: [{ name: "none", shape: [3, 0] }] })).toEqual(["none: 3,0"]);
  });
});

describe("a plan", () => {
  it("codes random coordinates so that they are right in the mean, or with feedback", () => {
    const random = (values: CodecSpec["values"]): CodecSpec => ({ select: { randomK: 0.1 }, values });
    for (const values of ["ternary", "sign", { uniform: 4 }, { codebook: 4 }, { levels: 2 }] as const) {
      expect(problemsOf([rule("*", random(values))])[0]).toMatch(/^uplink\[0\]\.codec\.values: /);
      expect(() => planGroups([rule("*", random(values))], manifest, "uplink")).toThrow(
        /errorFeedback: true/,
      );
      expect(() => planGroups([rule("*", random(values), true)], manifest, "uplink")).not.toThrow();
    }
    for (const values of [
      "float32",
      { qsgd: 2 },
      { eden: 1 },
      { uniform: 4, rounding: "stochastic" },
    ] as const)
      expect(() => planGroups([rule("*", random(values))], manifest, "uplink")).not.toThrow();
  });

  it("has at most 1,024 rules, which are matched with 4,096 tensors in no time", () => {
    const rules = Array.from({ length: 1023 }, (_, i) => rule(`layer*${i}*/kernel*${i}x`));
    const many = {
      tensors: Array.from({ length: 4096 }, (_, i) => ({ name: `layer${i}/kernel${i}`, shape: [1] })),
    };
    const start = performance.now();
    expect(planGroups([...rules, rule("*")], many, "uplink")).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(() => planGroups([...rules, rule("a"), rule("*")], many, "uplink")).toThrow(
      "uplink: 1025, expected at most 1024 rules",
    );
  });
});

describe("a group's vector", () => {
  const params: Params = new Map(
    manifest.tensors.map(({ name, shape }, t) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: Float32Array.from({ length }, (_, i) => 10 * (t + 1) + i) }];
    }),
  );

  it("is its tensors one after the other, in the manifest's order", () => {
    const [biases] = planGroups([rule("*/bias"), rule("*")], manifest, "uplink");
    expect([...gather(biases!, params)]).toEqual([20, 21, 22, 40, 41]);
  });

  it("falls apart into the same tensors, dense or sparse", () => {
    const [group] = planGroups([rule("*")], manifest, "uplink");
    const values = gather(group!, params);
    const dense = scatter(group!, { length: 17, support: null, values });
    for (const [name, { data }] of params)
      expect(dense.get(name)).toEqual({ length: data.length, support: null, values: data });

    const support = topK(values, 3);
    const sparse = scatter(group!, {
      length: 17,
      support,
      values: values.filter((_, i) => support.includes(i)),
    });
    expect([...sparse.keys()]).toEqual([...params.keys()]);
    expect(sparse.get("conv/kernel")).toEqual({
      length: 6,
      support: new Uint32Array(0),
      values: new Float32Array(0),
    });
    expect(sparse.get("dense/kernel")!.support).toEqual(Uint32Array.of(5)); // 35, behind 40 and 41
    expect([...toDense(sparse.get("dense/bias")!)]).toEqual([40, 41]);
  });
});

describe("planDigest", () => {
  it("changes with everything that both ends must have alike", () => {
    const base = rule("*", { select: { topK: 0.01 }, values: { uniform: 4 } }, true);
    const others: PlanRule[] = [
      { ...base, tensors: "*a" },
      { ...base, errorFeedback: false },
      { ...base, codec: { ...base.codec, select: { topK: 0.02 } } },
      { ...base, codec: { ...base.codec, select: "all" } },
      { ...base, codec: { ...base.codec, values: { uniform: 5 } } },
      ...(
        [
          "ternary",
          "sign",
          "bfloat16",
          { uniform: 4, rounding: "stochastic" },
          { qsgd: 4 },
          { codebook: 4 },
          { levels: 3 },
          { eden: 4 },
        ] as const
      ).map((values) => ({ ...base, codec: { ...base.codec, values } })),
      ...(
        [
          { threshold: 0.01 },
          { randomK: 0.01 },
          { blocks: { keep: 1, of: 4 } },
          { blocks: { keep: 1, of: 5 } },
          { rows: 0.01 },
          { filters: 0.01 },
        ] as const
      ).map((select) => ({ ...base, codec: { ...base.codec, select } })),
    ];
    const digests = [
      planDigest([base], manifest),
      ...others.map((other) => planDigest([other], manifest)),
      planDigest([base, base], manifest),
      planDigest([base], { tensors: manifest.tensors.slice(1) }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(planDigest([{ ...base }], manifest)).toBe(digests[0]);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });
});
