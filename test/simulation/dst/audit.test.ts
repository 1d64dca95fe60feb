import { expect, test } from "vitest";
import { manifestOf } from "../../../src/model/manifest.ts";
import type { AuditContext } from "../../../src/simulation/dst/audit/context.ts";
import type { Decoded } from "../../../src/simulation/dst/audit/decoded.ts";
import { downloadAudit } from "../../../src/simulation/dst/audit/downloads.ts";
import { type FoldRules, foldAgain } from "../../../src/simulation/dst/audit/fold.ts";
import { emptyHistory, follow, type HistoryRules } from "../../../src/simulation/dst/audit/history.ts";
import type { JournalRecord } from "../../../src/simulation/dst/audit/journal.ts";
import { encodeFrame } from "../../../src/wire/frame.ts";
import { defaultLimits } from "../../../src/wire/limits.ts";

const update = (values: readonly number[], sent = values.map(() => 1)): Decoded => ({
  values: Float64Array.from(values),
  sent: Uint8Array.from(sent),
  owned: Uint8Array.from(values.map(() => 1)),
  round: 1,
  baseVersion: 0,
  numExamples: 1,
  numSteps: 2,
  norm: 0,
});
const counted = (clientId: string, values: readonly number[], weight: number, sent?: readonly number[]) => ({
  clientId,
  update: update(values, sent === undefined ? undefined : [...sent]),
  weight: { gain: weight, weight },
});
const rules = (strategy: string, attackers = 0): FoldRules => ({
  strategy,
  attackers,
  exponentOf: () => 3,
  weightBudget: 2 ** 33,
  stepsOf: ({ numSteps }) => 256 * numSteps,
});

test("the reference folds by hand-computed numbers", () => {
  const two = [counted("a", [1, 4], 65536), counted("b", [3, 0], 3 * 65536)];
  expect([...foldAgain(two, rules("fedavg"), 2)]).toEqual([2.5, 1]);
  expect([...foldAgain(two, rules("fednova"), 2)]).toEqual([5, 2]); // times two steps
  const narrow = { ...two[1]!, update: { ...two[1]!.update, owned: Uint8Array.of(1, 0) } };
  expect([...foldAgain([two[0]!, narrow], rules("fedavg"), 2)]).toEqual([2.5, 4]); // one owner of the second
  const five = [1, 2, 3, 4, 100].map((v, i) => counted(`c${i}`, [v], 65536));
  expect([...foldAgain(five, rules("median", 1), 1)]).toEqual([3]);
  expect([...foldAgain(five, rules("trimmed-mean", 1), 1)]).toEqual([3]);
  expect([...foldAgain(five, rules("krum", 1), 1)]).toEqual([2]);
  expect([...foldAgain(five, rules("multi-krum", 1), 1)]).toEqual([2.5]); // 2 and 3
  const held = [counted("a", [6], 65536, [1]), counted("b", [0], 65536, [0])];
  expect([...foldAgain(held, rules("median"), 1)]).toEqual([3]); // one of two holds it
});

test("a history that cannot be is refused, record by record", () => {
  const allow: HistoryRules = { minimum: 1, goal: 2, maxStaleness: 0, isBuffered: false };
  const record = (head: object, frame = new Uint8Array()): JournalRecord => ({
    head: head as JournalRecord["head"],
    frame,
  });
  const opened = (round: number) => record({ type: "opened", round, cohort: ["a", "b"], exponents: [3] });
  const accepted = (clientId: string, round = 1) =>
    record(
      { type: "accepted", round, baseVersion: 0, clientId, weight: {} },
      new TextEncoder().encode(clientId),
    );
  const closed = (version: number) =>
    record({ type: "closed", round: 1, outcome: "commit", version, digest: `of ${version}` });
  const started = record({ type: "started", runId: "run" });
  const verdictOn = (...records: readonly JournalRecord[]): string | null => {
    const history = emptyHistory("of 0");
    let wrong: string | null = null;
    for (const one of records) wrong ??= follow(history, one, allow, () => null);
    return wrong;
  };
  expect(verdictOn(started, opened(1), accepted("a"), closed(1), opened(2))).toBeNull();
  expect(verdictOn(opened(1))).toMatch(/wrong place/);
  const [paused, resumed] = [record({ type: "paused" }), record({ type: "resumed" })];
  expect(verdictOn(started, paused, resumed, opened(1))).toBeNull();
  expect(verdictOn(started, paused, opened(1))).toMatch(/while the run is paused/);
  expect(verdictOn(started, paused, paused)).toMatch(/twice/);
  expect(verdictOn(started, opened(2))).toMatch(/follows 0/);
  expect(verdictOn(started, opened(1), opened(2))).toMatch(/while 1 is open/);
  expect(verdictOn(started, opened(1), accepted("a"), accepted("a"))).toMatch(/twice/);
  expect(verdictOn(started, opened(1), accepted("c"))).toMatch(/not asked/);
  expect(verdictOn(started, opened(1), closed(1))).toMatch(/commits 0 reports/);
  expect(verdictOn(started, opened(1), accepted("a"), closed(2))).toMatch(/version 2, not 1/);
  expect(verdictOn(started, opened(1), accepted("a"), closed(1), opened(2), accepted("a"))).toMatch(
    /counted in round 1/,
  );
});

test("a download has to lead from what is held to what was asked for, frame by frame", () => {
  const model = new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]);
  const manifest = manifestOf(model);
  const digests = ["a", "b", "c", "d"].map((letter) => letter.repeat(64));
  const delta = (version: number) =>
    encodeFrame({ kind: "delta", version, manifest: 0, plan: 0, digest: 0, payloads: [Uint8Array.of(1)] });
  const origin = encodeFrame({ kind: "origin", zoo: "lenet-5", seed: 1, digest: digests[0]! });
  const checkpoint = encodeFrame({ kind: "checkpoint", version: 2, params: model });
  const wrongs = (from: number | null, to: number, ...frames: readonly Uint8Array[]): number => {
    let wrong = 0;
    const context = {
      options: { contract: { limits: defaultLimits, manifest } },
      fail: () => {
        wrong++;
      },
    } as unknown as AuditContext;
    const held = from === null ? null : { version: from, digest: digests[from] ?? "f".repeat(64) };
    downloadAudit(context, { isUsed: false, of: () => null })({ held, version: to }, frames, { digests });
    return wrong;
  };
  expect(wrongs(0, 2, delta(1), delta(2))).toBe(0);
  expect(wrongs(null, 2, origin, delta(1), delta(2))).toBe(0);
  expect(wrongs(3, 2, checkpoint)).toBe(0);
  expect(wrongs(9, 3, checkpoint, delta(3))).toBe(0); // no such version: a checkpoint is what is left
  expect(wrongs(2, 1)).toBe(0); // it holds a later one
  expect(wrongs(0, 2, delta(2))).toBe(1);
  expect(wrongs(0, 2, delta(1))).toBe(1);
  expect(wrongs(null, 2, delta(1), delta(2))).toBe(1);
  expect(wrongs(0, 3, delta(1), delta(3))).toBe(1);
  expect(wrongs(null, 2)).toBe(1);
  expect(wrongs(0, 3, delta(1), delta(2), delta(3), delta(4))).toBe(1); // to what is not durable
});
