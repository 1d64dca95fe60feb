import type { ByteTotals } from "../telemetry/event.ts";

/**
 * Counts frame bytes as handed to the link, both ways, every client, every round, whatever became of them; and
 * beside them what float32 tensors would have cost for the same messages: one dense model a report, one a task.
 */
export interface ByteLedger {
  uplink(frameBytes: number): void;
  downlink(frameBytes: number): void;
  taskConfigured(): void;
  totals(): ByteTotals;
}

export function byteLedger(denseModelBytes: number, before: ByteTotals | null): ByteLedger {
  let { uplink, downlink, denseUplink, denseDownlink } = before ?? {
    uplink: 0,
    downlink: 0,
    denseUplink: 0,
    denseDownlink: 0,
  };
  return {
    uplink: (bytes) => {
      uplink += bytes;
      denseUplink += denseModelBytes;
    },
    downlink: (bytes) => {
      downlink += bytes;
    },
    taskConfigured: () => {
      denseDownlink += denseModelBytes;
    },
    totals: () => {
      const total = uplink + downlink;
      const denseTotal = denseUplink + denseDownlink;
      const ratioTotal = total === 0 ? 0 : denseTotal / total;
      return { uplink, downlink, total, denseUplink, denseDownlink, denseTotal, ratioTotal };
    },
  };
}
