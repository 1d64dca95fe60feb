import type { Clock } from "../../model/clock.ts";
import type { ClientId } from "../../model/message.ts";
import type { CoordinatorService, Refusal, ReportId } from "../../model/protocol.ts";
import { type FrameJoiner, frameJoiner } from "../../wire/transfer.ts";

/**
 * What has arrived of reports that are not answered yet. What a broken upload left is kept, so that the client need not
 * send it again: of each client at most one report's, for a time, while it may still count, and while there is room.
 */
export interface Uploads {
  /** Bytes of that report which are here. An upload of it that is still running is ended. */
  received(clientId: ClientId, report: ReportId): number;
  /**
   * Goes on at `offset`, or begins anew at 0; another upload of the client is ended by it. Throws WireError `too-large`
   * above a limit, also of all uploads together: there will never be room for it. A refusal, with what is here unchanged,
   * when it does not fit that.
   */
  begin(announced: Announced, owner: Owner): Upload | Refusal;
  /** Throws away what is here of that report. */
  forget(clientId: ClientId, report: ReportId): void;
  /** Throws away what cannot count any more. */
  sweep(): void;
  /** Throws away what broke, and what breaks from now on: nobody comes back for it. */
  close(): void;
}

export interface Announced {
  readonly report: ReportId;
  readonly frameBytes: number;
  readonly offset: number;
}

export interface Owner {
  readonly clientId: ClientId;
  /** Told of bytes that were thrown away. */
  readonly lost: (bytes: number) => void;
  /** The upload is ended from elsewhere: it lets go before this returns. */
  readonly onEnded: () => void;
}

export interface Upload {
  /**
   * False: there is no room for it now. Throws WireError `trailing` beyond the length that was announced. What is not kept
   * is lost.
   */
  add(data: Uint8Array): boolean;
  isWhole(): boolean;
  /** The whole frame, which nobody else may end or throw away from now on. */
  finish(): Uint8Array;
  /** Lets go, and keeps what is here. */
  pause(): void;
  /** Lets go of it all: it was lost, or it has become a report. */
  end(how: "lost" | "reported"): void;
}

export interface UploadLimits {
  readonly frameBytes: number;
  /** Bytes of all uploads together. */
  readonly uploadBytes: number;
  /** How long what a broken upload left is kept. */
  readonly uploadAgeMs: number;
}

interface Kept {
  readonly report: ReportId;
  readonly frameBytes: number;
  readonly joiner: FrameJoiner;
  owner: Owner;
  state: "running" | "paused" | "finished";
  cancelAge: () => void;
}

export function openUploads(
  limits: UploadLimits,
  clock: Pick<Clock, "after">,
  counts: CoordinatorService["counts"],
): Uploads {
  /** Those that were paused first come first. */
  const kept = new Map<ClientId, Kept>();
  let heldBytes = 0;
  let isClosed = false;

  const release = (one: Kept): void => {
    one.cancelAge();
    heldBytes -= one.joiner.received();
    if (kept.get(one.owner.clientId) === one) kept.delete(one.owner.clientId);
  };
  const lose = (one: Kept): void => {
    one.owner.lost(one.joiner.received());
    release(one);
  };
  const stop = (one: Kept | undefined): void => {
    if (one?.state === "running") one.owner.onEnded();
  };
  const pause = (one: Kept): void => {
    if (one.joiner.received() === 0) return release(one);
    const { clientId } = one.owner;
    // another report has taken its place, or nothing is kept any more
    if (kept.get(clientId) !== one || isClosed) return lose(one);
    one.state = "paused";
    kept.delete(clientId);
    kept.set(clientId, one);
    one.cancelAge();
    one.cancelAge = clock.after(limits.uploadAgeMs, () => lose(one));
  };

  const mayCount = ({ owner, report }: Kept): boolean => counts(owner.clientId, report);

  /** What others left behind makes way for what is coming, and what nobody asked for makes way at any time. */
  const hasRoom = (bytes: number, asking: Kept): boolean => {
    const fits = (): boolean => heldBytes + bytes <= limits.uploadBytes;
    if (fits()) return true;
    if (!mayCount(asking)) return false;
    for (const one of kept.values()) {
      if (fits()) break;
      if (one === asking) continue;
      if (!mayCount(one)) stop(one);
      if (one.state === "paused") lose(one);
    }
    return fits();
  };

  const uploadOf = (one: Kept): Upload => ({
    add: (data) => {
      const before = one.joiner.received();
      try {
        if (!hasRoom(data.length, one)) return false;
        one.joiner.add(data);
        return true;
      } finally {
        const added = one.joiner.received() - before;
        heldBytes += added;
        if (added < data.length) one.owner.lost(data.length - added);
      }
    },
    isWhole: () => one.joiner.received() === one.frameBytes,
    finish: () => {
      const [frame] = one.joiner.finish();
      one.state = "finished";
      return frame!;
    },
    pause: () => pause(one),
    end: (how) => (how === "lost" ? lose(one) : release(one)),
  });

  return {
    received: (clientId, report) => {
      const one = kept.get(clientId);
      if (one === undefined || !isSame(one.report, report)) return 0;
      stop(one);
      return kept.get(clientId)?.joiner.received() ?? 0;
    },
    begin: ({ report, frameBytes, offset }, owner) => {
      stop(kept.get(owner.clientId));
      const one = kept.get(owner.clientId);
      if (offset === 0) {
        const mostBytes = Math.min(limits.frameBytes, limits.uploadBytes);
        const joiner = frameJoiner([frameBytes], {
          frameBytes: mostBytes,
          transferBytes: mostBytes,
          maxFrames: 1,
        });
        if (one?.state === "paused") lose(one);
        const fresh: Kept = {
          ...{ report, frameBytes, joiner, owner },
          state: "running",
          cancelAge: () => {},
        };
        kept.set(owner.clientId, fresh);
        return uploadOf(fresh);
      }
      const here = one?.state === "paused" && isSame(one.report, report) ? one : null;
      if (here === null || here.frameBytes !== frameBytes || here.joiner.received() !== offset)
        return {
          code: "bad-offset",
          detail: `byte ${offset} of ${frameBytes}; here are ${here?.joiner.received() ?? 0} of ${here?.frameBytes ?? 0}`,
          retry: true,
          retryAfterMs: 0,
        };
      here.cancelAge();
      here.owner = owner;
      here.state = "running";
      return uploadOf(here);
    },
    forget: (clientId, report) => {
      const one = kept.get(clientId);
      if (one?.state === "paused" && isSame(one.report, report)) lose(one);
    },
    sweep: () => {
      for (const one of kept.values()) if (one.state === "paused" && !mayCount(one)) lose(one);
    },
    close: () => {
      isClosed = true;
      for (const one of kept.values()) if (one.state === "paused") lose(one);
    },
  };
}

const isSame = (one: ReportId, other: ReportId): boolean =>
  one.round === other.round && one.digest === other.digest;
