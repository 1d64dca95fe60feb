import { expect, test } from "vitest";
import { type CoordinatorLink, LinkError, SessionRefused } from "../../src/client/link.ts";
import { digestOf } from "../../src/model/manifest.ts";
import type { Receipt, Refusal, ReportId, Standing } from "../../src/model/protocol.ts";
import {
  checkIn,
  finished,
  noise,
  type Script,
  type ScriptedService,
  scripted,
} from "../coordinator/grpc/kit.ts";

/** What every link of a client does, whatever carries it. `connect` leads client `a` to that coordinator. */
export function linkSuite(
  name: string,
  connect: (service: ScriptedService) => Promise<CoordinatorLink>,
): void {
  const { signal } = new AbortController();
  const frame = noise(70_000, 3);
  const report: ReportId = { round: 4, digest: digestOf(frame) };
  const busy: Refusal = { code: "busy", detail: "later", retry: true, retryAfterMs: 1500 };
  const over: Refusal = { code: "wrong-round", detail: "over", retry: true };

  const linked = async (script: Script) => {
    const service = scripted(script);
    return { service, link: await connect(service) };
  };

  test.each<[string, Standing]>([
    ["accepted", { kind: "accepted", report }],
    ["wanted", { kind: "wanted", receivedBytes: 0 }],
    ["refused", { kind: "refused", refusal: over }],
    ["refused for now", { kind: "refused", refusal: busy }],
  ])(`${name}: an inquiry needs no check-in, and its answer arrives: %s`, async (_, standing) => {
    const asked: ReportId[] = [];
    const { service, link } = await linked({
      inquire: async (_, id) => {
        asked.push(id);
        return standing;
      },
    });
    expect(await link.inquire(report, signal)).toStrictEqual(standing);
    expect(asked).toStrictEqual([report]);
    expect(service.log).toEqual(["open a"]);
  });

  test(`${name}: a heartbeat needs no check-in either, and says whether its round still counts`, async () => {
    const { service, link } = await linked({ heartbeat: (_, round) => (round === 4 ? null : over) });
    expect(await link.heartbeat(4, signal)).toBeNull();
    expect(await link.heartbeat(5, signal)).toStrictEqual(over);
    expect(await link.checkIn(checkIn, signal)).toStrictEqual(finished);
    expect(await link.heartbeat(4, signal)).toBeNull();
    expect(service.log).toEqual(["open a"]);
  });

  test(`${name}: a report that cannot be decided now goes again, from what the coordinator has of it`, async () => {
    const receipts: Receipt[] = [
      { kind: "refused", refusal: busy },
      { kind: "accepted", report },
    ];
    const { service, link } = await linked({ report: async () => receipts.shift()! });
    expect(await link.report(report, frame, 0, signal)).toStrictEqual({ kind: "refused", refusal: busy });
    const standing = await link.inquire(report, signal);
    if (standing.kind !== "wanted") expect.fail("it is wanted");
    expect(await link.report(report, frame, standing.receivedBytes, signal)).toStrictEqual({
      kind: "accepted",
      report,
    });
    for (const arrived of service.reports) {
      expect(arrived.report).toStrictEqual(report);
      expect(digestOf(arrived.frame)).toBe(report.digest);
    }
    expect(service.reports).toHaveLength(2);
  });

  test(`${name}: a download's bytes are told as they go out`, async () => {
    const frames = [noise(300_000, 1), noise(0), noise(7, 2)];
    const { service, link } = await linked({ fetchModel: async () => frames });
    const fetched = await link.fetchModel({ held: null, version: 3 }, signal);
    expect(fetched.map((bytes) => digestOf(bytes))).toEqual(frames.map((bytes) => digestOf(bytes)));
    expect(service.sent.reduce((sum, n) => sum + n, 0)).toBe(300_007);
  });

  test(`${name}: without a session, a check-in gets the refusal and all else is a broken link that says when`, async () => {
    const service = scripted();
    const link = await connect({ ...service, open: () => busy });
    expect(await link.checkIn(checkIn, signal)).toStrictEqual({ kind: "refused", refusal: busy });
    const calls = [
      () => link.inquire(report, signal),
      () => link.fetchModel({ held: null, version: 1 }, signal),
      () => link.report(report, frame, 0, signal),
    ];
    for (const call of calls)
      await expect(call()).rejects.toSatisfy(
        (error) => error instanceof LinkError && error.retryAfterMs === 1500,
      );
    await expect(link.heartbeat(1, signal)).rejects.toThrow(LinkError);
  });

  test(`${name}: a session that is refused for good is no answer to what was asked: it says nothing of a report`, async () => {
    const refusal: Refusal = { code: "bad-version", detail: "protocol 1, this is 2", retry: false };
    const link = await connect({ ...scripted(), open: () => refusal });
    expect(await link.checkIn(checkIn, signal)).toStrictEqual({ kind: "refused", refusal });
    const calls = [
      () => link.inquire(report, signal),
      () => link.fetchModel({ held: null, version: 1 }, signal),
      () => link.report(report, frame, 0, signal),
      () => link.heartbeat(1, signal),
    ];
    for (const call of calls) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SessionRefused);
      expect((error as SessionRefused).refusal).toStrictEqual(refusal);
    }
  });

  test(`${name}: after a lease that has ended the next call opens another session`, async () => {
    const { service, link } = await linked({});
    expect(await link.heartbeat(4, signal)).toBeNull();
    service.expire("a");
    for (;;)
      try {
        expect(await link.heartbeat(4, signal)).toBeNull();
        break;
      } catch (error) {
        expect(error).toBeInstanceOf(LinkError); // it may have been on its way
      }
    expect(service.log).toEqual(["open a", "close a", "open a"]);
  });

  test(`${name}: what is aborted rejects with the signal's reason, and the link goes on`, async () => {
    const { link } = await linked({ inquire: () => new Promise(() => {}) });
    const aborter = new AbortController();
    const asking = link.inquire(report, aborter.signal);
    asking.catch(() => {});
    aborter.abort(new Error("enough"));
    await expect(asking).rejects.toThrow("enough");
    expect(await link.heartbeat(4, signal)).toBeNull();
  });
}
