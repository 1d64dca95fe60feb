import { expect, test } from "vitest";
import { manifestOf } from "../../../src/model/manifest.ts";
import type { AuditContext } from "../../../src/simulation/dst/audit/context.ts";
import { controlAudit } from "../../../src/simulation/dst/audit/controls.ts";
import { deadlineAudit } from "../../../src/simulation/dst/audit/deadlines.ts";
import type { Decoded } from "../../../src/simulation/dst/audit/decoded.ts";
import { downloadAudit } from "../../../src/simulation/dst/audit/downloads.ts";
import { evidenceAudit, shortfall } from "../../../src/simulation/dst/audit/evidence.ts";
import { type FoldRules, foldAgain } from "../../../src/simulation/dst/audit/fold.ts";
import { gateAudit } from "../../../src/simulation/dst/audit/gates.ts";
import {
  emptyHistory,
  follow,
  type History,
  type HistoryRules,
  type OpenRound,
} from "../../../src/simulation/dst/audit/history.ts";
import { overdue } from "../../../src/simulation/dst/audit/hopes.ts";
import type { JournalRecord } from "../../../src/simulation/dst/audit/journal.ts";
import { refusalAudit } from "../../../src/simulation/dst/audit/refusals.ts";
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
  const allow: HistoryRules = { minimum: 1, goal: 2, maxStaleness: 0, mostAsked: 2, isBuffered: false };
  const record = (head: object, frame = new Uint8Array()): JournalRecord => ({
    head: head as JournalRecord["head"],
    frame,
  });
  const bytes = (uplink: number, downlink: number) => ({
    uplink,
    downlink,
    denseUplink: 0,
    denseDownlink: 0,
  });
  const opened = (round: number, cohort = ["a", "b"], downlink = 0) =>
    record({ type: "opened", round, cohort, exponents: [3], bytes: bytes(round - 1, downlink) });
  const joined = (clientId: string, round = 1) => record({ type: "joined", round, clientId });
  const accepted = (clientId: string, round = 1) =>
    record(
      { type: "accepted", round, baseVersion: 0, clientId, weight: {} },
      new TextEncoder().encode(clientId),
    );
  const closed = (version: number, uplink = 1) =>
    record({
      type: "closed",
      round: 1,
      outcome: "commit",
      version,
      digest: `of ${version}`,
      bytes: bytes(uplink, 0),
    });
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
  expect(verdictOn(started, opened(1), joined("c"), accepted("c"))).toBeNull();
  expect(verdictOn(started, opened(1), joined("b"))).toMatch(/joins/);
  expect(verdictOn(started, opened(1), joined("c", 2))).toMatch(/joins/);
  expect(verdictOn(started, opened(1, ["a", "b", "c"]))).toMatch(/asks 3 clients/);
  expect(verdictOn(started, opened(1), accepted("a"), closed(1, 0))).toMatch(/0 bytes uplink, after 1/);
  expect(verdictOn(started, opened(1, ["a"], 9), accepted("a"), closed(1))).toMatch(/0 bytes downlink/);
  expect(verdictOn(started, opened(1), closed(1))).toMatch(/commits 0 reports/);
  expect(verdictOn(started, opened(1), accepted("a"), closed(2))).toMatch(/version 2, not 1/);
  expect(verdictOn(started, opened(1), accepted("a"), closed(1), opened(2), accepted("a"))).toMatch(
    /counted in round 1/,
  );
});

const noControls = { isUsed: false, wrongShared: () => null };

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
    const audit = downloadAudit(context, { isUsed: false, of: () => null }, noControls);
    audit({ held, version: to }, frames, { digests });
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

