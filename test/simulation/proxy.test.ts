import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import {
  type FaultProxy,
  type FaultProxyOptions,
  faultProxy,
} from "../../src/simulation/proxy/fault-proxy.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

/** What every connection to a server said so far, and its end of each. */
async function listener(onData: (socket: Socket, data: Buffer) => void = () => {}) {
  const seen: { bytes: Buffer; ended: boolean; error: string | null; socket: Socket }[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const one = { bytes: Buffer.alloc(0), ended: false, error: null as string | null, socket };
    seen.push(one);
    socket.on("data", (data) => {
      one.bytes = Buffer.concat([one.bytes, data]);
      onData(socket, data);
    });
    socket.on("end", () => {
      one.ended = true;
      socket.end();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      one.error = error.code!;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => {
    server.close();
    for (const { socket } of seen) socket.destroy();
  });
  return { seen, port: (server.address() as AddressInfo).port };
}

const echo = () => listener((socket, data) => socket.write(data));

async function proxyTo(target: { port: number }, faults: FaultProxyOptions["faults"] = {}) {
  const proxy = await faultProxy({ target: () => target.port, seed: 7, faults });
  cleanup.push(() => proxy.close());
  return proxy;
}

/** A connection through the proxy, and what came back on it. */
async function dial({ port }: FaultProxy) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  cleanup.push(() => socket.destroy());
  const got = { pieces: [] as Buffer[], ended: false, error: null as string | null };
  socket.on("data", (data) => got.pieces.push(data));
  socket.on("end", () => {
    got.ended = true;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    got.error = error.code!;
  });
  await once(socket, "connect").catch(() => {}); // refused ones say so in `got`
  return { socket, got, bytes: () => Buffer.concat(got.pieces) };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((wake) => setTimeout(wake, 2));
}

/** Long enough for anything on loopback to arrive that is not held back. */
const aWhile = () => new Promise((wake) => setTimeout(wake, 100));

const noise = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3));

test("without faults bytes and ends pass both ways, and are counted by direction and connection", async () => {
  const proxy = await proxyTo(await echo());
  const sizes = [3, 1_000_000];
  for (const size of sizes) {
    const { socket, got, bytes } = await dial(proxy);
    socket.end(noise(size));
    await until(() => got.ended);
    expect(bytes().equals(noise(size))).toBe(true);
  }
  const both = (n: number) => ({ received: n, delivered: n });
  expect(proxy.connections()).toEqual(sizes.map((n) => ({ up: both(n), down: both(n) })));
});

test("a byte takes the latency of its direction, order is kept under jitter", async () => {
  const target = await echo();
  const proxy = await proxyTo(target, {
    up: { latencyMs: 60, jitterMs: 40, sliceBytes: 100 },
    down: { latencyMs: 90 },
  });
  const { socket, bytes } = await dial(proxy);
  const began = performance.now();
  socket.write(noise(2000));
  await until(() => target.seen[0] !== undefined && target.seen[0].bytes.length > 0);
  expect(performance.now() - began).toBeGreaterThanOrEqual(60);
  await until(() => bytes().length > 0);
  expect(performance.now() - began).toBeGreaterThanOrEqual(150);
  await until(() => bytes().length === 2000);
  expect(bytes().equals(noise(2000))).toBe(true);
});

test("a rate is not exceeded, and the sender is held back", async () => {
  const target = await listener();
  const proxy = await proxyTo(target, { up: { bytesPerSecond: 400_000 } });
  const { socket } = await dial(proxy);
  const began = performance.now();
  socket.write(noise(200_000));
  await until(() => target.seen[0]?.bytes.length === 200_000);
  expect(performance.now() - began).toBeGreaterThanOrEqual(499);
  expect(target.seen[0]!.bytes.equals(noise(200_000))).toBe(true);
  socket.write(Buffer.alloc(64 * 2 ** 20));
  await aWhile();
  // a fifth of a second's worth, and one read
  expect(proxy.connections()[0]!.up.received).toBeLessThan(200_000 + 400_000 + 2 * 65_536);
});

test("sliced: many small pieces, the same bytes", async () => {
  const proxy = await proxyTo(await echo(), { down: { sliceBytes: 7 } });
  const { socket, got, bytes } = await dial(proxy);
  socket.write(noise(700));
  await until(() => bytes().length === 700);
  expect(bytes().equals(noise(700))).toBe(true);
  expect(got.pieces.length).toBeGreaterThan(10);
});

test("a reset after N bytes: exactly N pass, then both ends are reset", async () => {
  const target = await listener();
  const proxy = await proxyTo(target, { up: { resetAfterBytes: 1000 } });
  const { socket, got } = await dial(proxy);
  socket.write(noise(400));
  await until(() => target.seen[0]?.bytes.length === 400);
  socket.write(noise(5000));
  // libuv calls a reset an end when it comes together with the last bytes
  await until(() => got.error !== null && (target.seen[0]!.error !== null || target.seen[0]!.ended));
  expect(got.error).toBe("ECONNRESET");
  expect(proxy.connections()[0]!.up.delivered).toBe(1000);
  expect(target.seen[0]!.bytes.length).toBe(1000);
});

test("truncated after N bytes: exactly N pass, then both ends see an orderly end", async () => {
  const target = await listener();
  const proxy = await proxyTo(target, { up: { truncateAfterBytes: 1000 } });
  const { socket, got } = await dial(proxy);
  socket.write(noise(5000));
  await until(() => got.ended && target.seen[0]!.ended);
  expect(target.seen[0]!.bytes.equals(noise(5000).subarray(0, 1000))).toBe(true);
  expect([got.error, target.seen[0]!.error]).toEqual([null, null]);
});

test("half-open: nothing passes, not even a reset, until it is lifted", async () => {
  const target = await echo();
  const proxy = await proxyTo(target);
  const { socket, bytes } = await dial(proxy);
  socket.write("before");
  await until(() => bytes().length === 6);
  proxy.set({ up: { isStalled: true }, down: { isStalled: true } });
  socket.write("during");
  await aWhile();
  expect(target.seen[0]!.bytes.toString()).toBe("before");
  proxy.set({ up: { isStalled: false }, down: { isStalled: false } });
  await until(() => bytes().toString() === "beforeduring");

  proxy.set({ up: { isStalled: true } });
  socket.resetAndDestroy(); // a FIN and a reset
  await aWhile();
  expect(target.seen[0]).toMatchObject({ ended: false, error: null });
  proxy.set({ up: { isStalled: false } });
  await until(() => target.seen[0]!.error === "ECONNRESET");
});

test("taken and never answered; refused; cut; and a target that is not there", async () => {
  const target = await echo();
  const proxy = await proxyTo(target, { accept: "silent" });
  const silent = await dial(proxy);
  silent.socket.write("hello?");
  await aWhile();
  expect(target.seen).toEqual([]);
  expect(silent.got).toEqual({ pieces: [], ended: false, error: null });

  proxy.set({ accept: "refuse" });
  const refused = await dial(proxy);
  await until(() => refused.got.error === "ECONNRESET");

  proxy.set({ accept: "pass" });
  const passed = await dial(proxy);
  passed.socket.write("hello");
  await until(() => passed.bytes().toString() === "hello");
  proxy.cut();
  await until(() => passed.got.error !== null && target.seen[0]!.error !== null && silent.got.error !== null);

  const nowhere = await dial(await proxyTo({ port: 1 }));
  await until(() => nowhere.got.error === "ECONNRESET");
});
