import { valuesBetween } from "../kernels/packed.ts";
import { assert } from "../model/assert.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { digestOf, type Manifest, manifestDigest, type TensorSpec } from "../model/manifest.ts";
import type { Exponents, PlanRule } from "../model/protocol.ts";
import { type Params, packedVector, type SparseVector, sizeOf } from "../model/tensor.ts";
import { byteWriter } from "./bytes.ts";
import { type Codec, codec } from "./codec.ts";
import { matrixOf } from "./matrix.ts";
import { ruleProblems, writeSpec } from "./spec.ts";

/** The tensors that share a payload: one flat vector, so that top-k and scale are joint across them. */
export interface PlanGroup {
  readonly rule: PlanRule;
  readonly codec: Codec;
  /** In the manifest's order. */
  readonly tensors: readonly TensorSpec[];
  /** Coordinates in all. */
  readonly length: number;
}

/**
 * One group a rule, in the order of the rules: the tensors whose first match it is. Rules that get none are left
 * out. Throws ConfigError, under `path`, for a tensor that no rule matches and for a codec that cannot be.
 */
export function planGroups(
  rules: readonly PlanRule[],
  manifest: Manifest,
  path: string,
): readonly PlanGroup[] {
  if (rules.length > MAX_RULES)
    throw new ConfigError([{ path, value: rules.length, expected: `at most ${MAX_RULES} rules` }]);
  const problems: ConfigProblem[] = [
    ...rules.flatMap((rule, i) => ruleProblems(rule, `${path}[${i}]`)),
    ...budgetProblems(rules, path),
  ];
  const patterns = rules.map(({ tensors }) => tensors.split("*"));
  const members = rules.map((): TensorSpec[] => []);
  for (const tensor of manifest.tensors) {
    const first = patterns.findIndex((pattern) => matches(pattern, tensor.name));
    if (first >= 0) members[first]!.push(tensor);
    else
      problems.push({ path, value: tensor.name, expected: 'a rule for every tensor (end with one for "*")' });
    if (sizeOf(tensor.shape) < 1)
      problems.push({ path: tensor.name, value: tensor.shape, expected: "a tensor with coordinates" });
  }
  problems.push(...rules.flatMap((rule, i) => matrixProblems(rule, members[i]!, `${path}[${i}]`)));
  if (problems.length > 0) throw new ConfigError(problems);
  return rules.flatMap((rule, i): readonly PlanGroup[] => {
    const tensors = members[i]!;
    const length = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (length === 0) return [];
    const matrices = tensors.map(({ shape }) => matrixOf(shape));
    return [{ rule, codec: codec(rule.codec, rule.errorFeedback, matrices), tensors, length }];
  });
}

/** A budget is one frame's, whatever rules it is for. */
function budgetProblems(rules: readonly PlanRule[], path: string): readonly ConfigProblem[] {
  const budgets = rules.flatMap(({ codec: { select } }, i) =>
    typeof select === "object" && "budget" in select ? [{ i, select, text: JSON.stringify(select) }] : [],
  );
  return budgets.flatMap(({ i, select, text }) =>
    text === budgets[0]!.text
      ? []
      : [
          {
            path: `${path}[${i}].codec.select.budget`,
            value: select,
            expected: `the same as ${path}[${budgets[0]!.i}] has, ${budgets[0]!.text}: it is that of the whole frame`,
          },
        ],
  );
}

/** A low-rank codec takes one matrix. */
function matrixProblems(
  { codec: { select } }: PlanRule,
  tensors: readonly TensorSpec[],
  path: string,
): readonly ConfigProblem[] {
  if (typeof select !== "object" || !("lowRank" in select) || tensors.length === 0) return [];
  const problem = (value: unknown, expected: string) => [
    { path: `${path}.codec.select.lowRank`, value, expected },
  ];
  const [{ name, shape }, ...others] = tensors as [TensorSpec, ...TensorSpec[]];
  if (others.length > 0 || shape.length < 2)
    return problem(
      tensors.map((tensor) => tensor.name),
      "a rule that only one tensor of two or more dimensions matches",
    );
  const { rows, cols } = matrixOf(shape);
  const most = Math.ceil((rows * cols) / (rows + cols)) - 1;
  return select.lowRank <= most
    ? []
    : problem(select.lowRank, `a rank of at most ${most} for ${name}, ${shape.join("x")}`);
}

/** SHA-256 over the rules as docs/wire-format.md writes them and the manifest's digest, 64 hex digits. */
export function planDigest(rules: readonly PlanRule[], manifest: Manifest): string {
  const writer = byteWriter();
  writer.varint(rules.length);
  for (const { tensors, codec: spec, errorFeedback, history } of rules) {
    const name = new TextEncoder().encode(tensors);
    writer.varint(name.length);
    writer.bytes(name);
    writeSpec(writer, spec);
    writer.uint8((errorFeedback ? 1 : 0) + (history ? 2 : 0));
  }
  return digestOf(writer.written(), new TextEncoder().encode(manifestDigest(manifest)));
}

/** Of every group the least bound of its tensors, which a coordinator makes alike. */
export const boundsOf = (
  groups: readonly PlanGroup[],
  manifest: Manifest,
  exponents: Exponents,
): readonly number[] =>
  groups.map(({ tensors }) =>
    Math.min(
      ...tensors.map(({ name }) => 2 ** exponents[manifest.tensors.findIndex((t) => t.name === name)]!),
    ),
  );

/** A group's tensors as one flat vector. */
export function gather({ tensors, length }: PlanGroup, params: Params): Float32Array {
  const vector = new Float32Array(length);
  let at = 0;
  for (const { name, shape } of tensors) {
    const data = params.get(name)?.data;
    assert(data?.length === sizeOf(shape), `${name} is as the manifest says`);
    vector.set(data, at);
    at += data.length;
  }
  return vector;
}

/** A group's vector as one sparse vector a tensor, of views; every tensor of the group gets one, if with nothing in it. */
export function scatter(
  { tensors }: Pick<PlanGroup, "tensors">,
  vector: SparseVector,
): ReadonlyMap<string, SparseVector> {
  const { support } = vector;
  const result = new Map<string, SparseVector>();
  let start = 0;
  let from = 0;
  for (const { name, shape } of tensors) {
    const length = sizeOf(shape);
    const end = start + length;
    let to = from;
    if (support === null) to = end;
    else while (to < support.length && support[to]! < end) to++;
    const offset = start;
    const places = support === null ? null : minus(support.subarray(from, to), offset);
    const [first, last] = [from, to];
    const values = () => vector.values.subarray(first, last);
    result.set(
      name,
      vector.packed === undefined
        ? { length, support: places, values: values() }
        : packedVector(length, places, valuesBetween(vector.packed, from, to), values),
    );
    start = end;
    from = to;
  }
  return result;
}

const minus = (positions: Uint32Array, offset: number): Uint32Array =>
  offset === 0 ? positions : positions.map((position) => position - offset);

/** More would make both ends match patterns for seconds; the link carries no more either. */
const MAX_RULES = 1024;

/** `parts` lie between stars, each of which is any run of characters. Linear in the name, whatever the pattern. */
function matches(parts: readonly string[], name: string): boolean {
  const first = parts[0]!;
  if (parts.length === 1) return first === name;
  const last = parts.at(-1)!;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  const middle = name.slice(first.length, name.length - last.length);
  let at = 0;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = middle.indexOf(parts[i]!, at);
    if (found < 0) return false;
    at = found + parts[i]!.length;
  }
  return true;
}