test("what goes down is no longer than the deltas that are known", () => {
  const model = new Map([["w", { shape: [64], data: new Float32Array(64) }]]);
  const wrongs: string[] = [];
  const context = {
    options: { contract: { limits: defaultLimits, manifest: manifestOf(model) } },
    fail: (check: string) => wrongs.push(check),
  } as unknown as AuditContext;
  const digests = ["a", "b", "c"].map((letter) => letter.repeat(64));
  const audit = downloadAudit(context, { isUsed: false, of: () => null }, noControls);
  const delta = (version: number) =>
    encodeFrame({ kind: "delta", version, manifest: 0, plan: 0, digest: 0, payloads: [Uint8Array.of(1)] });
  const whole = encodeFrame({ kind: "checkpoint", version: 2, params: model });
  const held = { version: 1, digest: digests[1]! };
  audit({ held, version: 2 }, [whole], { digests }); // who knows how long the delta is
  audit({ held: { version: 0, digest: digests[0]! }, version: 2 }, [delta(1), delta(2)], { digests });
  audit({ held, version: 2, whole: true }, [whole], { digests });
  audit({ held: null, version: 2 }, [whole], { digests });
  expect(wrongs).toEqual([]);
  audit({ held, version: 2 }, [whole], { digests });
  expect(wrongs).toEqual(["broadcast"]);
});

test("a cohort's control variate is the mean of its clients', by hand", () => {
  const context = {
    shape: {
      config: { train: { optimizer: { sgd: { learningRate: 0.5, momentum: 0 } } } },
      initial: new Map([["w", { shape: [1], data: Float32Array.of(0) }]]),
    },
    options: {
      contract: {
        aggregation: { strategy: "scaffold" },
        uplink: [{ tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false }],
      },
    },
    length: 1,
  } as unknown as AuditContext;
  const controls = controlAudit(context);
  controls.folded([counted("a", [1], 1), counted("b", [-2], 3)]);
  // a has -1 / 0.5 = -2 and b 4: (-2 + 3 * 4) / 4
  expect(controls.wrongShared(1, [2.5])).toBeNull();
  expect(controls.wrongShared(1, [0])).toMatch(/coordinate 0 is 0, not 2.5/);
  controls.folded([counted("a", [1], 1)]);
  // a's becomes -2 - 2.5 - 2 = -6.5: (-6.5 + 12) / 4
  expect(controls.wrongShared(2, [1.375])).toBeNull();
  expect(controls.wrongShared(0, null)).toBeNull();
  expect(controls.wrongShared(2, null)).toMatch(/without one/);
});

test("who is turned away hears the truth", () => {
  const wrongs: string[] = [];
  const context = {
    shape: { config: { cohort: { maxStaleness: 1 } } },
    options: { rounds: { rounds: 9 } },
    fail: (_: string, detail: string) => wrongs.push(detail),
  } as unknown as AuditContext;
  const life = {};
  const history = emptyHistory("of 0");
  history.rounds.set(1, { version: 0, exponents: [3], cohort: ["a", "b"] });
  const audit = refusalAudit(context);
  const heard = (event: object) => audit.heard(life, event as Parameters<typeof audit.heard>[1]);
  const says = (clientId: string, code: string): number => {
    const before = wrongs.length;
    audit.refused(life, clientId, 1, { code, detail: "", retry: true }, history);
    return wrongs.length - before;
  };
  heard({ type: "run.started", resumedFromVersion: null });
  heard({ type: "round.opened", round: 1 });
  for (const id of ["a", "b"]) audit.asked(id, 1);
  expect([says("a", "wrong-round"), says("a", "not-selected"), says("c", "not-selected")]).toEqual([1, 1, 0]);
  expect([says("a", "already-reported"), says("a", "already-refused"), says("a", "run-over")]).toEqual([
    1, 1, 1,
  ]);
  heard({ type: "report.accepted", clientId: "a", round: 1 });
  expect(says("a", "already-reported")).toBe(0);
  heard({ type: "round.committed", round: 1, version: 1 });
  expect([says("a", "wrong-round"), says("b", "wrong-round")]).toEqual([0, 1]); // b is late
  expect([audit.checksIn(life, "a", history), audit.checksIn(life, "b", history)]).toEqual([false, true]);
  expect(says("b", "wrong-round")).toBe(0);
  audit.asked("b", 1);
  heard({ type: "round.committed", round: 2, version: 2 });
  expect(says("b", "wrong-round")).toBe(0); // too late
  heard({ type: "report.accepted", clientId: "b", round: 1 });
  expect(wrongs.at(-1)).toMatch(/after it checked in/);
});

