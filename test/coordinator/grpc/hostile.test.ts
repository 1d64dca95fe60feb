import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { type Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { LinkError } from "../../../src/client/link.ts";
import { encodeReply } from "../../../src/coordinator/grpc/messages.ts";
import { damaged } from "../../../src/coordinator/sessions/refusals.ts";
import type { ClientSignal } from "../../../src/generated/fedpress/v1/ClientSignal.ts";
import type {
  CoordinatorClient,
  CoordinatorHandlers,
} from "../../../src/generated/fedpress/v1/Coordinator.ts";
import type { CoordinatorSignal } from "../../../src/generated/fedpress/v1/CoordinatorSignal.ts";
import type { ModelChunk } from "../../../src/generated/fedpress/v1/ModelChunk.ts";
import type { Receipt__Output } from "../../../src/generated/fedpress/v1/Receipt.ts";
import type { ReportChunk, ReportChunk__Output } from "../../../src/generated/fedpress/v1/ReportChunk.ts";
import { Coordinator } from "../../../src/generated/service.ts";
import { WireError } from "../../../src/model/error.ts";
import {
  checkIn,
  codeOf,
  converse,
  digest,
  finished,
  hello,
  linkTo,
  never,
  noise,
  rawClient,
  scripted,
  serve,
  sessionMetadata,
  task,
  until,
} from "./kit.ts";

// Peers that break the rules, on either end. Whatever they do: a typed refusal, nothing changed, others served.

const { signal } = new AbortController();
const KIB = 2 ** 10;
const MIB = 2 ** 20;
const sha = (length = 32) => new Uint8Array(length).fill(7);

const greeting: ClientSignal = { hello: { protocol: 1, clientId: "mallory" } };
const waiting: ClientSignal = { checkIn: { numExamples: 5 } };

test.each<[string, ClientSignal[], string]>([
  ["an empty signal", [{}], "signal"],
  ["a check-in before the hello", [waiting], "signal"],
  ["a second hello", [greeting, greeting], "signal"],
  ["a heartbeat before the hello", [{ heartbeat: { round: 1 } }], "signal"],
  ["a second check-in while one waits", [greeting, waiting, waiting], "signal"],
  ["no protocol version", [{ hello: { protocol: 0, clientId: "a" } }], "hello.protocol"],
  ["an id that is a path", [{ hello: { protocol: 1, clientId: "../../x" } }], "hello.client_id"],
  ["an empty id", [{ hello: { protocol: 1 } }], "hello.client_id"],
  ["an endless id", [{ hello: { protocol: 1, clientId: "x".repeat(129) } }], "hello.client_id"],
  ["no examples", [greeting, { checkIn: { numExamples: 0 } }], "check_in.num_examples"],
  ["too many examples", [greeting, { checkIn: { numExamples: 2 ** 15 + 1 } }], "check_in.num_examples"],
  [
    "a run id with a line break",
    [greeting, { checkIn: { numExamples: 1, runId: "a\nb" } }],
    "check_in.run_id",
  ],
  [
    "a short digest",
    [greeting, { checkIn: { numExamples: 1, held: { version: 1, digest: sha(31) } } }],
    "check_in.held.digest",
  ],
  [
    "a report without digest",
    [greeting, { checkIn: { numExamples: 1, pending: { round: 1 } } }],
    "check_in.pending.digest",
  ],
])("on the check-in stream, %s is refused and ends the session", async (_, signals, place) => {
  const heard: unknown[] = [];
  const service = scripted({
    checkIn: (_, request) => {
      heard.push(request);
      return never();
    },
  });
  const server = await serve(service);
  const { answers, status: code } = await converse(rawClient(server), signals);
  expect(code).toBe(status.OK);
  const { refused } = answers.at(-1)!;
  expect(refused).toMatchObject({ code: "bad-field", retry: false });
  expect(refused!.detail).toContain(`at ${place}:`);
  expect(service.log).toEqual(signals[0]!.hello === greeting.hello ? ["open mallory", "close mallory"] : []);
  expect(heard.length).toBe(signals.filter((s) => s === waiting).length > 1 ? 1 : 0);
  expect(server.numClients()).toBe(0);
});

test("another version of the protocol is refused before anything else", async () => {
  const service = scripted();
  const { answers } = await converse(rawClient(await serve(service)), [
    { hello: { protocol: 2, clientId: "a" } },
  ]);
  expect(answers[0]!.refused).toMatchObject({ code: "bad-version", retry: false });
  expect(service.log).toEqual([]);
});

test("side calls need the token of a live session and its own client's id", async () => {
  const service = scripted();
  const server = await serve(service);
  const client = rawClient(server);
  const [alice, bob] = [await hello(client, "alice"), await hello(client, "bob")];
  const tokenOf = ({ metadata }: { metadata: Metadata }) => String(metadata.get("fedpress-session")[0]);
  expect(tokenOf(alice)).toMatch(/^[0-9a-f]{32}$/);
  const good: ReportChunk = {
    header: { report: { round: 1, digest: sha() }, frameBytes: 2 },
    data: noise(2),
  };

  expect(await sendReport(client, alice.metadata, [good])).toMatchObject({ accepted: { round: 1 } });
  const strangers = [
    sessionMetadata("bob", tokenOf(alice)),
    sessionMetadata("alice", tokenOf(bob)),
    sessionMetadata("alice", "0".repeat(32)),
    sessionMetadata("alice", "constructor"),
    sessionMetadata("alice", ""),
  ];
  for (const metadata of strangers) {
    await expect(sendReport(client, metadata, [good])).rejects.toSatisfy(isCode(status.UNAUTHENTICATED));
    await expect(download(client, metadata)).rejects.toSatisfy(isCode(status.UNAUTHENTICATED));
  }
  await alice.leave();
  await expect(sendReport(client, alice.metadata, [good])).rejects.toSatisfy(isCode(status.UNAUTHENTICATED));
  expect(await sendReport(client, bob.metadata, [good])).toMatchObject({ accepted: { round: 1 } });
  expect(service.reports.map(({ clientId }) => clientId)).toEqual(["alice", "bob"]);
});

const header = (frameBytes: number) => ({ report: { round: 1, digest: sha() }, frameBytes });

test.each<[string, ReportChunk[], string]>([
  ["data before a header", [{ data: noise(3) }], "bad-field"],
  [
    "a second header",
    [
      { header: header(4), data: noise(2) },
      { header: header(4), data: noise(2) },
    ],
    "bad-field",
  ],
  ["a header without report", [{ header: { frameBytes: 2 }, data: noise(2) }], "bad-field"],
  ["a short digest", [{ header: { report: { round: 1, digest: sha(5) }, frameBytes: 0 } }], "bad-field"],
  ["more bytes than declared", [{ header: header(4), data: noise(4) }, { data: noise(1) }], "trailing"],
  ["more bytes than declared, at once", [{ header: header(0), data: noise(1) }], "trailing"],
  ["a frame above the limit", [{ header: header(MIB + 1), data: noise(9) }], "too-large"],
  ["four gigabytes announced", [{ header: header(2 ** 32 - 1) }], "too-large"],
])("a report with %s is refused and never seen", async (_, chunks, code) => {
  const service = scripted();
  const server = await serve(service, { limits: { frameBytes: MIB } });
  const client = rawClient(server);
  const { metadata } = await hello(client, "mallory");
  const receipt = await sendReport(client, metadata, chunks);
  expect(receipt.refused).toMatchObject({ code, retry: false });
  expect(service.reports).toEqual([]);
  const good = await sendReport(client, metadata, [
    { header: header(MIB), data: new Uint8Array(MIB / 2) },
    { data: new Uint8Array(MIB / 2) },
  ]);
  expect(good.refused ?? null).toBeNull();
  expect(service.reports[0]!.frame.length).toBe(MIB);
});

test("a report that ends early is no report yet: it may go on, and nothing is held against its client", async () => {
  const service = scripted({ report: async () => ({ kind: "refused", refusal: damaged }) });
  const server = await serve(service);
  const client = rawClient(server);
  const { metadata } = await hello(client, "slow");
  const early = { code: "truncated", retry: true, retryAfterMs: 0 };
  expect((await sendReport(client, metadata, [])).refused).toMatchObject(early);
  const part = { header: header(4), data: noise(3) };
  expect((await sendReport(client, metadata, [part])).refused).toMatchObject(early);
  expect(service.log).toEqual(["open slow"]);
  const rest = { header: { ...header(4), offset: 3 }, data: noise(1) };
  // its digest is not that of these bytes: they are thrown away, and the report may come yet
  expect((await sendReport(client, metadata, [rest])).refused).toMatchObject(damaged);
  expect((await sendReport(client, metadata, [rest])).refused).toMatchObject({ code: "bad-offset" });
  expect([...service.reports[0]!.frame]).toEqual([...noise(3), ...noise(1)]);
  expect(service.log).toEqual(["open slow", "lost slow 4", "lost slow 1"]);
});

test("frames above its own limit, the link does not send; the server refuses what it does send", async () => {
  const service = scripted();
  const server = await serve(service, { limits: { frameBytes: MIB } });
  const report = { round: 1, digest: digest(1) };
  const tooLarge = { kind: "refused", refusal: { code: "too-large", retry: false } };
  const careful = linkTo(server, "careful", { limits: { frameBytes: 1000 } });
  expect(await careful.report(report, noise(1001), 0, signal)).toMatchObject(tooLarge);
  expect(server.socketBytes().received).toBe(0);

  const careless = linkTo(server, "careless");
  const frame = new Uint8Array(48 * MIB);
  expect(await careless.report(report, frame, 0, signal)).toMatchObject(tooLarge);
  expect(server.socketBytes().received).toBeLessThan(24 * MIB);
  expect(service.reports).toEqual([]);
  expect(await careless.report(report, noise(MIB), 0, signal)).toStrictEqual({ kind: "accepted", report });
});

test("a download above the client's limits ends at its header", async () => {
  const frames = Array<Uint8Array>(48).fill(new Uint8Array(MIB));
  const server = await serve(scripted({ fetchModel: async () => frames }));
  const limits = [{ frameBytes: MIB - 1 }, { transferBytes: 47 * MIB }, { maxFrames: 47 }];
  for (const [i, limit] of limits.entries()) {
    const link = linkTo(server, `client-${i}`, { limits: limit });
    const fetching = link.fetchModel({ held: null, version: 1 }, signal);
    await expect(fetching).rejects.toSatisfy((e) => e instanceof WireError && e.code === "too-large");
    expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
  }
  expect(server.socketBytes().sent).toBeLessThan(24 * MIB);
});

test("reports that are too many at one time are told to come later", async () => {
  let accept: () => void = () => {};
  const service = scripted({
    report: (_, report) => new Promise((resolve) => (accept = () => resolve({ kind: "accepted", report }))),
  });
  const server = await serve(service, { limits: { uploadBytes: 150 } });
  const [link, other] = [linkTo(server, "a"), linkTo(server, "b")];
  const id = { round: 1, digest: digest(1) };
  const first = link.report(id, noise(100), 0, signal);
  await until(() => service.reports.length === 1);
  expect(await other.report(id, noise(51), 0, signal)).toMatchObject({
    kind: "refused",
    refusal: { code: "busy", retry: true, retryAfterMs: 1000 },
  });
  accept();
  await first;
  const second = other.report(id, noise(150), 0, signal);
  await until(() => service.reports.length === 2);
  accept();
  expect(await second).toStrictEqual({ kind: "accepted", report: id });
});

test("what was announced and did not come holds no room; what drips is ended; a new report ends the old", async () => {
  const service = scripted();
  const server = await serve(service, { limits: { uploadBytes: 150, idleMs: 400, minUploadRate: 256 } });
  const client = rawClient(server);
  const { metadata } = await hello(client, "mallory");
  const open = () => {
    const call = client.Report(metadata, () => {});
    const ended = new Promise<{ code: status; details: string }>((resolve) => call.on("status", resolve));
    call.write({ header: header(140), data: noise(10) });
    return { call, ended };
  };
  const [old, dripping] = [open(), open()];
  expect(await old.ended).toMatchObject({
    code: status.CANCELLED,
    details: "the client began another report, or asked about this one",
  });
  const report = { round: 1, digest: digest(1) };
  expect(await linkTo(server, "good").report(report, noise(130), 0, signal)).toMatchObject({
    kind: "accepted",
  });
  const drip = setInterval(() => dripping.call.write({ data: noise(1) }), 50);
  const { code } = await dripping.ended;
  clearInterval(drip);
  expect(code).toBe(status.DEADLINE_EXCEEDED);
  expect(service.reports).toHaveLength(1);
});

/** Of frames: what a service was told is lost. */
const lostBytes = (log: readonly string[]): number =>
  log.reduce((sum, line) => sum + Number(/^lost \S+ (\d+)$/.exec(line)?.[1] ?? 0), 0);

test.each([
  ["above the limit", { frameBytes: MIB }],
  ["that there will never be room for", { uploadBytes: MIB }],
])(
  "every byte of a report %s is counted, that it is refused for good, and so is what comes after",
  async (_, limits) => {
    const service = scripted();
    const server = await serve(service, { limits });
    const link = linkTo(server, "careless");
    await link.checkIn(checkIn, signal);
    const report = { round: 1, digest: digest(1) };
    const before = server.socketBytes().received;
    for (let i = 0; i < 5; i++)
      expect(await link.report(report, new Uint8Array(8 * MIB), 0, signal)).toMatchObject({
        refusal: { code: "too-large", retry: false },
      });
    await link.close();
    await until(() => server.numClients() === 0);
    const received = server.socketBytes().received - before;
    const lost = lostBytes(service.log);
    expect(lost).toBeGreaterThan(5 * 4096);
    expect(lost).toBeGreaterThan(0.95 * received - 5 * KIB); // HTTP/2 has its own
    expect(lost).toBeLessThan(received);
  },
);

test("who sends on after the answer is cut off, and what came is counted", async () => {
  const service = scripted();
  const server = await serve(service, { limits: { frameBytes: MIB, idleMs: 500 } });
  const client = rawClient(server);
  const { metadata } = await hello(client, "mallory");
  const session = connectHttp2(`http://${server.address}`);
  const call = session.request({
    ":method": "POST",
    ":path": "/fedpress.v1.Coordinator/Report",
    "content-type": "application/grpc",
    te: "trailers",
    ...(metadata.getMap() as Record<string, string>),
  });
  call.on("error", () => {});
  const prefixed = (bytes: Uint8Array): Buffer => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([prefix, bytes]);
  };
  let sentBytes = 0;
  const send = (chunk: ReportChunk): void => {
    const message = prefixed(Coordinator.service.Report.requestSerialize(chunk as ReportChunk__Output));
    sentBytes += message.length;
    call.write(message);
  };
  send({ header: header(MIB + 1), data: noise(9) });
  const sending = setInterval(() => send({ data: noise(1000) }), 10);
  call.resume();
  await new Promise((resolve) => call.once("close", resolve));
  clearInterval(sending);
  session.close();
  await until(() => lostBytes(service.log) > 1000);
  expect(service.log).toContain("refuse mallory 1 too-large");
  expect(lostBytes(service.log)).toBeGreaterThan(0.7 * sentBytes);
  expect(lostBytes(service.log)).toBeLessThanOrEqual(sentBytes);
});

