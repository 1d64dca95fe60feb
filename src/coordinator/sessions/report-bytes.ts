import { matrixOf } from "../../compress/matrix.ts";
import type { PlanGroup } from "../../compress/plan.ts";
import { countOfDensity } from "../../compress/select.ts";
import { MAX_MAGNITUDES } from "../../compress/values/levels.ts";
import { valueBits } from "../../compress/values/width.ts";
import { valueCoder } from "../../compress/values.ts";
import { WireError } from "../../model/error.ts";
import type { UpdateMessage } from "../../model/message.ts";
import type { CodecSpec } from "../../model/protocol.ts";

/** What a report that is kept takes, at most: the plan is not in the bytes, and a stranger may not follow it. */
export interface ReportBytes {
  /** Its frame. */
  readonly encoded: number;
  /** What it carries, decoded: 4 bytes a coordinate that comes without its position, 8 with. */
  readonly decoded: number;
}

/** Of what follows the plan; with masks all that is decoded has positions. */
export function reportBytes(groups: readonly PlanGroup[], masked: boolean): ReportBytes {
  const sum = (of: (group: PlanGroup) => number) => groups.reduce((total, group) => total + of(group), 0);
  return { encoded: HEAD + sum(payloadBytes), decoded: sum(masked ? allSparse : decodedBytes) };
}

/** Throws WireError `too-large`. */
export function checkReportBytes(frame: Uint8Array, { tensors }: UpdateMessage, most: ReportBytes): void {
  let decoded = 0;
  for (const { delta } of tensors.values())
    decoded += delta.support === null ? DENSE * delta.length : SPARSE * delta.support.length;
  if (decoded > most.decoded)
    throw new WireError(
      "too-large",
      "payloads",
      `${decoded} bytes decoded, at most ${most.decoded} by the plan`,
    );
  if (frame.length > most.encoded)
    throw new WireError("too-large", "frame", `${frame.length} bytes, at most ${most.encoded} by the plan`);
}

const DENSE = 4;
const SPARSE = 8;

const allSparse = (group: PlanGroup): number => (SPARSE / DENSE) * decodedBytes(group);

function decodedBytes({ rule: { codec }, length }: PlanGroup): number {
  const { select, values } = codec;
  // zeros of a quantized vector may be left out of it
  if (select === "all") return (valueCoder(values).sparse ? SPARSE : DENSE) * length;
  if (typeof select === "object" && "lowRank" in select) return DENSE * length;
  return SPARSE * mostSelected(select, length);
}

/** Of a frame besides its payloads. */
const HEAD = 64;
/** Of a payload besides positions, values and tables: its own length and heads, padded blocks, and the sizes of a matrix. */
const PAYLOAD_HEAD = 256;
const MATRIX = 16;

/** A sender takes the shortest way to write positions: never longer than a bit for every coordinate, or 32 a position. */
function payloadBytes({ rule: { codec }, length, tensors }: PlanGroup): number {
  const { select, values } = codec;
  const head = PAYLOAD_HEAD + MATRIX * tensors.length + tableBytes(values);
  const valueBytes = (count: number) => Math.ceil((count * valueBits(values)) / 8);
  if (select === "all") return head + valueBytes(length);
  if (typeof select === "object" && "lowRank" in select) {
    const { rows, cols } = matrixOf(tensors[0]!.shape);
    return head + valueBytes(select.lowRank * (rows + cols));
  }
  const count = mostSelected(select, length);
  return head + Math.min(Math.ceil(length / 8), 4 * count) + valueBytes(count);
}

function mostSelected(select: CodecSpec["select"], length: number): number {
  if (typeof select !== "object") return length;
  // by rate it is as many bytes as top-k takes, and of cheap coordinates more
  if ("topK" in select && !select.rateDistortion) return countOfDensity(select.topK, length);
  if ("randomK" in select) return countOfDensity(select.randomK, length);
  if ("blocks" in select) return Math.min(length, select.blocks.keep * Math.ceil(length / select.blocks.of));
  return length;
}

function tableBytes(values: CodecSpec["values"]): number {
  if (typeof values !== "object") return 0;
  return "codebook" in values ? 4 * values.codebook : "levels" in values ? 4 * MAX_MAGNITUDES : 0;
}
