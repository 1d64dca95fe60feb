import { connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { grpcLink } from "../../../src/client/grpc-link.ts";
import { LinkError } from "../../../src/client/link.ts";
import { serveGrpc } from "../../../src/coordinator/grpc/grpc.ts";
import { ConfigError } from "../../../src/model/error.ts";
import type { CheckIn, CheckInReply, Receipt, Verdict } from "../../../src/model/protocol.ts";
import {
  checkIn,
  codeOf,
  countingProxy,
  digest,
  finished,
  linkTo,
  never,
  noise,
  scripted,
  serve,
  task,
  until,
} from "./kit.ts";

// A real server and real clients over loopback; only the coordinator behind the port is a script.

const { signal } = new AbortController();
const MIB = 2 ** 20;

test("a check-in reaches the service as it was sent, and its task the client", async () => {
  const verdict: Verdict = { report: { round: 2, digest: digest(1) }, outcome: "folded", version: 2 };
  const heard: CheckIn[] = [];
  const service = scripted({
    checkIn: async (_, request) => {
      heard.push(request);
      return heard.length === 1 ? { kind: "task", task, verdict } : { kind: "finished", verdict: null };
    },
  });
  const link = linkTo(await serve(service), "a");
  const request = { runId: "mnist-1", numExamples: 9, held: task.base, pending: verdict.report };
  expect(await link.checkIn(request, signal)).toStrictEqual({ kind: "task", task, verdict });
  expect(await link.checkIn(checkIn, signal)).toStrictEqual({ kind: "finished", verdict: null });
  expect(heard).toStrictEqual([request, checkIn]);
  expect(service.log).toEqual(["open a"]);
});

test("each of several clients gets its own answer, in whatever order they come", async () => {
  const waiting = new Map<string, (reply: CheckInReply) => void>();
  const service = scripted({ checkIn: (id) => new Promise((reply) => waiting.set(id, reply)) });
  const server = await serve(service);
  const ids = ["a", "b", "c", "d", "e"];
  const answers = ids.map((id) => linkTo(server, id).checkIn(checkIn, signal));
  await until(() => waiting.size === ids.length);
  expect(server.numClients()).toBe(5);
  for (const id of [...ids].reverse())
    waiting.get(id)!({ kind: "task", task: { ...task, runId: `for-${id}` }, verdict: null });
  const runs = (await Promise.all(answers)).map((reply) => reply.kind === "task" && reply.task.runId);
  expect(runs).toEqual(ids.map((id) => `for-${id}`));
});

test("a refused check-in is a value, and the next one opens a new session", async () => {
  const refusal = { code: "superseded", detail: "later", retry: true };
  let count = 0;
  const service = scripted({
    checkIn: async () => (++count === 1 ? { kind: "refused", refusal } : finished),
  });
  const link = linkTo(await serve(service), "a");
  expect(await link.checkIn(checkIn, signal)).toStrictEqual({ kind: "refused", refusal });
  expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
  expect(service.log).toEqual(["open a", "close a", "open a"]);
});

test("a second live session with one id is refused, and open again once the first has left", async () => {
  const server = await serve(scripted());
  const first = linkTo(server, "twin");
  const second = linkTo(server, "twin");
  await first.checkIn(checkIn, signal);
  const refused = await second.checkIn(checkIn, signal);
  expect(refused).toMatchObject({ kind: "refused", refusal: { code: "duplicate-client", retry: true } });
  await expect(second.report({ round: 1, digest: digest(1) }, noise(3), 0, signal)).rejects.toThrow(
    LinkError,
  );
  await first.close();
  expect(await second.checkIn(checkIn, signal)).toStrictEqual(finished);
});

test("frames of any sizes arrive whole, both ways", async () => {
  let offered: readonly Uint8Array[] = [];
  const service = scripted({ fetchModel: async () => offered });
  const link = linkTo(await serve(service), "a");
  for (const sizes of [[], [0], [1], [0, 1, 0], [3 * MIB], [300, 262_144, 5, 0, 262_143, 1, MIB, 0]]) {
    offered = sizes.map((size, i) => noise(size, i + 1));
    const fetched = await link.fetchModel({ held: task.base, version: 7 }, signal);
    expect(fetched.map((frame) => frame.length)).toEqual(sizes);
    for (const [i, frame] of fetched.entries()) expect(Buffer.compare(frame, offered[i]!)).toBe(0);
  }
  for (const [round, size] of [0, 1, 262_144, 3 * MIB].entries()) {
    const report = { round, digest: digest(round) };
    const frame = noise(size, 9);
    expect(await link.report(report, frame, 0, signal)).toStrictEqual({ kind: "accepted", report });
    const arrived = service.reports.at(-1)!;
    expect(arrived).toMatchObject({ clientId: "a", report });
    expect(Buffer.compare(arrived.frame, frame)).toBe(0);
  }
});

test("downloads name what is held and what is wanted; receipts carry refusals", async () => {
  const asked: unknown[] = [];
  const refused: Receipt = { kind: "refused", refusal: { code: "wrong-round", detail: "over", retry: true } };
  const service = scripted({
    fetchModel: async (_, request) => {
      asked.push(request);
      return [];
    },
    report: async () => refused,
  });
  const link = linkTo(await serve(service), "a");
  await link.fetchModel({ held: null, version: 0 }, signal);
  await link.fetchModel({ held: task.base, version: 2 ** 32 - 1 }, signal);
  expect(asked).toStrictEqual([
    { held: null, version: 0 },
    { held: task.base, version: 2 ** 32 - 1 },
  ]);
  expect(await link.report({ round: 1, digest: digest(1) }, noise(5), 0, signal)).toStrictEqual(refused);
});

test("a client that leaves ends its session, whether it says so or not", async () => {
  const service = scripted({ checkIn: never });
  const server = await serve(service);
  const polite = linkTo(server, "polite");
  const waiting = polite.checkIn(checkIn, signal);
  await until(() => server.numClients() === 1);
  await Promise.all([expect(waiting).rejects.toThrow(LinkError), polite.close()]);
  expect(service.log).toEqual(["open polite", "close polite"]);

  const proxy = await countingProxy(server.port);
  const lost = linkTo(proxy, "lost").checkIn(checkIn, signal);
  await until(() => server.numClients() === 1);
  proxy.cut();
  await expect(lost).rejects.toThrow(LinkError);
  await until(() => server.numClients() === 0);
  expect(service.log.slice(2)).toEqual(["open lost", "close lost"]);
});

test("a closing server rejects what waits; the link finds the next server on the same port", async () => {
  const first = await serve(scripted({ checkIn: never }));
  const link = linkTo(first, "a");
  const waiting = link.checkIn(checkIn, signal);
  await until(() => first.numClients() === 1);
  await Promise.all([expect(waiting).rejects.toThrow(LinkError), first.close(1000)]);
  await expect(linkTo(first, "b", { connectTimeoutMs: 100 }).checkIn(checkIn, signal)).rejects.toThrow(
    LinkError,
  );

  const second = scripted();
  await serve(second, { listen: first.address });
  expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
  expect(second.log).toEqual(["open a"]);
});

test("a report after a break opens a session of its own", async () => {
  const service = scripted();
  const server = await serve(service);
  const proxy = await countingProxy(server.port);
  const link = linkTo(proxy, "a");
  await link.checkIn(checkIn, signal);
  proxy.cut();
  await until(() => server.numClients() === 0);
  const report = { round: 1, digest: digest(2) };
  expect(await link.report(report, noise(10), 0, signal)).toStrictEqual({ kind: "accepted", report });
  expect(service.log).toEqual(["open a", "close a", "open a"]);
});

test("an aborted check-in lets go of the session at once, so that the same client may come back", async () => {
  let numAnswered = 0;
  const service = scripted({
    checkIn: () => (numAnswered++ % 2 === 0 ? never() : Promise.resolve(finished)),
  });
  const server = await serve(service);
  const link = linkTo(server, "a");
  for (let i = 0; i < 20; i++) {
    const aborter = new AbortController();
    const waiting = link.checkIn(checkIn, aborter.signal);
    await until(() => numAnswered % 2 === 1);
    aborter.abort(new Error("no longer"));
    await expect(waiting).rejects.toThrow("no longer");
    expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
  }
  await expect(link.checkIn(checkIn, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
});

test("aborted transfers stop, on the wire too", async () => {
  const service = scripted({ fetchModel: async () => Array(64).fill(noise(MIB)), report: never });
  const server = await serve(service);
  const link = linkTo(server, "a");
  await link.checkIn(checkIn, signal);
  const before = server.socketBytes().sent;
  const aborter = new AbortController();
  const fetching = link.fetchModel({ held: null, version: 1 }, aborter.signal);
  await until(() => server.socketBytes().sent > before);
  aborter.abort(new Error("enough"));
  await expect(fetching).rejects.toThrow("enough");

  const reporting = new AbortController();
  const report = link.report({ round: 1, digest: digest(1) }, noise(10), 0, reporting.signal);
  await until(() => service.reports.length === 1);
  reporting.abort(new Error("enough"));
  await expect(report).rejects.toThrow("enough");
  expect(server.socketBytes().sent - before).toBeLessThan(48 * MIB);
});

test("a transfer without progress fails on the client, and a closed link fails what runs", async () => {
  const server = await serve(scripted({ fetchModel: never, report: never }));
  const link = linkTo(server, "a", { limits: { idleMs: 50 } });
  await expect(link.fetchModel({ held: null, version: 1 }, signal)).rejects.toThrow("no progress");
  await expect(link.report({ round: 1, digest: digest(1) }, noise(9), 0, signal)).rejects.toThrow(
    "no progress",
  );

  const patient = linkTo(server, "b");
  const fetching = patient.fetchModel({ held: null, version: 1 }, signal);
  await until(() => server.numClients() === 2);
  await Promise.all([expect(fetching).rejects.toThrow(LinkError), patient.close()]);
  await expect(patient.checkIn(checkIn, signal)).rejects.toThrow(LinkError);
});

test("socket bytes are those that a proxy sees pass, and little more than the frames", async () => {
  const big = noise(3 * MIB);
  const service = scripted({ fetchModel: async () => [big] });
  const server = await serve(service);
  const proxy = await countingProxy(server.port);
  const link = linkTo(proxy, "a");
  await link.checkIn(checkIn, signal);
  const { received, sent } = server.socketBytes();
  for (let i = 1; i <= 3; i++) {
    await link.report({ round: i, digest: digest(i) }, big, 0, signal);
    const uplink = server.socketBytes().received - received;
    expect(uplink).toBeGreaterThanOrEqual(i * big.length);
    expect(uplink).toBeLessThan(1.01 * i * big.length + 1000);
  }
  await link.fetchModel({ held: null, version: 1 }, signal);
  const downlink = server.socketBytes().sent - sent;
  expect(downlink).toBeGreaterThanOrEqual(big.length);
  expect(downlink).toBeLessThan(1.01 * big.length + 4000);
  await link.close();
  await server.close(1000);
  expect(server.socketBytes()).toEqual(proxy.bytes());
});

test("a small report on a warm connection costs at most 150 bytes beside its frame", async () => {
  const server = await serve(scripted());
  const link = linkTo(server, "2f1c7a52-6a0e-4b5c-9f43-9d6a3f7f0f11");
  const report = { round: 1, digest: digest(1) };
  await link.report(report, noise(300), 0, signal);
  const before = server.socketBytes().received;
  await link.report(report, noise(300), 0, signal);
  expect(server.socketBytes().received - before).toBeLessThanOrEqual(450);
});

test("closing lets a running report finish, and breaks it after the grace", async () => {
  let accept: (receipt: Receipt) => void = () => {};
  const service = scripted({ report: () => new Promise((resolve) => (accept = resolve)) });
  const report = { round: 1, digest: digest(1) };

  const patient = await serve(service);
  const kept = linkTo(patient, "a").report(report, noise(10), 0, signal);
  await until(() => service.reports.length === 1);
  const closing = patient.close(10_000);
  accept({ kind: "accepted", report });
  expect(await kept).toStrictEqual({ kind: "accepted", report });
  await closing;

  const hasty = await serve(service);
  const broken = linkTo(hasty, "a").report(report, noise(10), 0, signal);
  await until(() => service.reports.length === 2);
  await Promise.all([expect(broken).rejects.toThrow(LinkError), hasty.close(20)]);
  expect(service.log).toEqual(["open a", "close a", "open a", "close a"]);
});

test("a service that breaks ends the call, tells onError, and goes on with the others", async () => {
  const errors: unknown[] = [];
  const broken = new Error("disk full");
  const fail = () => Promise.reject(broken);
  const service = scripted({
    checkIn: (id) => (id === "bad" ? fail() : Promise.resolve(finished)),
    fetchModel: fail,
    report: fail,
  });
  const server = await serve(service, { onError: (error) => errors.push(error) });
  const link = linkTo(server, "bad");
  const internal = (error: unknown) => error instanceof LinkError && codeOf(error) === status.INTERNAL;
  await expect(link.fetchModel({ held: null, version: 1 }, signal)).rejects.toSatisfy(internal);
  await expect(link.report({ round: 1, digest: digest(1) }, noise(1), 0, signal)).rejects.toSatisfy(internal);
  await expect(link.checkIn(checkIn, signal)).rejects.toSatisfy(internal);
  expect(errors).toEqual([broken, broken, broken]);
  expect(await linkTo(server, "good").checkIn(checkIn, signal)).toStrictEqual(finished);
});

test("connections beyond the cap are turned away", async () => {
  const server = await serve(scripted(), { limits: { maxConnections: 1 } });
  const first = linkTo(server, "a");
  await first.checkIn(checkIn, signal);
  const second = linkTo(server, "b", { connectTimeoutMs: 300 });
  await expect(second.checkIn(checkIn, signal)).rejects.toThrow(LinkError);
  expect(await first.checkIn(checkIn, signal)).toStrictEqual(finished);
});

test("the server grants streams a narrow window at first, a connection HTTP/2's own, and few header bytes, on Node's own word", async () => {
  const server = await serve(scripted(), { limits: { maxStreamsPerConnection: 5 } });
  const session = connect(`http://${server.address}`);
  const settings = await new Promise((resolve) => session.once("remoteSettings", resolve));
  expect(settings).toMatchObject({
    initialWindowSize: 4096,
    maxHeaderListSize: 8192,
    maxConcurrentStreams: 5,
  });
  expect(session.state.remoteWindowSize).toBe(65_535);
  session.destroy();
});

test("addresses that cannot be used are named", async () => {
  const server = await serve(scripted());
  const bad = [server.address, "no-port", "127.0.0.1:99999", "[::1:70", "256.256.256.256:0"];
  for (const listen of bad) {
    await expect(serveGrpc(scripted(), { listen })).rejects.toThrow(ConfigError);
    await expect(serveGrpc(scripted(), { listen })).rejects.toThrow(listen);
  }
  expect(() => grpcLink({ coordinator: "nowhere", clientId: "a" })).toThrow(ConfigError);
  expect(() => grpcLink({ coordinator: "localhost:1", clientId: "../a" })).toThrow(ConfigError);
});

test("any reports and downloads, one after the other, arrive as they were sent", async () => {
  let offered: readonly Uint8Array[] = [];
  const service = scripted({ fetchModel: async () => offered });
  const link = linkTo(await serve(service), "a");
  const frame = fc.uint8Array({ maxLength: 2000 });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 6 }), frame, async (frames, sent) => {
      offered = frames;
      const fetched = await link.fetchModel({ held: null, version: 1 }, signal);
      expect(fetched.map((bytes) => [...bytes])).toEqual(frames.map((bytes) => [...bytes]));
      await link.report({ round: 1, digest: digest(1) }, sent, 0, signal);
      expect([...service.reports.at(-1)!.frame]).toEqual([...sent]);
    }),
    { numRuns: 40 },
  );
});

