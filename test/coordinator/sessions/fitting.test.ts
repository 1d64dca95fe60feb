import { expect, it } from "vitest";
import { fitting } from "../../../src/coordinator/sessions/fitting.ts";

const manifest = { tensors: [{ name: "w", shape: [4, 100] }] };
const of = (width: number, rows: number, memoryBytes: number) => ({
  width,
  memoryBytes,
  masks: new Map([["w", rows === 4 ? null : Uint32Array.from({ length: 100 * rows }, (_, i) => i)]]),
});
const subModels = [of(0.25, 1, 1000), of(1, 4, 4000), of(0.5, 2, 2000)];
const cost = { bytesPerCoordinate: 4, reportDeadlineMs: 1000 };
const widthFor = (device: Parameters<typeof fitting>[0]) => fitting(device, subModels, manifest, cost).width;

it("a device gets the widest model that it has the memory and the link for", () => {
  expect(widthFor({})).toBe(1);
  expect(widthFor({ memoryBytes: 4000 })).toBe(1);
  expect(widthFor({ memoryBytes: 3999 })).toBe(0.5);
  // 1600, 800 and 400 bytes in half a second
  expect(widthFor({ uplinkBytesPerSecond: 3200 })).toBe(1);
  expect(widthFor({ uplinkBytesPerSecond: 3000 })).toBe(0.5);
  expect(widthFor({ memoryBytes: 5000, uplinkBytesPerSecond: 1000 })).toBe(0.25);
});

it("and the narrowest when none fits", () => {
  expect(widthFor({ memoryBytes: 1 })).toBe(0.25);
});
