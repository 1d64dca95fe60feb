import type { CoordinatorLink } from "../../client/link.ts";
import type { ClientId } from "../../model/message.ts";
import type {
  CheckIn,
  CheckInReply,
  CoordinatorService,
  FetchModel,
  Receipt,
  Refusal,
  ReportId,
} from "../../model/protocol.ts";
import type { Chance } from "./chance.ts";
import { simulatedLink } from "./link.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** What an auditor sees on the wire, at the end of a coordinator's life. */
export interface Wire {
  readonly reportArrived: (at: Server, id: ReportId, frame: Uint8Array) => void;
  /** The answer leaves the coordinator, whether or not anybody gets it. */
  readonly receiptLeft: (
    at: Server,
    clientId: ClientId,
    id: ReportId,
    frame: Uint8Array | null,
    receipt: Receipt,
  ) => void;
  /** The answer to a report, a heartbeat or an inquiry that does not want the round's report. */
  readonly refusalLeft: (at: Server, clientId: ClientId, round: number, refusal: Refusal) => void;
  readonly bytesLeft: (at: Server, bytes: number) => void;
  readonly framesLeft: (at: Server, request: FetchModel, frames: readonly Uint8Array[]) => void;
  readonly checkInArrived: (at: Server, clientId: ClientId) => void;
  readonly replyLeft: (clientId: ClientId, request: CheckIn, reply: CheckInReply) => void;
  /** The service threw, which it never should. */
  readonly failed: (error: unknown) => void;
}

/** One life of a coordinator, as the network reaches it. */
export interface Server {
  readonly process: Process;
  readonly service: CoordinatorService;
  /** The beginnings of reports whose upload broke, by client and digest. */
  readonly staged: Map<string, Uint8Array>;
}

export interface Network {
  /** Null while no coordinator listens. */
  readonly serve: (server: Server | null) => void;
  readonly link: (process: Process, clientId: ClientId) => CoordinatorLink;
  /** Until then nothing passes that way between this client and the coordinator. */
  readonly part: (clientId: ClientId, way: "up" | "down" | "both", untilMs: number) => void;
  readonly heal: () => void;
}

export function network(time: Scheduler, chance: Chance, wire: Wire): Network {
  let listening: Server | null = null;
  const parted = new Map<string, number>();
  const counts = new Map<string, number>();
  const paths = {
    time,
    chance,
    wire,
    listening: () => listening,
    nth: (what: string): string => {
      const n = (counts.get(what) ?? 0) + 1;
      counts.set(what, n);
      return `${what} ${n}`;
    },
    isParted: (clientId: ClientId, way: "up" | "down"): boolean =>
      (parted.get(`${clientId} ${way}`) ?? 0) > time.now(),
  };
  return {
    serve: (server) => {
      listening = server;
    },
    link: (process, clientId) => simulatedLink(paths, process, clientId),
    part: (clientId, way, untilMs) => {
      for (const one of way === "both" ? (["up", "down"] as const) : [way])
        parted.set(`${clientId} ${one}`, untilMs);
    },
    heal: () => parted.clear(),
  };
}
