import { assert } from "../model/assert.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { digestOf, type Manifest, manifestDigest, type TensorSpec } from "../model/manifest.ts";
import type { CodecSpec, PlanRule } from "../model/protocol.ts";
import { type Params, type SparseVector, sizeOf } from "../model/tensor.ts";
import { byteWriter } from "./bytes.ts";
import { type Codec, codec } from "./codec.ts";
import { valueCoder } from "./values.ts";

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
  const problems: ConfigProblem[] = rules.flatMap((rule, i) =>
    codecProblems(rule.codec, `${path}[${i}].codec`),
  );
  const members = rules.map((): TensorSpec[] => []);
  for (const tensor of manifest.tensors) {
    const first = rules.findIndex(({ tensors }) => matches(tensors, tensor.name));
    if (first >= 0) members[first]!.push(tensor);
    else
      problems.push({ path, value: tensor.name, expected: 'a rule for every tensor (end with one for "*")' });
    if (sizeOf(tensor.shape) < 1)
      problems.push({ path: tensor.name, value: tensor.shape, expected: "a tensor with coordinates" });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return rules.flatMap((rule, i): readonly PlanGroup[] => {
    const tensors = members[i]!;
    const length = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return length === 0 ? [] : [{ rule, codec: codec(rule.codec), tensors, length }];
  });
}

/** SHA-256 over the rules as docs/wire-format.md writes them and the manifest's digest, 64 hex digits. */
export function planDigest(rules: readonly PlanRule[], manifest: Manifest): string {
  const writer = byteWriter();
  for (const { tensors, codec: spec, errorFeedback } of rules) {
    const name = new TextEncoder().encode(tensors);
    writer.varint(name.length);
    writer.bytes(name);
    const density = new DataView(new ArrayBuffer(8));
    density.setFloat64(0, spec.select === "all" ? 0 : spec.select.topK, true);
    writer.bytes(new Uint8Array(density.buffer));
    writer.uint8(valueCoder(spec.values).id);
    writer.uint8(typeof spec.values === "object" ? spec.values.uniform : 0);
    writer.uint8(errorFeedback ? 1 : 0);
  }
  return digestOf(writer.written(), new TextEncoder().encode(manifestDigest(manifest)));
}

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

/** A group's vector as one sparse vector a tensor; every tensor of the group gets one, if with nothing in it. */
export function scatter(
  { tensors }: Pick<PlanGroup, "tensors">,
  vector: SparseVector,
): ReadonlyMap<string, SparseVector> {
  const { support, values } = vector;
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
    result.set(name, {
      length,
      support: support === null ? null : support.slice(from, to).map((position) => position - offset),
      values: values.slice(from, to),
    });
    start = end;
    from = to;
  }
  return result;
}

/** `*` stands for any run of characters, slashes included. Linear in the name, whatever the pattern. */
function matches(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === name;
  const last = rest.pop()!;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  const middle = name.slice(first.length, name.length - last.length);
  let at = 0;
  for (const part of rest) {
    const found = middle.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}

function codecProblems({ select, values }: CodecSpec, path: string): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (select !== "all" && !(select.topK > 0 && select.topK <= 1))
    problems.push({
      path: `${path}.select.topK`,
      value: select.topK,
      expected: "a density above 0, at most 1",
    });
  if (
    typeof values === "object" &&
    !(Number.isInteger(values.uniform) && values.uniform >= 1 && values.uniform <= 8)
  )
    problems.push({ path: `${path}.values.uniform`, value: values.uniform, expected: "1 to 8 bits" });
  return problems;
}
