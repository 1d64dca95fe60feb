import { expect, test } from "vitest";
import { FIRST_WINDOW_BYTES, receiveWindow } from "../../../src/coordinator/grpc/receive-window.ts";

const MOST = 2 ** 21;
const CHUNK = 16_384;

/** Windows over time of a link that carries `rate` bytes a millisecond, with `roundTripMs` from a window to its use. */
function windowsOf(rate: number, roundTripMs: number, chunks: number): readonly number[] {
  const window = receiveWindow(MOST, 24_000);
  const sizes = [FIRST_WINDOW_BYTES];
  window.begin();
  let nowMs = 0;
  for (let i = 0; i < chunks; i++) {
    nowMs += CHUNK / Math.min(rate, sizes.at(-1)! / roundTripMs);
    const size = window.received(CHUNK, nowMs);
    if (size !== null) sizes.push(size);
  }
  return sizes;
}

test("a fast link has the whole window at once, a long one after a while", () => {
  expect(windowsOf(10_000, 1, 100)).toEqual([FIRST_WINDOW_BYTES, MOST]);
  const long = windowsOf(10_000, 10_000, 2000);
  expect(long.at(-1)).toBe(32 * FIRST_WINDOW_BYTES);
  expect(long.slice(0, 3)).toEqual([1, 2, 4].map((n) => n * FIRST_WINDOW_BYTES));
});

test("on a slow link twice the window brings nothing: it is taken back, and for good", () => {
  for (const rate of [6, 8, 17, 60]) {
    const sizes = windowsOf(rate, 50, 2000);
    expect(sizes).toEqual([FIRST_WINDOW_BYTES, 2 * FIRST_WINDOW_BYTES, FIRST_WINDOW_BYTES]);
  }
  expect(windowsOf(4, 50, 2000)).toEqual([FIRST_WINDOW_BYTES]);
});

test("a link that becomes slow has its window taken back as far as it carries in time", () => {
  const window = receiveWindow(MOST, 24_000);
  window.begin();
  let nowMs = 0;
  const feed = (bytes: number, rate: number): number | null => {
    let last: number | null = null;
    for (let at = 0; at < bytes; at += CHUNK) {
      nowMs += CHUNK / rate;
      last = window.received(CHUNK, nowMs) ?? last;
    }
    return last;
  };
  expect(feed(2 ** 20, 10_000)).toBe(MOST);
  const taken = feed(2 ** 24, 10);
  expect(taken).toBeLessThan(1.1 * 240_000);
  expect(taken).toBeGreaterThan(0.7 * 240_000);
});
