import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Announced,
  openUploads,
  type Upload,
  type UploadLimits,
} from "../../../src/coordinator/sessions/uploads.ts";
import { WireError } from "../../../src/model/error.ts";
import type { ReportId } from "../../../src/model/protocol.ts";
import { world } from "../../../src/simulation/world.ts";
import { digest, noise } from "../grpc/kit.ts";

/** What is kept of broken uploads. */

const limits: UploadLimits = { frameBytes: 1000, uploadBytes: 2500, uploadAgeMs: 60_000 };

function desk(overrides: Partial<UploadLimits> = {}, counts = (_: string, __: ReportId): boolean => true) {
  const virtual = world();
  const uploads = openUploads({ ...limits, ...overrides }, virtual.clock, counts);
  const log: string[] = [];
  const begin = (clientId: string, announced: Announced) => {
    let upload: ReturnType<typeof uploads.begin> | null = null;
    upload = uploads.begin(announced, {
      clientId,
      lost: (bytes) => log.push(`${clientId} lost ${bytes}`),
      onEnded: () => {
        log.push(`${clientId} ended`);
        (upload as Upload).pause();
      },
    });
    return upload;
  };
  const begun = (clientId: string, announced: Announced): Upload => {
    const upload = begin(clientId, announced);
    if ("code" in upload) expect.fail(upload.detail);
    return upload;
  };
  const pass = (ms: number): Promise<void> =>
    virtual.run(new Promise((resolve) => void virtual.clock.after(ms, resolve)));
  return { uploads, log, begin, begun, pass };
}

const report = (round: number, byte = round): ReportId => ({ round, digest: digest(byte) });
const first = { report: report(1), frameBytes: 100, offset: 0 };

test("a broken upload goes on at its byte, and its frame is whole", () => {
  const { uploads, begun, log } = desk();
  const frame = noise(100);
  const upload = begun("a", first);
  expect(upload.add(frame.subarray(0, 37))).toBe(true);
  upload.pause();
  expect(uploads.received("a", report(1))).toBe(37);
  const rest = begun("a", { ...first, offset: 37 });
  rest.add(frame.subarray(37));
  expect(rest.finish()).toEqual(frame);
  rest.end("reported");
  expect(uploads.received("a", report(1))).toBe(0);
  expect(log).toEqual([]);
});

test("an inquiry ends the upload that runs, so that what it says stays true", () => {
  const { uploads, begun, log } = desk();
  begun("a", first).add(noise(50));
  expect(uploads.received("a", report(2))).toBe(0);
  expect(log).toEqual([]);
  expect(uploads.received("a", report(1))).toBe(50);
  expect(log).toEqual(["a ended"]);
});

test.each<[string, Announced]>([
  ["beyond what is here", { ...first, offset: 51 }],
  ["before the end of what is here", { ...first, offset: 49 }],
  ["of another length", { ...first, frameBytes: 101, offset: 50 }],
  ["of another digest", { ...first, report: report(1, 9), offset: 50 }],
  ["of another round", { ...first, report: report(2, 1), offset: 50 }],
])("a beginning %s is not taken, and changes nothing", (_, announced) => {
  const { uploads, begin, begun, log } = desk();
  const upload = begun("a", first);
  upload.add(noise(50));
  upload.pause();
  expect(begin("a", announced)).toMatchObject({ code: "bad-offset", retry: true, retryAfterMs: 0 });
  expect(begin("b", { ...first, offset: 50 })).toMatchObject({ code: "bad-offset" });
  expect(uploads.received("a", report(1))).toBe(50);
  expect(log).toEqual([]);
});

test("one report a client: another takes its place, the same begins anew, and what is thrown away is counted", () => {
  const { uploads, begun, log } = desk();
  begun("a", first).add(noise(50));
  begun("a", { ...first, report: report(2) }).add(noise(10));
  expect(log.splice(0)).toEqual(["a ended", "a lost 50"]);
  expect(uploads.received("a", report(1))).toBe(0);
  begun("a", { ...first, report: report(2) }).add(noise(7));
  expect(log.splice(0)).toEqual(["a ended", "a lost 10"]);
  expect(uploads.received("a", report(2))).toBe(7);
  uploads.forget("a", report(1));
  expect(uploads.received("a", report(2))).toBe(7);
  uploads.forget("a", report(2));
  expect(uploads.received("a", report(2))).toBe(0);
});

test("frames above the limit and bytes beyond the length are refused", () => {
  const { begin, begun, log } = desk();
  expect(() => begin("a", { ...first, frameBytes: 1001 })).toThrow("too-large");
  const upload = begun("a", first);
  expect(() => upload.add(noise(102))).toThrow(WireError);
  expect(log).toEqual(["a lost 2"]);
  const other = begun("b", first);
  other.add(noise(99));
  expect(other.isWhole()).toBe(false);
  expect(() => other.finish()).toThrow("truncated");
});

test("a frame that there will never be room for is refused for good, not told to come later", () => {
  const { begin, begun } = desk({ uploadBytes: 100 });
  expect(() => begin("a", { ...first, frameBytes: 101 })).toThrow("too-large");
  expect(begun("a", first).add(noise(100))).toBe(true);
});

