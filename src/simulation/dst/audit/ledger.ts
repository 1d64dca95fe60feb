import type { AuditContext } from "./context.ts";
import type { Totals } from "./journal.ts";

/** The coordinator's own byte counts against what the network carried, life by life. */
export interface LedgerAudit {
  /** A new life begins; what it should have read off the journal. */
  readonly begins: (counts: () => Totals, fromJournal: Pick<Totals, "uplink" | "downlink">) => void;
  readonly ends: () => void;
  readonly up: (bytes: number) => void;
  readonly down: (bytes: number) => void;
  readonly check: () => void;
}

export function ledgerAudit({ fail }: AuditContext): LedgerAudit {
  let counts: (() => Totals) | null = null;
  let [up, down] = [0, 0];
  return {
    begins: (count, fromJournal) => {
      const { uplink, downlink } = count();
      if (uplink !== fromJournal.uplink || downlink !== fromJournal.downlink)
        fail(
          "ledger",
          `a coordinator begins with ${uplink} up, ${downlink} down; the journal has ${JSON.stringify(fromJournal)}`,
        );
      counts = count;
      [up, down] = [uplink, downlink];
    },
    ends: () => {
      counts = null;
    },
    up: (bytes) => {
      up += bytes;
    },
    down: (bytes) => {
      down += bytes;
    },
    check: () => {
      if (counts === null) return;
      const { uplink, downlink } = counts();
      if (uplink !== up || downlink !== down)
        fail(
          "ledger",
          `the coordinator counts ${uplink} bytes up and ${downlink} down, the network ${up} and ${down}`,
        );
    },
  };
}