test("a message above the limit ends its call, not the server", async () => {
  const service = scripted();
  const server = await serve(service, { limits: { messageBytes: MIB } });
  const client = rawClient(server);
  const { metadata } = await hello(client, "mallory");
  const chunks = [{ header: header(4 * MIB), data: new Uint8Array(MIB + 100) }];
  await expect(sendReport(client, metadata, chunks)).rejects.toSatisfy(isCode(status.RESOURCE_EXHAUSTED));
  expect(service.reports).toEqual([]);
  expect(server.numClients()).toBe(1);
});

test("bytes that are no protobuf end the call, not the server", async () => {
  const service = scripted();
  const server = await serve(service);
  const client = rawClient(server);
  const { metadata } = await hello(client, "mallory");
  const garbage = client.makeClientStreamRequest(
    "/fedpress.v1.Coordinator/Report",
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
    metadata,
    () => {},
  );
  garbage.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
  const { code } = await new Promise<{ code: status }>((resolve) => garbage.on("status", resolve));
  expect(code).toBe(status.INTERNAL);
  expect(await linkTo(server, "good").checkIn(checkIn, signal)).toStrictEqual(finished);
});

test("who says nothing is not waited for: no hello, no chunks, no HTTP/2", async () => {
  const service = scripted({ fetchModel: never });
  const server = await serve(service, { limits: { idleMs: 500 } });
  const client = rawClient(server);
  expect(await converse(client, [])).toEqual({ answers: [], status: status.DEADLINE_EXCEEDED });

  const { metadata } = await hello(client, "mallory");
  const stalled = client.Report(metadata, () => {});
  stalled.write({ header: header(100), data: noise(10) });
  const { code } = await new Promise<{ code: status }>((resolve) => stalled.on("status", resolve));
  expect(code).toBe(status.DEADLINE_EXCEEDED);
  expect(service.reports).toEqual([]);

  const mute = connectTcp(server.port, "127.0.0.1");
  await new Promise((resolve) => mute.once("close", resolve).resume());
});

