import { WireError } from "../../../model/error.ts";
import type { AuditContext } from "./context.ts";
import { type Accepted, type History, type OpenRound, sha256 } from "./history.ts";
import { medianOf, type RoundAudit } from "./rounds.ts";

/** Who is let in by the norm of its update, and who is not: what is usual is computed again from the closed rounds. */
export interface GateAudit {
  /** Before a round closes; null when all that it took may be in it. */
  readonly closes: (open: OpenRound, outcome: "commit" | "abandon", history: History) => string | null;
  /** A frame was refused for its norm while the durable open round was open. */
  readonly refused: (clientId: string, frame: Uint8Array, baseVersion: number, history: History) => void;
}

type Norms = ReadonlyMap<string, number>;

/** What both ends may compute in another order. */
const SHARE = 1e-6;

export function gateAudit(
  { shape, fail }: AuditContext,
  { decode, modelOf }: Pick<RoundAudit, "decode" | "modelOf">,
): GateAudit {
  const { normFactor } = shape.config.aggregation.gates;
  /** Of committed rounds by client, the oldest first; each client's newest alone. */
  let recent: readonly Norms[] = [];
  let abandonedInRow = 0;

  /** The longest that may be let in; null where the model was never seen. */
  const most = (factor: number, { digests, version }: History): number | null => {
    const norms = recent.flatMap((one) => [...one.values()]);
    const model = modelOf(digests[version]!);
    if (norms.length < 3 && model === null) return null;
    const usual =
      norms.length >= 3
        ? factor * medianOf(norms)
        : Math.max(5 * Math.hypot(...model!), norms.length === 0 ? 0 : factor * Math.min(...norms));
    return usual === 0 ? Infinity : usual * 2 ** abandonedInRow;
  };

  const remember = (accepted: readonly Accepted[]): void => {
    const newest = new Map(accepted.map((report) => [report.clientId, decode(report).norm]));
    const others = recent.map((one) => new Map([...one].filter(([clientId]) => !newest.has(clientId))));
    recent = [...others.filter(({ size }) => size > 0), newest];
    while (recent.length > 1 && recent.reduce((sum, { size }) => sum + size, 0) > 128)
      recent = recent.slice(1);
  };

  return {
    closes: (open, outcome, history) => {
      if (normFactor === null) return null;
      const bound = most(normFactor, history);
      if (outcome === "commit") {
        abandonedInRow = 0;
        remember(open.accepted);
      } else abandonedInRow++;
      const long = open.accepted.find((one) => bound !== null && decode(one).norm > bound * (1 + SHARE));
      return long === undefined
        ? null
        : `${long.clientId}'s report of round ${long.round} has norm ${decode(long).norm}, of ${bound}`;
    },
    refused: (clientId, frame, baseVersion, history) => {
      const bound = normFactor === null ? Infinity : most(normFactor, history);
      if (bound === null) return;
      try {
        const { norm } = decode({ clientId, frame, baseVersion, digest: sha256(frame) });
        if (norm < bound * (1 - SHARE))
          fail("refusal", `${clientId} hears norm-gate: its update has norm ${norm}, of ${bound}`);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        fail("refusal", `${clientId} hears norm-gate of what is no update: ${error.message}`);
      }
    },
  };
}
