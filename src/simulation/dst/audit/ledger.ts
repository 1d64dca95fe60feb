import type { AuditContext } from "./context.ts";
import type { Totals } from "./journal.ts";

type Counts = Pick<Totals, "uplink" | "downlink">;

/** Each coordinator's own byte counts against what the network carried to and from it; `life` is its process. */
export interface LedgerAudit {
  /** A life begins; what it should have read off the journal. */
  readonly begins: (life: object, counts: () => Totals, fromJournal: Counts) => void;
  readonly ends: (life: object) => void;
  readonly up: (life: object, bytes: number) => void;
  readonly down: (life: object, bytes: number) => void;
  readonly check: () => void;
}

export function ledgerAudit({ fail }: AuditContext): LedgerAudit {
  const lives = new Map<object, { readonly counts: () => Totals; uplink: number; downlink: number }>();
  return {
    begins: (life, counts, fromJournal) => {
      const { uplink, downlink } = counts();
      if (uplink !== fromJournal.uplink || downlink !== fromJournal.downlink)
        fail(
          "ledger",
          `a coordinator begins with ${uplink} up, ${downlink} down; the journal has ${JSON.stringify(fromJournal)}`,
        );
      lives.set(life, { counts, uplink, downlink });
    },
    ends: (life) => {
      lives.delete(life);
    },
    up: (life, bytes) => {
      const carried = lives.get(life);
      if (carried) carried.uplink += bytes;
    },
    down: (life, bytes) => {
      const carried = lives.get(life);
      if (carried) carried.downlink += bytes;
    },
    check: () => {
      for (const { counts, uplink: up, downlink: down } of lives.values()) {
        const { uplink, downlink } = counts();
        if (uplink !== up || downlink !== down)
          fail(
            "ledger",
            `the coordinator counts ${uplink} bytes up and ${downlink} down, the network ${up} and ${down}`,
          );
      }
    },
  };
}
