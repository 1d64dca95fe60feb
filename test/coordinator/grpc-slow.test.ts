import { expect, test } from "vitest";
import { digestOf } from "../../src/model/manifest.ts";
import { faultProxy } from "../../src/simulation/proxy/fault-proxy.ts";
import { checkIn, linkTo, noise, scripted, serve } from "./grpc-kit.ts";

const KIB = 1024;

test("a model comes through a link so slow that a part of it takes longer than the time without progress", async () => {
  const frame = noise(96 * KIB);
  const service = scripted({ fetchModel: async () => [frame] });
  const { port } = await serve(service);
  const proxy = await faultProxy({ target: () => port, faults: { down: { bytesPerSecond: 20 * KIB } } });
  try {
    const link = linkTo(proxy, "a", { limits: { idleMs: 2500 } });
    const { signal } = new AbortController();
    await link.checkIn(checkIn, signal);
    expect(await link.fetchModel({ held: null, version: 0 }, signal)).toEqual([frame]);
    await link.close();
  } finally {
    await proxy.close();
  }
});

test("a report comes through a link on which 1 MiB on its way would hold up all else for too long", async () => {
  const idleMs = 6000;
  const frame = noise(240 * KIB);
  const service = scripted({ report: async (_, report) => ({ kind: "accepted", report }) });
  const { port } = await serve(service, { limits: { idleMs } });
  const proxy = await faultProxy({ target: () => port, faults: { up: { bytesPerSecond: 24 * KIB } } });
  try {
    const link = linkTo(proxy, "a", { limits: { idleMs } });
    const { signal } = new AbortController();
    await link.checkIn(checkIn, signal);
    const report = { round: 1, digest: digestOf(frame) };
    const receipt = link.report(report, frame, 0, signal);
    await new Promise((later) => setTimeout(later, 3000));
    const asked = performance.now();
    await link.heartbeat(1, signal);
    expect(performance.now() - asked).toBeLessThan(idleMs);
    expect(await receipt).toEqual({ kind: "accepted", report });
    await link.close();
  } finally {
    await proxy.close();
  }
});
