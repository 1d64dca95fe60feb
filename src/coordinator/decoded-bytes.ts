import type { PlanGroup } from "../compress/plan.ts";
import { countOfDensity } from "../compress/select.ts";
import { valueCoder } from "../compress/values.ts";
import { WireError } from "../model/error.ts";
import type { UpdateMessage } from "../model/message.ts";
import type { CodecSpec } from "../model/protocol.ts";

/** What a kept update takes: 4 bytes a coordinate that comes without positions, 8 with. */
const DENSE = 4;
const SPARSE = 8;

/**
 * The memory of the largest update that follows a plan, decoded: what a robust fold keeps of each report. With masks all
 * of it has positions.
 */
export const decodedBytes = (groups: readonly PlanGroup[], masked: boolean): number =>
  groups.reduce((sum, { rule, length }) => sum + ofGroup(rule.codec, length), 0) *
  (masked ? SPARSE / DENSE : 1);

function ofGroup({ select, values }: CodecSpec, length: number): number {
  // zeros of a quantized vector may be left out of it
  if (select === "all") return (valueCoder(values).sparse ? SPARSE : DENSE) * length;
  if ("lowRank" in select) return DENSE * length;
  if ("topK" in select) return SPARSE * countOfDensity(select.topK, length);
  if ("randomK" in select) return SPARSE * countOfDensity(select.randomK, length);
  if ("blocks" in select) return SPARSE * select.blocks.keep * Math.ceil(length / select.blocks.of);
  return SPARSE * length;
}

/** The plan is not in the bytes: who sends more than it selects would take memory that nobody planned for. */
export function checkDecodedBytes({ tensors }: UpdateMessage, most: number): void {
  let bytes = 0;
  for (const { delta } of tensors.values())
    bytes += delta.values.length * (delta.support === null ? DENSE : SPARSE);
  if (bytes > most)
    throw new WireError("too-large", "payloads", `${bytes} bytes decoded, at most ${most} by the plan`);
}
