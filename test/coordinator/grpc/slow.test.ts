import { expect, test } from "vitest";
import { digestOf } from "../../../src/model/manifest.ts";
import { faultProxy } from "../../../src/simulation/proxy/fault-proxy.ts";
import { checkIn, linkTo, noise, scripted, serve } from "./kit.ts";

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

// 256 bytes a second over 30 s are 7.5 KiB: 24 times as fast, with as much less time
const least = { idleMs: 1250, bytesPerSecond: 6 * KIB };

test.each(["down", "up"] as const)("what is as slow as may be is not without progress: %s", async (way) => {
  const { idleMs, bytesPerSecond } = least;
  const frame = noise(30 * KIB);
  const service = scripted({ fetchModel: async () => [frame] });
  const { port } = await serve(service, { limits: { idleMs, minUploadRate: bytesPerSecond / 2 } });
  const proxy = await faultProxy({ target: () => port, faults: { [way]: { bytesPerSecond } } });
  try {
    // what goes up is judged by who sees it come
    const link = linkTo(proxy, "a", { limits: { idleMs: way === "down" ? idleMs : 20_000 } });
    const { signal } = new AbortController();
    await link.checkIn(checkIn, signal);
    const report = { round: 1, digest: digestOf(frame) };
    if (way === "down") expect(await link.fetchModel({ held: null, version: 0 }, signal)).toEqual([frame]);
    else expect(await link.report(report, frame, 0, signal)).toEqual({ kind: "accepted", report });
    await link.close();
  } finally {
    await proxy.close();
  }
});

/** Reports over a link of so many bytes a second up, and asks for a heartbeat in the midst of it: how long that takes. */
async function heldUpMs(frameBytes: number, bytesPerSecond: number, afterMs: number, idleMs: number) {
  const { port } = await serve(scripted(), { limits: { idleMs } });
  const proxy = await faultProxy({ target: () => port, faults: { up: { bytesPerSecond } } });
  try {
    const link = linkTo(proxy, "a", { limits: { idleMs } });
    const { signal } = new AbortController();
    await link.checkIn(checkIn, signal);
    const frame = noise(frameBytes);
    const report = { round: 1, digest: digestOf(frame) };
    const receipt = link.report(report, frame, 0, signal);
    await new Promise((later) => setTimeout(later, afterMs));
    const asked = performance.now();
    await link.heartbeat(1, signal);
    const ms = performance.now() - asked;
    expect(await receipt).toEqual({ kind: "accepted", report });
    await link.close();
    return ms;
  } finally {
    await proxy.close();
  }
}

test("a report comes through a link on which 1 MiB on its way would hold up all else for too long", async () => {
  expect(await heldUpMs(240 * KIB, 24 * KIB, 3000, 6000)).toBeLessThan(6000);
});

test("on a slow link a report comes without a break, and holds no heartbeat up for long", async () => {
  // all that is left of the report would take more than 3 s
  expect(await heldUpMs(24 * KIB, 4 * KIB, 2500, 2500)).toBeLessThan(2500);
});

test("on a long link a connection's window grows while a report comes", async () => {
  const frame = noise(6144 * KIB);
  const service = scripted({ report: async (_, report) => ({ kind: "accepted", report }) });
  const { port } = await serve(service);
  const long = { latencyMs: 100 };
  const proxy = await faultProxy({ target: () => port, faults: { up: long, down: long } });
  try {
    const link = linkTo(proxy, "a");
    const { signal } = new AbortController();
    await link.checkIn(checkIn, signal);
    const report = { round: 1, digest: digestOf(frame) };
    const began = performance.now();
    expect(await link.report(report, frame, 0, signal)).toEqual({ kind: "accepted", report });
    // 96 windows of 64 KiB, one every 200 ms, would be 19 s
    expect(performance.now() - began).toBeLessThan(14_000);
    await link.close();
  } finally {
    await proxy.close();
  }
});
