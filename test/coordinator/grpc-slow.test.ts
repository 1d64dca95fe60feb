import { expect, test } from "vitest";
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