test("a round closes in its time", () => {
  let nowMs = 0;
  let wrongs = 0;
  const context = {
    shape: { config: { cohort: { reportDeadline: 100, goal: 2 } } },
    fail: () => wrongs++,
  } as unknown as AuditContext;
  const audit = deadlineAudit(context, () => nowMs);
  const life = { isAlive: () => true, pausedUntil: () => 0 };
  const heard = (event: object) => audit.heard(life, event as Parameters<typeof audit.heard>[1]);
  const history = emptyHistory("of 0");
  const commits = (round: number, atMs: number): number => {
    heard({ type: "round.opened", round });
    nowMs += atMs;
    audit.check();
    heard({ type: "round.committed", round, digest: `of ${round}` });
    history.rounds.set(round, { version: 0, exponents: [3], cohort: ["a", "b"] });
    const accepted = [{ clientId: "a" }] as unknown as OpenRound["accepted"];
    const before = wrongs;
    audit.commits({ round, exponents: [3], accepted, refused: new Set() }, `of ${round}`, history);
    return wrongs - before;
  };
  heard({ type: "run.started" });
  for (const clientId of ["a", "b"]) heard({ type: "client.joined", clientId });
  expect(commits(1, 50)).toBe(1); // b is at work
  expect(commits(2, 100)).toBe(0);
  heard({ type: "client.left", clientId: "b" });
  expect(commits(3, 50)).toBe(0);
  expect(wrongs).toBe(1);
  expect([commits(4, 150), wrongs]).toEqual([0, 2]); // it was open for too long
});

/** Round `round`, open at version `version`, with what has become of its cohort. */
function openHistory(
  cohort: readonly string[],
  accepted: readonly string[],
  { refused = [], version = 0 }: { readonly refused?: readonly string[]; readonly version?: number } = {},
): History & { readonly open: OpenRound } {
  const open: OpenRound = {
    round: 1,
    exponents: [3],
    accepted: accepted.map((clientId) => ({
      clientId,
      digest: clientId,
    })) as unknown as OpenRound["accepted"],
    refused: new Set(refused),
  };
  const history = { ...emptyHistory("of 0"), version, open };
  history.rounds.set(1, { version, exponents: [3], cohort: [...cohort] });
  return history;
}

test("a round is over when nobody is left, or too few are", () => {
  const rules = { minimum: 2, maxStaleness: 1, isBuffered: false };
  const cohort = ["a", "b", "c"];
  expect(overdue(emptyHistory("of 0"), rules)).toBeNull();
  expect(overdue(openHistory(cohort, ["a", "b"]), rules)).toBeNull(); // c may report
  expect(overdue(openHistory(cohort, ["a", "b", "c"]), rules)).toMatch(/3 have reported, and nobody/);
  expect(overdue(openHistory(cohort, ["a", "b"], { refused: ["c"] }), rules)).toMatch(/nobody is left/);
  expect(overdue(openHistory(cohort, ["a"], { refused: ["b"] }), rules)).toBeNull();
  const few = openHistory(cohort, ["a"], { refused: ["b", "c"], version: 2 });
  expect(overdue(few, rules)).toMatch(/0 may, of 2/);
  expect(overdue(few, { ...rules, isBuffered: true })).toBeNull();
  few.late.set("d", 0);
  expect(overdue(few, rules)).toMatch(/0 may/); // d is too late
  few.late.set("d", 1);
  expect(overdue(few, rules)).toBeNull();
  expect(overdue(few, { ...rules, maxStaleness: 0 })).toMatch(/0 may/);
});

