import type { ClientId } from "../../../model/message.ts";
import type { Refusal } from "../../../model/protocol.ts";
import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { AuditContext } from "./context.ts";
import { type History, roundKey } from "./history.ts";

/**
 * Who is turned away for good hears the truth: its round is over and too long ago, it was not asked, has reported, or was
 * refused; and who checked in after its round reports nothing of that any more. What a coordinator knows and did not write
 * down yet is what it was heard to say of itself.
 */
export interface RefusalAudit {
  readonly heard: (life: object, event: TelemetryEvent) => void;
  /** A life goes on with the round that its journal has open. */
  readonly inherits: (life: object, round: number | null) => void;
  readonly died: (life: object) => void;
  /** Who checks in has nothing more to report; true where that gives up a report of an earlier round. */
  readonly checksIn: (life: object, clientId: ClientId, history: History) => boolean;
  readonly asked: (clientId: ClientId, round: number) => void;
  readonly refused: (
    life: object,
    clientId: ClientId,
    round: number,
    refusal: Refusal,
    history: History,
  ) => void;
}

/** What a life of the coordinator knows. */
interface Life {
  version: number;
  open: number | null;
  hasClosed: boolean;
  /** By client and round. */
  readonly accepted: Set<string>;
  readonly refused: Set<string>;
  /** Its client checked in when that round was over. */
  readonly givenUp: Set<string>;
}

/** All else decides that a client is out of its round. */
const DECIDES_NOTHING: ReadonlySet<string> = new Set([
  "wrong-round",
  "not-selected",
  "already-reported",
  "already-refused",
  "run-over",
]);

export function refusalAudit({ shape, options, fail }: AuditContext): RefusalAudit {
  const { maxStaleness } = shape.config.cohort;
  const lives = new Map<object, Life>();
  /** The round that a client was last asked in, and who has not checked in since. */
  const lastAsked = new Map<ClientId, number>();
  const atWork = new Set<ClientId>();
  /** By any life. */
  const everRefused = new Set<string>();

  const hasReported = (life: Life, clientId: ClientId, round: number, { reports }: History): boolean =>
    life.accepted.has(roundKey(clientId, round)) ||
    [...reports.values()].some((one) => one.clientId === clientId && one.round === round);

  const isLate = ({ version }: Life, clientId: ClientId, round: number, { rounds }: History): boolean => {
    const asked = rounds.get(round);
    return (
      maxStaleness > 0 &&
      version < options.rounds.rounds && // or no round comes
      asked !== undefined &&
      lastAsked.get(clientId) === round &&
      atWork.has(clientId) &&
      version - asked.version <= maxStaleness
    );
  };

  /** Why what is said is not so; null when it is. */
  const untrue = (
    life: Life,
    clientId: ClientId,
    round: number,
    code: string,
    history: History,
  ): string | null => {
    const key = roundKey(clientId, round);
    const isHostile = clientId.startsWith("hostile"); // its frames may be of other rounds than it says
    switch (code) {
      case "wrong-round":
        if (isHostile || history.refused.has(key) || everRefused.has(key)) return null;
        if (life.open === round) return "it is open";
        if (hasReported(life, clientId, round, history)) return null;
        return isLate(life, clientId, round, history) ? `it counts at version ${life.version}` : null;
      case "not-selected":
        return history.rounds.get(round)?.cohort.includes(clientId) ? "it was asked" : null;
      case "already-reported":
        return hasReported(life, clientId, round, history) ? null : "it has not";
      case "already-refused":
        return isHostile || history.refused.has(key) || life.refused.has(key) ? null : "it was not";
      case "run-over":
        return history.version >= options.rounds.rounds ? null : `it is at version ${history.version}`;
      default:
        return null;
    }
  };

  return {
    heard: (process, event) => {
      if (event.type === "run.started")
        lives.set(process, {
          version: event.resumedFromVersion ?? 0,
          open: null,
          hasClosed: false,
          accepted: new Set(),
          refused: new Set(),
          givenUp: new Set(),
        });
      const life = lives.get(process);
      if (life === undefined) return;
      if (event.type === "round.opened") life.open = event.round;
      else if (event.type === "round.abandoned" || event.type === "round.committed") {
        life.open = null;
        life.hasClosed = true;
        if (event.type === "round.committed") life.version = event.version;
      } else if (event.type === "report.accepted") {
        const key = roundKey(event.clientId, event.round);
        if (life.givenUp.has(key))
          fail("refusal", `${event.clientId}'s report of round ${event.round} is taken after it checked in`);
        life.accepted.add(key);
      } else if (event.type === "report.refused" && !DECIDES_NOTHING.has(event.code)) {
        life.refused.add(roundKey(event.clientId, event.round));
        everRefused.add(roundKey(event.clientId, event.round));
      }
    },
    inherits: (process, round) => {
      const life = lives.get(process);
      if (life !== undefined && !life.hasClosed) life.open = round;
    },
    died: (process) => void lives.delete(process),
    checksIn: (process, clientId, history) => {
      atWork.delete(clientId);
      const [life, round] = [lives.get(process), lastAsked.get(clientId)];
      if (life === undefined || round === undefined || round === life.open) return false;
      const isGivenUp = maxStaleness > 0 && !hasReported(life, clientId, round, history);
      if (isGivenUp) life.givenUp.add(roundKey(clientId, round));
      return isGivenUp;
    },
    asked: (clientId, round) => {
      lastAsked.set(clientId, round);
      atWork.add(clientId);
    },
    refused: (process, clientId, round, { code, retryAfterMs }, history) => {
      const life = lives.get(process);
      if (life === undefined || retryAfterMs !== undefined) return; // it may come yet
      const why = untrue(life, clientId, round, code, history);
      if (why !== null) fail("refusal", `${clientId} hears ${code} of round ${round}: ${why}`);
    },
  };
}
