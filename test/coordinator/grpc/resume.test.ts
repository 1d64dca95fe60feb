import { expect, test } from "vitest";
import { type CoordinatorLink, LinkError } from "../../../src/client/link.ts";
import { FIRST_CHUNK_BYTES } from "../../../src/coordinator/grpc/model-chunks.ts";
import { damaged } from "../../../src/coordinator/sessions/refusals.ts";
import { WireError } from "../../../src/model/error.ts";
import { digestOf } from "../../../src/model/manifest.ts";
import type { Receipt, ReportId } from "../../../src/model/protocol.ts";
import { SENT_CHUNK_BYTES } from "../../../src/wire/link-fields.ts";
import {
  checkIn,
  countingProxy,
  finished,
  hello,
  linkTo,
  noise,
  rawClient,
  scripted,
  serve,
  until,
} from "./kit.ts";

// Real transfers over a network that breaks at a byte.

const { signal } = new AbortController();
const KIB = 1024;

const frame = noise(300 * KIB, 3);
const report: ReportId = { round: 1, digest: digestOf(frame) };

/** One chunk may be on its way when a connection breaks, and each try has its headers. */
const CHUNK = SENT_CHUNK_BYTES;
const OVERHEAD = 4 * KIB;

interface Setting {
  readonly service: ReturnType<typeof scripted>;
  readonly server: Awaited<ReturnType<typeof serve>>;
  readonly proxy: Awaited<ReturnType<typeof countingProxy>>;
  readonly link: CoordinatorLink;
}

async function setting(script: Parameters<typeof scripted>[0] = {}): Promise<Setting> {
  const service = scripted(script);
  const server = await serve(service);
  const proxy = await countingProxy(server.port);
  const link = linkTo(proxy, "a", { limits: { idleMs: 1000 } });
  await link.checkIn(checkIn, signal);
  return { service, server, proxy, link };
}

/** The connection breaks when so many more bytes have gone up, and the server has seen what came. */
function breakAfter({ service, proxy }: Setting, bytes: number): void {
  const before = service.numHeard();
  const numChunks = Math.max(0, Math.floor((bytes - OVERHEAD) / (CHUNK + 64)));
  void proxy.stopAfter("received", bytes).then(async () => {
    await until(() => service.numHeard() - before >= numChunks);
    proxy.cut();
  });
}