test("how many are asked follows from what became of those who were", () => {
  expect(shortfall(2, 2, { heard: 10, lost: 0 })).toBe(0);
  expect(shortfall(1, 1, { heard: 3, lost: 1 })).toBeCloseTo(1 / 4);
  expect(shortfall(2, 1, { heard: 3, lost: 1 })).toBeCloseTo((1 * 2) / (4 * 5)); // both are lost
  expect(shortfall(2, 2, { heard: 3, lost: 1 })).toBeCloseTo(1 - (3 * 4) / (4 * 5)); // not both report
  const audit = evidenceAudit({
    shape: { config: { cohort: { goal: 2, overSelection: "auto", concurrency: null } } },
  } as unknown as AuditContext);
  const opens = (...cohort: readonly string[]) =>
    audit.opens({ round: 2, cohort } as unknown as JournalRecord["head"]);
  const closes = (history: ReturnType<typeof openHistory>, heard: number, lost: number) =>
    audit.closes(
      history.open,
      { round: 1, evidence: { heard, lost } } as unknown as JournalRecord["head"],
      history,
    );
  expect(opens("a", "b", "c")).toMatch(/asks 3 clients; 2 are enough/);
  expect(opens("a", "b")).toBeNull();
  expect(closes(openHistory(["a", "b", "c"], ["a", "b"]), 10, 0)).toBeNull(); // c is waited for
  expect(opens("a", "b", "c")).toBeNull();
  expect(closes(openHistory(["a", "b"], ["a"], { refused: ["b"] }), 13, 2)).toBeNull(); // with c, who was lost
  expect(closes(openHistory(["a", "b"], ["a"], { refused: ["b"] }), 13, 3)).toMatch(/what was heard/);
  expect(closes(openHistory(["a", "b"], ["a"]), 17, 3)).toMatch(/too many/);
  expect(closes(openHistory(["a", "b", "c"], ["a", "b"]), 17, 3)).toBeNull();
  audit.begins();
  expect(closes(openHistory(["a"], ["a"]), 19, 4)).toMatch(/too many/); // c of the life before
});

test("the norm that is let in is ten times the usual one", () => {
  const wrongs: string[] = [];
  const context = {
    shape: { config: { aggregation: { gates: { normFactor: 10 } } } },
    fail: (_: string, detail: string) => wrongs.push(detail),
  } as unknown as AuditContext;
  const norms = new Map<string, number>();
  const audit = gateAudit(context, {
    decode: ({ clientId }) => ({ ...update([]), norm: norms.get(clientId)! }),
    modelOf: () => Float64Array.of(3, 4),
  });
  const closes = (outcome: "commit" | "abandon", ...of: readonly number[]): string | null => {
    const ids = of.map((norm, i) => {
      norms.set(`c${i}`, norm);
      return `c${i}`;
    });
    const history = openHistory(ids, ids);
    return audit.closes(history.open, outcome, history);
  };
  const refuses = (norm: number): number => {
    norms.set("x", norm);
    const before = wrongs.length;
    audit.refused("x", new Uint8Array(), 0, emptyHistory("of 0"));
    return wrongs.length - before;
  };
  expect([refuses(24), refuses(26)]).toEqual([1, 0]); // five times the model
  expect(closes("commit", 1, 2, 25)).toBeNull();
  expect([refuses(19), refuses(21)]).toEqual([1, 0]);
  expect(closes("abandon", 20)).toBeNull();
  expect([refuses(39), refuses(41)]).toEqual([1, 0]);
  expect(closes("commit", 41)).toMatch(/norm 41, of 40/);
  expect([refuses(249), refuses(251)]).toEqual([1, 0]); // of c0 41 is the newest: 2, 25, 41
});
