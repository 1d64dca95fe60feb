import type { CoordinatorLink } from "../../src/client/link.ts";
import { localLink } from "../../src/simulation/local-link.ts";
import { world } from "../../src/simulation/world.ts";
import { linkTo, serve } from "../coordinator/grpc/kit.ts";
import { linkSuite } from "../suites/link.ts";

linkSuite("gRPC", async (service) => linkTo(await serve(service), "a"));

/** In virtual time, which passes while somebody waits. */
linkSuite("simulated", async (service): Promise<CoordinatorLink> => {
  const virtual = world();
  const device = {
    samplesPerSecond: 1,
    latencyMs: 20,
    uplinkBytesPerSecond: 1e4,
    downlinkBytesPerSecond: 1e5,
  };
  const link = localLink(service, "a", device, virtual);
  return {
    checkIn: (request, signal) => virtual.run(link.checkIn(request, signal)),
    heartbeat: (round, signal) => virtual.run(link.heartbeat(round, signal)),
    inquire: (report, signal) => virtual.run(link.inquire(report, signal)),
    fetchModel: (request, signal) => virtual.run(link.fetchModel(request, signal)),
    report: (report, frame, offset, signal) => virtual.run(link.report(report, frame, offset, signal)),
    close: link.close,
  };
});
