import fc from "fast-check";
import { expect, test } from "vitest";
import type { ByteTotals, TelemetryEvent } from "../../src/telemetry/event.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRatio,
  printable,
  printableJson,
} from "../../src/telemetry/format.ts";
import { progress } from "../../src/telemetry/progress.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.00 kB"],
  [12_345, "12.3 kB"],
  [99_949, "99.9 kB"],
  [99_951, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1.00 MB"],
  [4_560_000, "4.56 MB"],
  [7.5e18, "7,500 PB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("ratios, shares, counts and times", () => {
  expect([0, 1.234, 12.34, 123.4, 12_345].map(formatRatio)).toEqual([
    "0.00x",
    "1.23x",
    "12.3x",
    "123x",
    "12,345x",
  ]);
  expect([0, 0.95314, 1].map(formatPercent)).toEqual(["0.00 %", "95.31 %", "100.00 %"]);
  expect([0, 999, 1_000, 20_490, 1_234_567].map(formatCount)).toEqual([
    "0",
    "999",
    "1,000",
    "20,490",
    "1,234,567",
  ]);
  expect([1_500, 59_900, 81_000, 119_700, 3_600_000].map(formatDuration)).toEqual([
    "1.50 s",
    "59.9 s",
    "1 min 21 s",
    "2 min 0 s",
    "1 h 0 min",
  ]);
});

test("escape sequences are gone from strings, whole", () => {
  const red = "\u001b[31m";
  expect(printable(`${red}a\u001b]0;title\u0007b\u009b2Jc\r\n\td\u202ee\u200bf\u2028g`)).toBe("abcdefg");
  expect(printable("x".repeat(300))).toBe(`${"x".repeat(199)}…`);
  expect(printable("Zoë 東京 👍")).toBe("Zoë 東京 👍");
});

test("no string makes an unprintable character, and JSON keeps its value", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\u001b", "\u009b", "\u202e", "\u{e0001}"),
  );
  fc.assert(
    fc.property(
      fc.array(nasty).map((parts) => parts.join("")),
      (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        const json = printableJson({ [text]: text });
        expect(json).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(JSON.parse(json)).toEqual({ [text]: text });
      },
    ),
  );
});

const totals = (uplink: number, downlink: number): ByteTotals => ({
  uplink,
  downlink,
  total: uplink + downlink,
  denseUplink: 100 * uplink,
  denseDownlink: 100 * downlink,
  denseTotal: 100 * (uplink + downlink),
  ratioTotal: 100,
});

const started: TelemetryEvent = {
  type: "run.started",
  name: "mnist",
  engine: "wasm",
  seed: 1,
  model: { name: "small-cnn", numParams: 20_490, denseBytes: 81_960 },
  rounds: 12,
  resumedFromVersion: null,
};
const committed = (round: number): TelemetryEvent => ({
  type: "round.committed",
  round,
  version: round,
  digest: "d",
  reports: 10,
  deltaBytes: 500,
  bytes: totals(9_000 * round, 4_000 * round),
});
const evaluated = (version: number): TelemetryEvent => ({
  type: "model.evaluated",
  version,
  accuracy: 0.9 + version / 1_000,
  loss: 0.25,
  bytes: totals(9_000 * version, 4_500 * version),
});
const finished: TelemetryEvent = {
  type: "run.finished",
  outcome: "done",
  detail: "",
  version: 2,
  bytes: totals(18_000, 9_000),
  socketBytes: null,
};

/** The lines of a run's events; `runId` may be given per event. */
function linesOf(events: readonly (TelemetryEvent | [string, TelemetryEvent])[], options = {}): string[] {
  const format = progress({ color: false, ...options });
  return events.flatMap((item, i) => {
    const [runId, event] = Array.isArray(item) ? item : ["run-1", item];
    return format({ runId, sequence: i + 1, atMs: 0, event });
  });
}

