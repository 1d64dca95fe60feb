import type { ConfigProblem } from "../model/error.ts";
import type { CodecSpec, PlanRule } from "../model/protocol.ts";
import { LEAST_BUDGET_BYTES } from "./budget.ts";
import type { ByteWriter } from "./bytes.ts";
import { lossOf } from "./loss.ts";
import { MAX_RANK } from "./low-rank.ts";
import { MAX_BLOCK } from "./positions/blocks.ts";
import { MAX_CENTROIDS } from "./values/codebook.ts";
import { MAX_MAGNITUDES } from "./values/levels.ts";
import { MAX_LEVELS } from "./values/qsgd.ts";

/** What is wrong with a rule's codec: numbers outside their range, and parts that do not go together. */
export function ruleProblems({ codec, errorFeedback, history }: PlanRule, path: string) {
  const { select, values } = codec;
  const problems: ConfigProblem[] = [];
  const check = (holds: boolean, field: string, value: unknown, expected: string): void => {
    if (!holds) problems.push({ path: `${path}.codec.${field}`, value, expected });
  };
  const density = (value: number, field: string): void =>
    check(value > 0 && value <= 1, field, value, "a density above 0, at most 1");
  const integer = (value: number, low: number, high: number, field: string, unit: string): void =>
    check(
      Number.isInteger(value) && value >= low && value <= high,
      field,
      value,
      `${low} to ${high} ${unit}`,
    );

  if (select !== "all") {
    if ("topK" in select) density(select.topK, "select.topK");
    else if ("budget" in select) {
      const { budget } = select;
      if ("bytesPerRound" in budget)
        integer(
          budget.bytesPerRound,
          LEAST_BUDGET_BYTES,
          MAX_BUDGET_BYTES,
          "select.budget.bytesPerRound",
          "bytes",
        );
      else
        check(
          budget.secondsPerRound > 0 && budget.secondsPerRound <= MAX_BUDGET_SECONDS,
          "select.budget.secondsPerRound",
          budget.secondsPerRound,
          `above 0, at most ${MAX_BUDGET_SECONDS} seconds`,
        );
      check(
        typeof values !== "object" || !("eden" in values),
        "values",
        values,
        "another coder beside a budget: eden writes whole blocks",
      );
    } else if ("threshold" in select)
      check(
        select.threshold > 0 && Number.isFinite(select.threshold),
        "select.threshold",
        select.threshold,
        "a magnitude above 0",
      );
    else if ("randomK" in select) density(select.randomK, "select.randomK");
    else if ("lowRank" in select) {
      integer(select.lowRank, 1, MAX_RANK, "select.lowRank", "columns");
      check(errorFeedback, "select.lowRank", select.lowRank, "errorFeedback: true beside lowRank");
    } else if ("rows" in select) density(select.rows, "select.rows");
    else if ("filters" in select) density(select.filters, "select.filters");
    else {
      const { keep, of } = select.blocks;
      integer(of, 2, MAX_BLOCK, "select.blocks.of", "coordinates a block");
      integer(keep, 1, of - 1, "select.blocks.keep", "coordinates, below `of`");
    }
  }
  if (typeof values === "object") {
    if ("uniform" in values) integer(values.uniform, 1, 8, "values.uniform", "bits");
    else if ("qsgd" in values) integer(values.qsgd, 1, MAX_LEVELS, "values.qsgd", "levels");
    else if ("codebook" in values) integer(values.codebook, 2, MAX_CENTROIDS, "values.codebook", "centroids");
    else if ("levels" in values) {
      if (values.levels !== "auto") integer(values.levels, 2, MAX_MAGNITUDES, "values.levels", "magnitudes");
    } else integer(values.eden, 1, 4, "values.eden", "bits");
  }
  check(
    lossOf(codec, errorFeedback) !== null,
    "values",
    values,
    "errorFeedback: true beside randomK, or float32, float16, bfloat16, qsgd, eden or uniform with rounding: stochastic",
  );
  if (history && !choosesPositions(select))
    problems.push({
      path: `${path}.history`,
      value: history,
      expected:
        "left out, or a codec that sends single coordinates by their values (select: { topK }, { budget } or { threshold })",
    });
  return problems;
}

/** Positions that follow from a seed, a shape or nothing at all are known without any history. */
const choosesPositions = (select: CodecSpec["select"]): boolean =>
  select !== "all" && !["randomK", "blocks", "lowRank", "rows", "filters"].some((name) => name in select);

/** A spec as the plan's digest has it: a byte that says which, then its numbers; no two specs are alike in bytes. */
export function writeSpec(writer: ByteWriter, { select, values }: CodecSpec): void {
  if (select === "all") writer.uint8(0);
  else if ("topK" in select) writeFraction(writer, select.rateDistortion ? 8 : 1, select.topK);
  else if ("budget" in select) {
    const { budget, rateDistortion } = select;
    if ("bytesPerRound" in budget) writeFraction(writer, rateDistortion ? 10 : 9, budget.bytesPerRound);
    else writeFraction(writer, rateDistortion ? 12 : 11, budget.secondsPerRound);
  } else if ("threshold" in select) writeFraction(writer, 2, select.threshold);
  else if ("randomK" in select) writeFraction(writer, 3, select.randomK);
  else if ("lowRank" in select) {
    writer.uint8(5);
    writer.varint(select.lowRank);
  } else if ("rows" in select) writeFraction(writer, 6, select.rows);
  else if ("filters" in select) writeFraction(writer, 7, select.filters);
  else {
    writer.uint8(4);
    writer.uint8(select.blocks.keep);
    writer.uint8(select.blocks.of);
  }
  const [id, number] = numbersOf(values);
  writer.uint8(id);
  if (number !== null) writer.varint(number);
}

function writeFraction(writer: ByteWriter, id: number, value: number): void {
  writer.uint8(id);
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value, true);
  writer.bytes(new Uint8Array(bytes.buffer));
}

/** Numbers of their own, not those of the coders: two specs may share a coder. Pinned, never reused. */
function numbersOf(values: CodecSpec["values"]): readonly [id: number, number: number | null] {
  if (typeof values === "string") return [NAMED[values], null];
  if ("uniform" in values) return [values.rounding === "stochastic" ? 4 : 3, values.uniform];
  if ("qsgd" in values) return [7, values.qsgd];
  if ("codebook" in values) return [8, values.codebook];
  if ("levels" in values) return [9, values.levels === "auto" ? 1 : values.levels];
  return [10, values.eden];
}

const MAX_BUDGET_BYTES = 2 ** 31 - 1;
const MAX_BUDGET_SECONDS = 86_400;

const NAMED = { float32: 0, float16: 1, ternary: 2, bfloat16: 5, sign: 6 } as const;
