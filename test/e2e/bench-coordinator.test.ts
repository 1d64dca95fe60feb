import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { slopeOf } from "../../src/cli/bench/coordinator/figures.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** In a shell of its own, so that limits can be set. */
function bench(before: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const command = `${before} exec "${process.execPath}" "${main}" bench coordinator ${args.join(" ")}`;
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", command], (error, stdout, stderr) =>
      error === null ? resolve({ stdout, stderr }) : reject(new Error(`${error.message}\n${stderr}`)),
    );
  });
}

test("every part measures something, over real processes", { timeout: 300_000 }, async () => {
  const { stdout } = await bench(
    "",
    ...["--clients", "20", "--seconds", "2", "--rate", "50", "--rounds", "10", "--latency", "5", "--json"],
  );
  const { idle, reports, saturated, dense, link, memory } = JSON.parse(stdout);
  expect(idle.clients).toBe(20);
  expect(idle.heapBytesEach).toBeGreaterThan(0);
  for (const one of [reports, saturated]) {
    expect(one.frameBytes).toBeGreaterThan(2048);
    expect(one.frameBytes).toBeLessThan(2048 + 100);
    expect(one.reportsPerSecond).toBeGreaterThan(0);
    expect(one.p99Ms).toBeGreaterThanOrEqual(one.p50Ms);
  }
  expect(reports.reportsPerSecond).toBeLessThanOrEqual(51); // no more than was asked for
  expect(dense.frameBytes).toBeGreaterThan(2 ** 22);
  for (const speed of [dense.MBps, link.upMBps, link.downMBps, link.stockUpMBps])
    expect(speed).toBeGreaterThan(0);
  expect(memory.rounds).toBeGreaterThanOrEqual(10);
});

test("too few file descriptors are said, and as many clients taken as fit", {
  timeout: 120_000,
}, async () => {
  const { stdout, stderr } = await bench("ulimit -n 300;", "--only", "idle", "--clients", "230", "--json");
  expect(stderr).toContain("ulimit -n is 300: room for 200 of 230 clients; raise it to 330 for all of them");
  expect(JSON.parse(stdout).idle.clients).toBe(200);
});

test("an unknown part is bad usage", async () => {
  await expect(bench("", "--only", "luck")).rejects.toThrow(
    /--only: "luck", expected one of idle, reports, dense, link, memory/,
  );
});

test("the slope of a straight line, of noise on it, and of nothing", () => {
  const line = (x: number, y: number) => [x, y] as const;
  expect(slopeOf([line(0, 1), line(1, 3), line(2, 5)])).toBe(2);
  // by hand: means 1.5 and 3; (-1.5*-2 + -0.5*1 + 0.5*-1 + 1.5*2) / 5
  expect(slopeOf([line(0, 1), line(1, 4), line(2, 2), line(3, 5)])).toBe(1);
  expect(slopeOf([line(0, 7), line(5, 7)])).toBe(0);
});