test("what is kept has its time, and goes when it cannot count any more", async () => {
  const counting = new Set(["a", "b"]);
  const { uploads, begun, log, pass } = desk({}, (clientId) => counting.has(clientId));
  for (const id of ["a", "b"]) {
    const upload = begun(id, first);
    upload.add(noise(20));
    upload.pause();
  }
  await pass(59_999);
  uploads.sweep();
  expect(log).toEqual([]);
  counting.delete("b");
  uploads.sweep();
  expect(log).toEqual(["b lost 20"]);
  // what goes on has no age
  const upload = begun("a", { ...first, offset: 20 });
  await pass(60_001);
  upload.add(noise(20));
  upload.pause();
  await pass(59_999);
  expect(uploads.received("a", report(1))).toBe(40);
  await pass(2);
  expect(uploads.received("a", report(1))).toBe(0);
});

test("at the end all that broke is counted, and so is what breaks later", () => {
  const { uploads, begun, log } = desk();
  const [broken, running] = [begun("a", first), begun("b", first)];
  broken.add(noise(30));
  running.add(noise(40));
  broken.pause();
  uploads.close();
  expect(log.splice(0)).toEqual(["a lost 30"]);
  running.pause();
  expect(log).toEqual(["b lost 40"]);
});

test("what broke makes way for what comes, the oldest first; what runs does not", () => {
  const { uploads, begun, log } = desk({ uploadBytes: 100 });
  for (const id of ["a", "b"]) {
    const upload = begun(id, first);
    upload.add(noise(40));
    upload.pause();
  }
  const running = begun("c", first);
  expect(running.add(noise(40))).toBe(true);
  expect(log.splice(0)).toEqual(["a lost 40"]);
  const other = begun("d", first);
  expect(other.add(noise(60))).toBe(true);
  expect(log.splice(0)).toEqual(["b lost 40"]);
  expect(other.add(noise(1))).toBe(false);
  expect(log.splice(0)).toEqual(["d lost 1"]);
  other.pause();
  expect(running.add(noise(60))).toBe(true);
  expect(log.splice(0)).toEqual(["d lost 60"]);
  expect(uploads.received("d", report(1))).toBe(0);
});

test("what cannot count makes way though it runs, and takes no room from what can", () => {
  const { uploads, begun, log } = desk({ uploadBytes: 100 }, (clientId) => clientId !== "mallory");
  const kept = begun("a", first);
  kept.add(noise(20));
  kept.pause();
  const hostile = begun("mallory", first);
  expect(hostile.add(noise(80))).toBe(true); // there was room
  expect(hostile.add(noise(1))).toBe(false);
  expect(log.splice(0)).toEqual(["mallory lost 1"]);
  const honest = begun("b", { ...first, frameBytes: 60 });
  expect(honest.add(noise(60))).toBe(true);
  expect(log).toEqual(["a lost 20", "mallory ended", "mallory lost 80"]);
  expect(honest.isWhole()).toBe(true);
  expect(uploads.received("mallory", report(1))).toBe(0);
});

test("property: every byte that came was reported, thrown away and counted, or is here; never more than the limit", () => {
  const act = fc.record({
    client: fc.constantFrom("a", "b", "c"),
    round: fc.constantFrom(1, 2),
    kind: fc.constantFrom("begin", "resume", "add", "pause", "finish", "ask", "forget", "sweep"),
    bytes: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const clients = ["a", "b", "c"];
      let [came, lost, reported] = [0, 0, 0];
      const running = new Map<string, { upload: Upload; round: number; received: number }>();
      const uploads = openUploads(
        { ...limits, frameBytes: 100, uploadBytes: 150 },
        world().clock,
        (clientId) => clientId !== "b",
      );
      for (const { client, round, kind, bytes } of acts) {
        const at = running.get(client);
        const begin = (offset: number): void => {
          const owner = {
            clientId: client,
            lost: (n: number) => {
              lost += n;
            },
            onEnded: () => {
              running.get(client)!.upload.pause();
              running.delete(client);
            },
          };
          const upload = uploads.begin({ report: report(round), frameBytes: 60, offset }, owner);
          if ("code" in upload) expect(offset).toBeGreaterThan(0);
          else running.set(client, { upload, round, received: offset });
        };
        if (kind === "begin") begin(0);
        if (kind === "resume") begin(bytes);
        if (kind === "add" && at !== undefined && at.received + bytes <= 60) {
          came += bytes;
          if (at.upload.add(noise(bytes))) at.received += bytes;
        }
        if (kind === "pause" && at !== undefined) {
          at.upload.pause();
          running.delete(client);
        }
        if (kind === "finish" && at?.upload.isWhole()) {
          expect(at.upload.finish().length).toBe(60);
          at.upload.end("reported");
          reported += 60;
          running.delete(client);
        }
        if (kind === "ask") uploads.received(client, report(round));
        if (kind === "forget") uploads.forget(client, report(round));
        if (kind === "sweep") uploads.sweep();
        expect(came - lost - reported).toBeLessThanOrEqual(150);
      }
      const here = clients.flatMap((id) => [1, 2].map((round) => uploads.received(id, report(round))));
      expect(came).toBe(lost + reported + here.reduce((sum, n) => sum + n, 0));
      uploads.close();
      expect(came).toBe(lost + reported);
    }),
    { numRuns: 2000 },
  );
});
