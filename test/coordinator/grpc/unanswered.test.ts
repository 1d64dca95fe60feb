import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { digestOf } from "../../../src/model/manifest.ts";
import { checkIn, linkTo, noise, scripted, serve } from "./kit.ts";

const KIB = 2 ** 10;
const SETTINGS = 4;

/** Hands on whole HTTP/2 frames, those that `passes` lets through. */
function frames(passes: (type: number, isAck: boolean) => boolean) {
  let left = Buffer.alloc(0);
  return (chunk: Buffer): Buffer => {
    left = Buffer.concat([left, chunk]);
    const out: Buffer[] = [];
    while (left.length >= 9) {
      const end = 9 + left.readUIntBE(0, 3);
      if (left.length < end) break;
      if (passes(left[3]!, (left[4]! & 1) === 1)) out.push(left.subarray(0, end));
      left = left.subarray(end);
    }
    return Buffer.concat(out);
  };
}

/** A link that becomes ever faster, which the server's settings do not pass, but for the first. */
async function unanswering(port: number) {
  let numSettings = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    const down = frames((type, isAck) => type !== SETTINGS || isAck || numSettings++ === 0);
    let queue = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => {
      queue = Buffer.concat([queue, chunk]);
    });
    upstream.on("data", (chunk: Buffer) => client.write(down(chunk)));
    let bytesPerMs = 4;
    const timer = setInterval(() => {
      const sent = queue.subarray(0, Math.ceil(20 * bytesPerMs));
      queue = queue.subarray(sent.length);
      upstream.write(sent);
      if (queue.length > 0) bytesPerMs *= 1.012; // idle, it stays as it is
    }, 20);
    upstream.on("close", () => clearInterval(timer));
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port: own } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${own}`, numSettings: () => numSettings };
}

test("who leaves settings unanswered is sent no more of them, and its report is taken", async () => {
  const { port } = await serve(scripted());
  const link = await unanswering(port);
  const client = linkTo(link, "a");
  const { signal } = new AbortController();
  await client.checkIn(checkIn, signal);
  const frame = noise(100 * KIB);
  const report = { round: 1, digest: digestOf(frame) };
  expect(await client.report(report, frame, 0, signal)).toEqual({ kind: "accepted", report });
  expect(link.numSettings()).toBe(2);
  await client.close();
});