/** As a client's loop does it: asks, and sends the rest, until there is a receipt. */
async function deliver(
  link: CoordinatorLink,
  beforeEach = (): void => {},
): Promise<{ receipt: Receipt; offsets: number[] }> {
  const offsets: number[] = [];
  for (;;)
    try {
      const standing = await link.inquire(report, signal);
      if (standing.kind !== "wanted") return { receipt: standing, offsets };
      offsets.push(standing.receivedBytes);
      beforeEach();
      const receipt = await link.report(report, frame, standing.receivedBytes, signal);
      if (receipt.kind === "accepted" || receipt.refusal.retryAfterMs === undefined)
        return { receipt, offsets };
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
}

test.each([1, 500, CHUNK, 50_001, 131_072, 200_003, 299_000, 300 * KIB, 301 * KIB])(
  "an upload that breaks after %d bytes goes on there: little is sent twice, the frame is whole",
  async (cut) => {
    const all = await setting();
    const { service, proxy, link } = all;
    const before = proxy.bytes().received;
    let tries = 0;
    const { receipt, offsets } = await deliver(link, () => {
      if (tries++ === 0) breakAfter(all, cut);
    });
    expect(receipt).toStrictEqual({ kind: "accepted", report });
    expect(offsets[0]).toBe(0);
    if (tries === 2) expect(offsets[1]).toBeGreaterThanOrEqual(cut - CHUNK - OVERHEAD);
    else expect(cut).toBeGreaterThanOrEqual(300 * KIB); // the receipt alone was lost, or nothing
    expect(proxy.bytes().received - before).toBeLessThan(frame.length + CHUNK + OVERHEAD);
    for (const arrived of service.reports) expect(digestOf(arrived.frame)).toBe(report.digest);
    expect(service.log.filter((line) => /lost|refuse/.test(line))).toEqual([]);
  },
);

test("an upload that breaks again and again arrives, once, with little sent twice", async () => {
  const all = await setting();
  const { service, proxy, link } = all;
  const before = proxy.bytes().received;
  const { receipt, offsets } = await deliver(link, () => breakAfter(all, 45_000));
  expect(receipt.kind).toBe("accepted");
  expect(offsets.length).toBeGreaterThan(7);
  expect([...offsets].sort((a, b) => a - b)).toEqual(offsets);
  expect(service.reports).toHaveLength(1);
  expect(digestOf(service.reports[0]!.frame)).toBe(report.digest);
  expect(proxy.bytes().received - before).toBeLessThan(frame.length + offsets.length * (CHUNK + OVERHEAD));
});

test("parts of two frames are told by the digest: thrown away, and it is sent once more from its first byte", async () => {
  const service = scripted({
    report: async (_, id, bytes) =>
      digestOf(bytes) === id.digest
        ? { kind: "accepted", report: id }
        : { kind: "refused", refusal: damaged },
  });
  const server = await serve(service);
  const client = rawClient(server);
  const mallory = await hello(client, "a");
  const half = client.Report(mallory.metadata, () => {});
  half.write({
    header: {
      report: { round: report.round, digest: Buffer.from(report.digest, "hex") },
      frameBytes: frame.length,
    },
    data: noise(1000, 99),
  });
  await new Promise((wake) => setTimeout(wake, 100));
  await mallory.leave();
  half.cancel();
  await until(() => server.numClients() === 0);

  const link = linkTo(server, "a");
  const { receipt, offsets } = await deliver(link);
  expect(offsets).toEqual([1000, 0]);
  expect(receipt).toStrictEqual({ kind: "accepted", report });
  expect(service.log).toContain(`lost a ${frame.length}`);
  expect(service.reports.map((arrived) => digestOf(arrived.frame) === report.digest)).toEqual([false, true]);
});

test("offsets that nobody gave are not taken, and what is kept stays", async () => {
  const all = await setting();
  const { link } = all;
  breakAfter(all, 100_000);
  await expect(link.report(report, frame, 0, signal)).rejects.toThrow(LinkError);
  const standing = await link.inquire(report, signal);
  if (standing.kind !== "wanted") expect.fail("it is wanted");
  expect(standing.receivedBytes).toBeGreaterThan(80_000);
  for (const offset of [standing.receivedBytes + 1, standing.receivedBytes - 1, frame.length, 1]) {
    const receipt = await link.report(report, frame, offset, signal);
    expect(receipt).toMatchObject({ kind: "refused", refusal: { code: "bad-offset", retryAfterMs: 0 } });
  }
  expect(await link.inquire(report, signal)).toStrictEqual(standing);
  expect(await link.report(report, frame, standing.receivedBytes, signal)).toMatchObject({
    kind: "accepted",
  });
});

test("what the round cannot count any more is dropped when it closes, or when it is asked about", async () => {
  let counting = true;
  const refusal = { code: "wrong-round", detail: "over", retry: true };
  const all = await setting({
    counts: () => counting,
    inquire: async () => (counting ? { kind: "wanted", receivedBytes: 0 } : { kind: "refused", refusal }),
  });
  const { service, link } = all;
  const lost = () => service.log.filter((line) => line.startsWith("lost")).length;
  const breakOff = async (): Promise<void> => {
    await link.checkIn(checkIn, signal);
    breakAfter(all, 100_000);
    await expect(link.report(report, frame, 0, signal)).rejects.toThrow(LinkError);
    const standing = await link.inquire(report, signal);
    expect(standing.kind === "wanted" && standing.receivedBytes).toBeGreaterThan(0);
  };
  await breakOff();
  service.closeRound();
  expect(lost()).toBe(0);
  counting = false;
  service.closeRound();
  expect(lost()).toBe(1);
  counting = true;
  await breakOff();
  counting = false;
  expect(await link.inquire(report, signal)).toStrictEqual({ kind: "refused", refusal });
  expect(lost()).toBe(2);
});

test("a report that cannot be decided now is kept whole: asked again, it costs no bytes", async () => {
  let isOpen = false;
  const later = { code: "between-rounds", detail: "soon", retry: true, retryAfterMs: 5 };
  const service = scripted({
    report: async (_, id) =>
      isOpen ? { kind: "accepted", report: id } : { kind: "refused", refusal: later },
  });
  const server = await serve(service);
  const link = linkTo(server, "a");
  expect(await link.report(report, frame, 0, signal)).toStrictEqual({ kind: "refused", refusal: later });
  isOpen = true;
  const before = server.socketBytes().received;
  expect(await link.inquire(report, signal)).toStrictEqual({ kind: "wanted", receivedBytes: frame.length });
  expect(await link.report(report, frame, frame.length, signal)).toStrictEqual({ kind: "accepted", report });
  expect(server.socketBytes().received - before).toBeLessThan(2 * KIB);
  expect(digestOf(service.reports[1]!.frame)).toBe(report.digest);
});

const frames = [noise(20_000, 4), noise(0), noise(700 * KIB, 5), noise(90_001, 6)];
const total = frames.reduce((sum, { length }) => sum + length, 0);
const request = { held: null, version: 1 };
/** Of a download. */

/** As a network that goes silent after so many bytes, until the client has lost patience. */
async function breakOff({ proxy, link }: Setting, bytes: number): Promise<number> {
  const stopped = proxy.stopAfter("sent", bytes);
  const failed = link.fetchModel(request, signal).then(
    () => expect.fail("the download broke"),
    (error: LinkError) => error.movedBytes,
  );
  await stopped;
  const movedBytes = await failed;
  proxy.cut();
  return movedBytes;
}

/** When the new connection is there. */
const reconnected = async ({ link, server, proxy }: Setting): Promise<number> => {
  await until(() => server.numClients() === 0);
  await link.checkIn(checkIn, signal);
  return proxy.bytes().sent;
};

test.each([1, 5000, CHUNK + 9000, 600_000, total - 1])(
  "a download that breaks after %d bytes goes on there, and every byte that went out is counted",
  async (cut) => {
    const all = await setting({ fetchModel: async () => frames });
    const { service, link, proxy } = all;
    const movedBytes = await breakOff(all, cut);
    expect(movedBytes % FIRST_CHUNK_BYTES).toBe(0);
    expect(movedBytes).toBeLessThan(cut);
    // what is around each chunk is no 1 % of it, and a header comes first
    expect(movedBytes).toBeGreaterThan(0.99 * cut - CHUNK - 500);
    const counted = (): number => service.sent.reduce((sum, n) => sum + n, 0);
    const before = await reconnected(all);
    const countedBefore = counted();
    const fetched = await link.fetchModel(request, signal);
    expect(fetched.map((bytes) => digestOf(bytes))).toEqual(frames.map((bytes) => digestOf(bytes)));
    expect(proxy.bytes().sent - before).toBeLessThan(total - movedBytes + OVERHEAD);
    expect(counted() - countedBefore).toBe(total - movedBytes);
  },
);

test("other frames than before begin at their first byte", async () => {
  let offered: readonly Uint8Array[] = frames;
  const all = await setting({ fetchModel: async () => offered });
  const { link } = all;
  expect(await breakOff(all, 500_000)).toBe(30 * CHUNK);
  await reconnected(all);
  offered = [noise(30_000, 8), noise(600_000, 9)];
  expect((await link.fetchModel(request, signal)).map((bytes) => digestOf(bytes))).toEqual(
    offered.map((bytes) => digestOf(bytes)),
  );
});

test("a download that goes on with other bytes than it says is fetched once more as a whole, and no oftener", async () => {
  let lies = 1;
  const service = scripted({ fetchModel: async () => frames });
  const lying: typeof service = {
    ...service,
    open: (clientId, onExpired) => {
      const session = service.open(clientId, onExpired);
      if ("code" in session) return session;
      return {
        ...session,
        fetchModel: async (asked) => {
          const download = await session.fetchModel(asked);
          if (download.offset === 0 || lies-- <= 0) return download;
          return { ...download, frames: frames.map((bytes) => bytes.map((byte) => byte ^ 1)) };
        },
      };
    },
  };
  const server = await serve(lying);
  const proxy = await countingProxy(server.port);
  const link = linkTo(proxy, "a", { limits: { idleMs: 1000 } });
  await link.checkIn(checkIn, signal);
  const all = { service, server, proxy, link };
  expect(await breakOff(all, 500_000)).toBe(30 * CHUNK);
  await reconnected(all);
  expect((await link.fetchModel(request, signal)).map((bytes) => digestOf(bytes))).toEqual(
    frames.map((bytes) => digestOf(bytes)),
  );
  expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
});

test("a download that breaks a limit is an error at once, resumed or not", async () => {
  const server = await serve(scripted({ fetchModel: async () => frames }));
  const link = linkTo(server, "a", { limits: { transferBytes: total - 1 } });
  await expect(link.fetchModel(request, signal)).rejects.toThrow(WireError);
});