test("one line a round, with the accuracy that comes after it", () => {
  expect(linesOf([started, committed(1), evaluated(1), committed(2), evaluated(2), finished])).toEqual([
    "mnist  small-cnn: 20,490 parameters, 82.0 kB dense  12 rounds, seed 1",
    "round  1/12  v1   accuracy  90.10 %  loss 0.2500  10 reports  up 9.00 kB  down 4.50 kB    100x",
    "round  2/12  v2   accuracy  90.20 %  loss 0.2500  10 reports  up 18.0 kB  down 9.00 kB    100x",
    "done  version 2, 27.0 kB sent, 100x less than dense",
  ]);
});

test("a run without test data gets its lines without waiting, after the first", () => {
  const without = (round: number, up: string, down: string): string =>
    `round ${round}  v${round}  10 reports  up ${up} kB  down ${down} kB    100x`;
  const format = progress({ color: false });
  const told = [committed(1), committed(2), committed(3)].map((event, i) =>
    format({ runId: "r", sequence: i + 1, atMs: 0, event }),
  );
  expect(told).toEqual([
    [],
    [without(1, "9.00", "4.00"), without(2, "18.0", "8.00")],
    [without(3, "27.0", "12.0")],
  ]);
});

test("an accuracy that comes late gets a line of its own, and the last round is not forgotten", () => {
  expect(
    linesOf([committed(1), committed(2), evaluated(2), committed(3), finished]).map((line) =>
      line.slice(0, 9),
    ),
  ).toEqual(["round 1  ", "round 2  ", "v2  accur", "round 3  ", "done  ver"]);
});

test("runs that share a terminal are told apart", () => {
  const lines = linesOf(
    [
      ["a", committed(1)],
      ["b", committed(1)],
      ["b", evaluated(1)],
      ["a", evaluated(1)],
    ],
    { showRun: true },
  );
  expect(lines.map((line) => line.slice(0, 10))).toEqual(["b  round 1", "a  round 1"]);
});

test("short lines for what is out of the ordinary, with what strangers wrote made harmless", () => {
  const evil = "c\u001b[2J1";
  const events: TelemetryEvent[] = [
    { type: "client.joined", clientId: evil, numExamples: 1_234 },
    { type: "client.left", clientId: evil },
    { type: "client.refused", clientId: evil, code: "wrong-run\n", detail: "" },
    {
      type: "report.refused",
      clientId: evil,
      round: 3,
      bytes: 9,
      code: "bad-checksum",
      detail: "at\u0007 end",
    },
    { type: "round.abandoned", round: 4, reports: 2, minimum: 6 },
    { type: "telemetry.dropped", sink: "nats", events: 1_500 },
    {
      type: "student.shipped",
      path: "runs/x/student.fp\u009b",
      numParams: 9_000,
      bytes: 15_872,
      accuracy: 0.9721,
    },
    { type: "round.opened", round: 5, baseVersion: 4, cohort: 10 },
    {
      type: "run.finished",
      outcome: "failed",
      detail: "disk\rfull",
      version: 0,
      bytes: totals(0, 0),
      socketBytes: null,
    },
  ];
  const short = [
    "! c1 refused: wrong-run",
    "! report of c1 refused in round 3: bad-checksum (at end)",
    "! round 4 abandoned with 2 of 6 reports",
    "! 1,500 events lost on the way to nats",
    "student  accuracy 97.21 %  9,000 parameters, 15,872 bytes  runs/x/student.fp",
    "failed (diskfull)  version 0, 0 B sent",
  ];
  expect(linesOf(events)).toEqual(["+ c1  1,234 examples", "- c1", ...short]);
  expect(linesOf(events, { showClients: false })).toEqual(short);
});

test("colour only when asked for", () => {
  const [plain] = linesOf([started]);
  const [painted] = linesOf([started], { color: true });
  expect(painted).not.toBe(plain);
  expect(printable(painted!)).toBe(plain);
});