test("a half-open link: the server ends what it has not heard of, and the client what does not answer", async () => {
  const server = await serve(scripted({ checkIn: never }), { limits: { keepaliveMs: 300, idleMs: 300 } });
  const proxy = await countingProxy(server.port);
  const link = linkTo(proxy, "a", { keepaliveMs: 300, limits: { idleMs: 300 } });
  const waiting = link.checkIn(checkIn, signal);
  waiting.catch(() => {});
  await until(() => server.numClients() === 1);
  proxy.freeze();
  // neither is told: both find out by pings
  await until(() => server.numClients() === 0);
  await expect(waiting).rejects.toThrow(LinkError);

  const beating = linkTo(await countingProxy(server.port), "b", { connectTimeoutMs: 500 });
  expect(await beating.heartbeat(1, signal)).toBeNull();
});

test("a heartbeat that is not answered in time breaks the stream, and the next one opens another", async () => {
  const service = scripted();
  const server = await serve(service);
  const proxy = await countingProxy(server.port);
  const link = linkTo(proxy, "a", { connectTimeoutMs: 500 });
  expect(await link.heartbeat(1, signal)).toBeNull();
  proxy.freeze();
  await expect(link.heartbeat(1, signal)).rejects.toThrow("did not answer the heartbeat");
  proxy.cut();
  await until(() => server.numClients() === 0);
  expect(await link.heartbeat(1, signal)).toBeNull();
  expect(service.log).toEqual(["open a", "close a", "open a"]);
});

test("a session whose lease is over ends its stream; sessions that come too fast are told when to come", async () => {
  const service = scripted({ checkIn: never });
  const server = await serve(service, { limits: { sessionsPerSecond: 1 } });
  const link = linkTo(server, "a");
  const waiting = link.checkIn(checkIn, signal);
  await until(() => server.numClients() === 1);
  await Promise.all([
    expect(waiting).rejects.toThrow("not heard of for the lease"),
    Promise.resolve(service.expire("a")),
  ]);
  const [told] = await Promise.all([linkTo(server, "b").checkIn(checkIn, signal)]);
  expect(told).toMatchObject({ kind: "refused", refusal: { code: "busy", retry: true } });
  if (told.kind === "refused") expect(told.refusal.retryAfterMs).toBeGreaterThan(0);
});
