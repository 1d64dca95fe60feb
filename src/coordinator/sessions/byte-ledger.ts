import type { ByteTotals } from "../../telemetry/event.ts";

/**
 * Counts frame bytes as handed to the link, both ways, every client, every round, whatever became of them; and beside
 * them what float32 tensors would have cost for the same messages: one dense model for each report that was accepted
 * and each task that was given. What was refused or repeated costs bytes and earns nothing.
 */
export interface ByteLedger {
  accepted(frameBytes: number): void;
  refused(frameBytes: number): void;
  sent(frameBytes: number): void;
  /** A client was given a round's task for the first time. */
  configured(): void;
  totals(): ByteTotals;
}

const nothing = { uplink: 0, downlink: 0, denseUplink: 0, denseDownlink: 0 };

export function byteLedger(denseModelBytes: number, before: ByteTotals | null): ByteLedger {
  let { uplink, downlink, denseUplink, denseDownlink } = before ?? nothing;
  return {
    accepted: (bytes) => {
      uplink += bytes;
      denseUplink += denseModelBytes;
    },
    refused: (bytes) => {
      uplink += bytes;
    },
    sent: (bytes) => {
      downlink += bytes;
    },
    configured: () => {
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
