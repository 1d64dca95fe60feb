import type { Clock } from "../../model/clock.ts";
import type { ClientId } from "../../model/message.ts";
import type { ReportId } from "../../model/protocol.ts";
import type { DeviceProfile } from "../../model/submodel.ts";
import type { TelemetryEvent } from "../../telemetry/event.ts";
import type { Book } from "../book/book.ts";
import type { Record } from "../journal/record.ts";
import type { CoordinatorOptions } from "../options.ts";
import type { RoundEvent, RoundState } from "../round/state.ts";
import type { ByteLedger } from "./byte-ledger.ts";

/** What the sessions share with the coordinator that they belong to. */
export interface Desk {
  readonly options: CoordinatorOptions;
  readonly book: Book;
  readonly clock: Clock;
  readonly ledger: ByteLedger;
  readonly emit: (event: TelemetryEvent) => void;
  readonly dispatch: (event: RoundEvent) => void;
  readonly write: (record: Record) => Promise<void>;
  /** Resolves when all that was written so far is on disk. */
  readonly durable: () => Promise<void>;
  /** Of the part of the model that fits a device. */
  readonly widthFor: (device: DeviceProfile) => number;
  /** Reports that were coded by another history than ours, the last one of every client. */
  readonly mismatched: Map<ClientId, ReportId>;
  readonly isOver: () => boolean;
  /** Whether the journal waits for room on its disk. */
  readonly isStalled: () => boolean;
  readonly state: () => RoundState;
}
