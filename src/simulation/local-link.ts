import { type CoordinatorLink, LinkError } from "../client/link.ts";
import { sleep } from "../model/clock.ts";
import type { ClientId } from "../model/message.ts";
import type { ClientSession, CoordinatorService } from "../model/protocol.ts";
import type { Device } from "./fleet.ts";
import type { World } from "./world.ts";

/** A link without a network: the coordinator's own session, reached after the time that the device's link takes. */
export function localLink(
  service: CoordinatorService,
  clientId: ClientId,
  device: Device,
  { clock }: World,
): CoordinatorLink {
  let session: ClientSession | null = null;
  const transfer = (bytes: number, bytesPerSecond: number, signal: AbortSignal): Promise<void> =>
    sleep(clock, device.latencyMs + (1000 * bytes) / bytesPerSecond, signal);
  const live = (): ClientSession => {
    if (session === null) throw new LinkError("not checked in");
    return session;
  };
  return {
    checkIn: async (request, signal) => {
      await transfer(0, 1, signal);
      if (session === null) {
        const opened = service.open(clientId);
        if ("code" in opened) return { kind: "refused", refusal: opened };
        session = opened;
      }
      return session.checkIn(request);
    },
    fetchModel: async (request, signal) => {
      const frames = await live().fetchModel(request);
      const bytes = frames.reduce((n, frame) => n + frame.length, 0);
      await transfer(bytes, device.downlinkBytesPerSecond, signal);
      return frames;
    },
    report: async (id, frame, signal) => {
      await transfer(frame.length, device.uplinkBytesPerSecond, signal);
      return live().report(id, frame);
    },
    close: async () => {
      session?.close();
      session = null;
    },
  };
}
