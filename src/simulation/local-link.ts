import { type CoordinatorLink, noSession } from "../client/link.ts";
import { sleep } from "../model/clock.ts";
import type { ClientId } from "../model/message.ts";
import type { ClientSession, CoordinatorService, Refusal } from "../model/protocol.ts";
import type { Device } from "./fleet.ts";
import type { World } from "./world.ts";

/** A link without a network: the coordinator's own session, reached after the time that the device's link takes. */
export function localLink(
  service: CoordinatorService,
  clientId: ClientId,
  device: Device,
  { clock }: World,
  tap: (frame: Uint8Array) => void = () => {},
): CoordinatorLink {
  let session: ClientSession | null = null;
  const transfer = (bytes: number, bytesPerSecond: number, signal: AbortSignal): Promise<void> =>
    sleep(clock, device.latencyMs + (1000 * bytes) / bytesPerSecond, signal);
  const live = (): ClientSession | Refusal => {
    if (session !== null) return session;
    const opened = service.open(clientId, () => {
      session = null;
    });
    if (!("code" in opened)) session = opened;
    return opened;
  };
  const opened = (): ClientSession => {
    const open = live();
    if (!("code" in open)) return open;
    throw noSession(open);
  };
  /** A transfer, and how far it came, also when it is given up on the way. */
  const moved = async (
    bytes: number,
    bytesPerSecond: number,
    signal: AbortSignal,
    tell: (bytes: number) => void,
  ): Promise<void> => {
    const startMs = clock.now() + device.latencyMs;
    try {
      await transfer(bytes, bytesPerSecond, signal);
      tell(bytes);
    } catch (error) {
      const onTheWay = ((clock.now() - startMs) * bytesPerSecond) / 1000;
      tell(Math.min(bytes, Math.max(0, Math.floor(onTheWay))));
      throw error;
    }
  };
  return {
    checkIn: async (request, signal) => {
      await transfer(0, 1, signal);
      const open = live();
      return "code" in open ? { kind: "refused", refusal: open } : open.checkIn(request);
    },
    heartbeat: async (round, signal) => {
      await transfer(0, 1, signal);
      return opened().heartbeat(round);
    },
    inquire: async (report, signal) => {
      await transfer(0, 1, signal);
      return opened().inquire(report);
    },
    fetchModel: async (request, signal) => {
      const { frames, sent } = await opened().fetchModel(request);
      const bytes = frames.reduce((n, frame) => n + frame.length, 0);
      await moved(bytes, device.downlinkBytesPerSecond, signal, sent);
      frames.forEach(tap);
      return frames;
    },
    report: async (id, frame, offset, signal) => {
      const open = opened();
      await moved(frame.length - offset, device.uplinkBytesPerSecond, signal, (bytes) => {
        if (bytes < frame.length - offset) open.lost(bytes);
      });
      tap(frame);
      const receipt = await open.report(id, frame);
      const isKept = receipt.kind === "refused" && receipt.refusal.retryAfterMs !== undefined;
      if (isKept) open.lost(frame.length); // it is not counted yet, and comes again
      return receipt;
    },
    close: async () => {
      session?.close();
      session = null;
    },
  };
}
