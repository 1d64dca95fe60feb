import { WireError } from "../model/error.ts";
import type { Receipt, Refusal, ReportId, Standing } from "../model/protocol.ts";
import type { ClientPorts } from "./loop.ts";
import type { Pending } from "./state.ts";
import type { UploadRate } from "./upload-rate.ts";

/** Brings reports to the coordinator, and remembers how far each has come. */
export interface Courier {
  /** Whether the report is known to have its receipt. */
  isDelivered(report: ReportId): boolean;
  /** The report has just been made: the coordinator can know nothing of it yet. */
  isNew(report: ReportId): void;
  /** The coordinator has lost what it gave a receipt for: it is asked again. */
  doubt(): void;
  /** Asks whether the report still counts, and sends what the coordinator has not got. Null: it has its receipt. */
  deliver(pending: Pending, signal: AbortSignal): Promise<Undelivered | null>;
}

export interface Undelivered {
  readonly refusal: Refusal;
  /** Whether it was sent; else it was only asked about. */
  readonly wasSent: boolean;
}

/** `onProgress` is called whenever more of a report has arrived than before; `rate` is told what has, and in what time. */
export function courier(
  { link, log, clock }: Pick<ClientPorts, "link" | "log" | "clock">,
  onProgress: () => void,
  rate: UploadRate,
): Courier {
  let delivered: string | null = null;
  let unheardOf: string | null = null;
  let arrived = { digest: "", bytes: 0 };
  /** An upload that broke: how much of it arrived is known when the coordinator is asked. */
  let broken = { digest: "", offset: 0, ms: 0 };

  const standingOf = async (report: ReportId, signal: AbortSignal): Promise<Standing> => {
    const isNew = unheardOf === report.digest;
    unheardOf = null;
    return isNew ? { kind: "wanted", receivedBytes: 0 } : await link.inquire(report, signal);
  };

  const send = async (
    report: ReportId,
    frame: Uint8Array,
    offset: number,
    signal: AbortSignal,
  ): Promise<Receipt> => {
    const startMs = clock.now();
    try {
      const receipt = await link.report(report, frame, offset, signal);
      // one that is refused may not have gone out as a whole
      if (receipt.kind === "accepted") rate.sent(frame.length - offset, clock.now() - startMs);
      return receipt;
    } catch (error) {
      broken = { digest: report.digest, offset, ms: clock.now() - startMs };
      throw error;
    }
  };

  return {
    isDelivered: ({ digest }) => delivered === digest,
    isNew: ({ digest }) => {
      unheardOf = digest;
    },
    doubt: () => {
      delivered = null;
    },
    deliver: async ({ report, frame }, signal) => {
      const { round, digest } = report;
      const standing = await standingOf(report, signal);
      if (standing.kind === "wanted") {
        const { receivedBytes } = standing;
        if (receivedBytes > frame.length)
          throw new WireError(
            "bad-field",
            "standing.wanted.received_bytes",
            `${receivedBytes}, of ${frame.length}`,
          );
        if (broken.digest === digest) rate.sent(receivedBytes - broken.offset, broken.ms);
        broken = { digest: "", offset: 0, ms: 0 };
        if (receivedBytes > 0) log({ type: "resumed", round, receivedBytes });
        if (receivedBytes > (arrived.digest === digest ? arrived.bytes : 0)) onProgress();
        arrived = { digest, bytes: receivedBytes };
      }
      const receipt: Receipt =
        standing.kind === "wanted" ? await send(report, frame, standing.receivedBytes, signal) : standing;
      log({ type: "receipt", round, bytes: frame.length, receipt });
      if (receipt.kind === "refused")
        return { refusal: receipt.refusal, wasSent: standing.kind === "wanted" };
      delivered = digest;
      onProgress();
      return null;
    },
  };
}
