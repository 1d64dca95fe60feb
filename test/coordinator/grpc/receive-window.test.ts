import { expect, test } from "vitest";
import { FIRST_WINDOW_BYTES, receiveWindow } from "../../../src/coordinator/grpc/receive-window.ts";

const MOST = 2 ** 20;

/** Windows over time of a link that carries `rate` bytes a millisecond, `pingMs` there and back with nothing before it. */
function windowsOn(rate: number, pingMs: number, numSteps: number, window = receiveWindow(MOST)) {
  window.measured(pingMs, null);
  return Array.from({ length: numSteps }, () => {
    const size = window.bytes();
    const queueMs = Math.max(0, size / rate - pingMs);
    const ms = pingMs + queueMs;
    window.measured(ms, { bytes: Math.min(size, rate * ms), ms });
    return window.bytes();
  });
}

test("a fast link has the whole window at once, a long one after a few pings", () => {
  expect(receiveWindow(MOST).bytes()).toBe(FIRST_WINDOW_BYTES);
  expect(windowsOn(10_000, 1, 3)).toEqual([16 * FIRST_WINDOW_BYTES, MOST, MOST]);
  // (100 ms + 1 s) / 100 ms: 11 times
  expect(windowsOn(10_000, 100, 3)).toEqual([11 * FIRST_WINDOW_BYTES, 121 * FIRST_WINDOW_BYTES, MOST]);
  // twice at a time, however long it is
  expect(windowsOn(10_000, 10_000, 3)).toEqual([2, 4, 8].map((n) => n * FIRST_WINDOW_BYTES));
});

test("a slow link has what it carries in the time of a ping and a second", () => {
  for (const rate of [1, 4, 20, 200]) {
    const carried = rate * (50 + 1000);
    const last = windowsOn(rate, 50, 20).at(-1)!;
    expect(last / carried).toBeGreaterThan(0.75);
    expect(last / carried).toBeLessThan(1.25);
  }
  expect(windowsOn(0.3, 50, 20).at(-1)).toBe(1024);
});

test("a link that becomes slow has its window taken back; one that has little to carry keeps it", () => {
  const window = receiveWindow(MOST);
  expect(windowsOn(10_000, 50, 5, window).at(-1)).toBe(MOST);
  window.measured(60, { bytes: 5000, ms: 2000 });
  expect(window.bytes()).toBe(MOST);
  const taken = windowsOn(10, 50, 5, window).at(-1)!;
  expect(taken).toBeLessThanOrEqual(10 * 1050);
  expect(taken).toBeGreaterThan(0.75 * 10 * 1050);
});

test("a limit is kept, also one below the first window", () => {
  const window = receiveWindow(2000);
  expect(window.bytes()).toBe(2000);
  window.measured(1, { bytes: 2000, ms: 0 });
  window.measured(1, { bytes: 2000, ms: 1 });
  expect(window.bytes()).toBe(2000);
});
