import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { control, describeStatus } from "../../src/cli/control.ts";
import { controlPath, serveControl } from "../../src/cli/control-socket.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { open, options, world } from "../suites/federation.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "fedpress-control-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function served(disk = memoryDisk(), dir = folder()) {
  const coordinator = await open(disk, world(), options({ goal: 2, minimum: 1 }));
  let stops = 0;
  const path = controlPath(dir)!;
  const server = await serveControl(path, coordinator, () => {
    stops++;
    coordinator.stop("stopped by an operator");
  });
  onTestFinished(server.close);
  return { coordinator, dir, disk, path, server, stops: () => stops };
}

/** One connection, raw. */
const say = (path: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let heard = "";
    const connection = createConnection(path, () => connection.write(text));
    connection.on("data", (data) => {
      heard += data;
    });
    connection.on("end", () => {
      connection.end();
      resolve(heard);
    });
    connection.on("error", reject);
  });

test("status, pause, resume and stop, over a socket of its user's own", async () => {
  const { dir, path, coordinator, stops } = await served();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const status = await control(dir, { command: "status" });
  expect(status).toMatchObject({
    runId: "test-run",
    phase: "selecting",
    paused: false,
    version: 0,
    rounds: 5,
  });
  expect((await control(dir, { command: "pause", abandon: false })).paused).toBe(true);
  expect((await control(dir, { command: "pause", abandon: false })).paused).toBe(true);
  const paused = await control(dir, { command: "status" });
  expect(describeStatus(paused)).toBe(
    [
      "test-run: paused, version 0 of 5",
      "no round is open, the last was 0",
      "0 clients, 0 waiting, 0 late reports may still come",
      "0 B up, 0 B down, 0.00 % expected to drop out",
    ].join("\n"),
  );
  expect((await control(dir, { command: "resume" })).paused).toBe(false);
  expect(coordinator.events.filter(({ type }) => type === "run.paused" || type === "run.resumed")).toEqual([
    { type: "run.paused", round: null, abandoned: false },
    { type: "run.resumed" },
  ]);
  await control(dir, { command: "stop" });
  expect(stops()).toBe(1);
  expect(await coordinator.finished).toMatchObject({
    outcome: "interrupted",
    detail: "stopped by an operator",
  });
  await expect(control(dir, { command: "pause", abandon: false })).rejects.toThrow("the run is over");
});

test("an operator's pause outlives the process", async () => {
  const { dir, disk, server } = await served();
  await control(dir, { command: "pause", abandon: false });
  await server.close();
  const again = await served(disk, dir);
  expect((await control(dir, { command: "status" })).paused).toBe(true);
  await control(dir, { command: "resume" });
  await again.server.close();
  await served(disk, dir);
  expect((await control(dir, { command: "status" })).paused).toBe(false);
});

test("what is not a request is answered so, and nothing is done", async () => {
  const { path, coordinator, stops } = await served();
  const wrong = [
    "\n",
    "stop\n",
    '{"command":"stop it"}\n',
    '{"command":"pause","abandon":1}\n',
    "null\n",
    "[]\n",
  ];
  for (const text of [...wrong, "x".repeat(5000)])
    expect(JSON.parse(await say(path, text))).toMatchObject({ ok: false });
  expect(stops()).toBe(0);
  expect(coordinator.status().paused).toBe(false);
  expect(JSON.parse(await say(path, '{"command":"status"}\nmore'))).toMatchObject({ ok: true });
});

test("whoever stays on after the answer holds no place for ever", async () => {
  const { dir, path } = await served();
  const answered = Array.from({ length: 16 }, () => {
    const options = { path, allowHalfOpen: true };
    const connection = createConnection(options, () => connection.write('{"command":"status"}\n'));
    onTestFinished(() => void connection.destroy());
    return new Promise((resolve, reject) => connection.on("data", resolve).on("error", reject));
  });
  await Promise.all(answered);
  const status = () => control(dir, { command: "status" }).then(({ phase }) => phase, String);
  await expect.poll(status, { timeout: 60_000 }).toBe("selecting");
});

test("a dead process's socket makes room; what is no socket does not", async () => {
  const dir = folder();
  const path = controlPath(dir)!;
  const dead = createServer().listen(path);
  await new Promise((resolve) => dead.once("listening", resolve));
  // as a killed process leaves it: the file is there and nobody listens
  dead.unref();
  const { coordinator, server } = await served(memoryDisk(), dir);
  expect((await control(dir, { command: "status" })).runId).toBe(coordinator.runId);
  await server.close();
  writeFileSync(path, "something else");
  await expect(serveControl(path, coordinator, () => {})).rejects.toThrow("it is no socket");
});

test("a folder without a coordinator, or too deep for a socket, is said to be one", async () => {
  const dir = folder();
  await expect(control(dir, { command: "status" })).rejects.toThrow("no coordinator answers at");
  const deep = join(dir, "d".repeat(60), "d".repeat(60));
  mkdirSync(deep, { recursive: true });
  expect(controlPath(deep)).toBeNull();
  await expect(control(deep, { command: "status" })).rejects.toThrow("at most 100 bytes");
  expect(controlPath("state", "win32")).toMatch(/^\\\\\.\\pipe\\fedpress-[0-9a-f]{32}$/);
});