test("a client that does not read its download is let go", async () => {
  const service = scripted({ fetchModel: async () => [new Uint8Array(32 * MIB)] });
  const server = await serve(service, { limits: { idleMs: 500 } });
  const client = rawClient(server);
  const { metadata } = await hello(client, "mallory");
  const call = client.FetchModel({ version: 1 }, metadata);
  call.on("error", () => {});
  const ended = new Promise<{ code: status }>((resolve) => call.on("status", resolve));
  const first = await new Promise((resolve) => {
    call.once("data", (chunk: ModelChunk) => {
      call.pause();
      resolve(chunk);
    });
  });
  expect(first).toMatchObject({ header: { frameBytes: [32 * MIB] } });
  expect((await ended).code).toBe(status.CANCELLED);
  expect(server.socketBytes().sent).toBeLessThan(24 * MIB);
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

/** A coordinator that may say anything. */
async function rawServer(handlers: Partial<CoordinatorHandlers>): Promise<{ address: string }> {
  const server = new Server();
  servers.push(server);
  server.addService(Coordinator.service, handlers as CoordinatorHandlers);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}` };
}

/** Answers a hello with a welcome and each check-in with that. */
const answering =
  (answer: CoordinatorSignal): CoordinatorHandlers["CheckIn"] =>
  (call) => {
    call.on("data", ({ hello }: ClientSignal) =>
      call.write(hello ? { welcome: { session: sha(16) } } : answer),
    );
    call.on("end", () => call.end());
  };

test("a task out of range is a wire error on the client, and the stream is left", async () => {
  const reply = encodeReply({ kind: "task", task: { ...task, reportDeadlineMs: 0 }, verdict: null });
  const link = linkTo(await rawServer({ CheckIn: answering(reply) }), "a");
  const bad = (error: unknown) => error instanceof WireError && error.place === "task.report_deadline_ms";
  await expect(link.checkIn(checkIn, signal)).rejects.toSatisfy(bad);
});

test("an answer that nobody asked for breaks the stream", async () => {
  let numAnswers = 0;
  const CheckIn: CoordinatorHandlers["CheckIn"] = (call) => {
    call.on("data", ({ hello }: ClientSignal) => {
      if (hello) call.write({ welcome: { session: sha(16) } });
      else for (let i = 0; i < 2; i++) call.write({ finished: {} }, () => numAnswers++);
    });
    call.on("end", () => call.end());
  };
  const link = linkTo(await rawServer({ CheckIn, Report: (_, respond) => respond(null, {}) }), "a");
  expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
  await until(() => numAnswers === 2);
  expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
  await expect(link.report({ round: 1, digest: digest(1) }, noise(1), 0, signal)).rejects.toThrow(
    "at receipt:",
  );
});

const lengths = (...frameBytes: number[]) => ({ frameBytes, transfer: sha() });

test.each<[string, ModelChunk[], string]>([
  ["no chunk at all", [], "truncated"],
  ["data before a header", [{ data: noise(3) }], "bad-field"],
  ["a second header", [{ header: lengths(1) }, { header: lengths(1) }], "bad-field"],
  ["no digest", [{ header: { frameBytes: [] } }], "bad-field"],
  ["a beginning in the middle", [{ header: { ...lengths(2), offset: 1 }, data: noise(1) }], "bad-field"],
  ["fewer bytes than declared", [{ header: lengths(2, 2), data: noise(3) }], "truncated"],
  ["more bytes than declared", [{ header: lengths(1), data: noise(2) }], "trailing"],
  ["sixteen gigabytes announced", [{ header: lengths(...Array(4).fill(2 ** 32 - 1)) }], "too-large"],
])("a download with %s is a wire error", async (_, chunks, code) => {
  const server = await rawServer({
    CheckIn: answering({ finished: {} }),
    FetchModel: (call) => {
      for (const chunk of chunks) call.write(chunk);
      call.end();
    },
  });
  const fetching = linkTo(server, "a").fetchModel({ held: null, version: 1 }, signal);
  await expect(fetching).rejects.toSatisfy((error) => error instanceof WireError && error.code === code);
});

test("a coordinator that never answers the hello, or is none, is a broken link", async () => {
  const silent = await rawServer({ CheckIn: (call) => void call.on("data", () => {}) });
  const options = { connectTimeoutMs: 500 };
  await expect(linkTo(silent, "a", options).checkIn(checkIn, signal)).rejects.toThrow("did not answer");
  await expect(
    linkTo(silent, "b", options).report({ round: 1, digest: digest(1) }, noise(1), 0, signal),
  ).rejects.toThrow(LinkError);
  const other = linkTo(await rawServer({}), "a", options);
  await expect(other.checkIn(checkIn, signal)).rejects.toThrow(LinkError);
});

const isCode = (code: status) => (error: unknown) => codeOf(error) === code;

function sendReport(
  client: CoordinatorClient,
  metadata: Metadata,
  chunks: readonly ReportChunk[],
): Promise<Receipt__Output> {
  return new Promise((resolve, reject) => {
    const call = client.Report(metadata, (error, receipt) => (error ? reject(error) : resolve(receipt!)));
    for (const chunk of chunks) call.write(chunk);
    call.end();
  });
}

function download(client: CoordinatorClient, metadata: Metadata): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = client.FetchModel({ version: 1 }, metadata);
    call
      .on("data", () => {})
      .on("end", resolve)
      .on("error", reject);
  });
}
