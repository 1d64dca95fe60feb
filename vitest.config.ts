import { defineConfig } from "vitest/config";

/** Of values and functions: their files share a process, and what was imported once. */
const rooms = [
  "aggregation",
  "client",
  "compress",
  "coordinator",
  "data",
  "kernels",
  "model",
  "telemetry",
  "wire",
];
const inRooms = rooms.map((room) => `test/${room}/**/*.test.ts`);

export default defineConfig({
  test: {
    globalSetup: ["test/global-setup.ts"],
    reporters: ["default", "./test/closing-line.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "rooms", include: inRooms, isolate: false } },
      { extends: true, test: { name: "whole", include: ["test/**/*.test.ts"], exclude: inRooms } },
    ],
  },
});
