import fc from "fast-check";
import { expect, test } from "vitest";
import type { RoundPoint, Stage } from "../../src/simulation/history.ts";
import { html } from "../../src/simulation/report/html.ts";
import { evenly } from "../../src/simulation/report/partition-chart.ts";
import { linearScale, logScale } from "../../src/simulation/report/scale.ts";
import { tickBytes, times } from "../../src/simulation/report/stage-chart.ts";
import { type ReportInput, renderReport } from "../../src/simulation/report.ts";
import type { Summary } from "../../src/simulation/summary.ts";
import type { ByteTotals } from "../../src/telemetry/event.ts";

const totals = (uplink: number, downlink: number, dense: number): ByteTotals => ({
  uplink,
  downlink,
  total: uplink + downlink,
  denseUplink: dense / 2,
  denseDownlink: dense / 2,
  denseTotal: dense,
  ratioTotal: uplink + downlink === 0 ? 0 : dense / (uplink + downlink),
});

/** Rounds that send `bytes` each and reach these accuracies; null is an abandoned round. */
const run = (bytes: number, accuracies: readonly (number | null)[]): RoundPoint[] =>
  accuracies.map((accuracy, i) => ({
    round: i + 1,
    version: i + 1,
    accuracy,
    loss: accuracy === null ? null : 1 - accuracy,
    bytes: totals((i + 1) * bytes, (i + 1) * bytes, (i + 1) * 2_000_000),
    reports: 10,
    abandoned: accuracy === null,
  }));

const stages: readonly Stage[] = [
  { name: "uplink: updates", bytes: 30_000, denseBytes: 3_000_000 },
  { name: "downlink: deltas", bytes: 10_000, denseBytes: 3_000_000 },
];

const summary: Summary = {
  widths: null,
  runId: "mnist-1",
  seed: 7,
  rounds: 4,
  clients: 10,
  model: { name: "small-cnn", numParams: 20_490, denseBytes: 81_960, version: 4, digest: "ab".repeat(32) },
  accuracy: 0.9731,
  loss: 0.09,
  auc: null,
  bytes: totals(30_000, 10_000, 8_000_000),
  baseline: null,
  student: { numParams: 9_123, bytes: 15_872, accuracy: 0.9688, auc: null, path: "student.fpz" },
  engine: "wasm",
  refused: [],
  wallMs: 192_000,
};

const input: ReportInput = {
  title: "mnist",
  summary,
  rounds: run(5_000, [0.5, 0.8, 0.96, 0.9731]),
  baselineRounds: null,
  stages,
  dealt: {
    shares: [
      [3, 0, 40],
      [10, 2, 0],
    ],
    partition: "dirichlet 0.5",
  },
  config: "name: mnist\n",
};

const compared: ReportInput = {
  ...input,
  summary: {
    ...summary,
    baseline: { accuracy: 0.981, auc: null, bytes: totals(4_000_000, 4_000_000, 8_000_000), target: null },
  },
  baselineRounds: run(1_000_000, [0.6, 0.951, 0.97, 0.981]),
};

/** The page's text as a reader sees it. */
const textOf = (page: string): string =>
  page
    .replace(/<style>.*<\/style>/s, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");

const voidTags = new Set(["meta", "br"]);

/** Every element is closed in order, and no attribute or text holds a stray bracket. */
function expectWellFormed(page: string): void {
  const open: string[] = [];
  const body = page.replace("<!DOCTYPE html>", "").replace(/<style>.*?<\/style>/s, "");
  const rest = body.replaceAll(
    /<(\/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z0-9-]+="[^"<>]*")*)\s*(\/?)>/g,
    (_, end, tag, __, own) => {
      if (end) expect(open.pop()).toBe(tag);
      else if (!own && !voidTags.has(tag)) open.push(tag);
      return "";
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
  expect(rest).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
}

/** Every point of every drawing is a number inside its picture. */
function expectInside(page: string): void {
  for (const [, width, height, drawing] of page.matchAll(
    /<svg viewBox="0 0 (\d+) (\d+)"[^>]*>(.*?)<\/svg>/gs,
  )) {
    const across = [...drawing!.matchAll(/ (?:x|x1|x2|cx)="([^"]*)"/g)].map(([, value]) => Number(value));
    const down = [...drawing!.matchAll(/ (?:y|y1|y2|cy)="([^"]*)"/g)].map(([, value]) => Number(value));
    for (const [, points] of drawing!.matchAll(/points="([^"]*)"/g)) {
      for (const point of points!.split(" ")) {
        const [x, y] = point.split(",").map(Number);
        across.push(x!);
        down.push(y!);
      }
    }
    expect(across.every((value) => value >= 0 && value <= Number(width))).toBe(true);
    expect(down.every((value) => value >= 0 && value <= Number(height))).toBe(true);
  }
}

test("the page stands alone: nothing to load, nothing to run", () => {
  const page = renderReport(compared);
  expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son[a-z]+=|https?:/i);
  expectWellFormed(page);
  expectInside(page);
});

test("it says what the run came to", () => {
  const text = textOf(renderReport(input));
  for (const said of [
    "small-cnn, 20,490 parameters · 10 clients · 4 rounds · seed 7 · 3 min 12 s",
    "97.31 %",
    "200 ×",
    "40.0 kB instead of 8.00 MB",
    "To 95 % accuracy 30.0 kB in round 3",
    "15.9 kB 96.88 % with 9,123 parameters",
    "uplink: updates",
    "75 %",
    "name: mnist",
  ]) {
    expect(text).toContain(said);
  }
  expect(text).not.toContain("baseline");
});

test("beside the baseline: both lines on both pictures, and where each first reached the same accuracy", () => {
  const page = renderReport(compared);
  const text = textOf(page);
  expect(page.match(/class="series ours"/g)).toHaveLength(2);
  expect(page.match(/class="series dense"/g)).toHaveLength(2);
  // 95 % at 30 kB in round 3, against 4 MB in round 2.
  expect(text).toContain("133× fewer bytes");
  expect(text).toContain("dense float32: 4.00 MB");
  expect(text).toContain("round 3");
  expect(text).toContain("Rounds of the dense baseline 4");
});

test("runs that did not get to 95 % are compared at the best round figure that both reached", () => {
  const text = textOf(renderReport({ ...compared, rounds: run(5_000, [0.5, 0.79, 0.93]) }));
  expect(text).toContain("To 90 % accuracy");
  expect(text).not.toContain("To 95 %");
});

test("an abandoned round is in the table and not on the line", () => {
  const page = renderReport({ ...input, rounds: run(5_000, [0.5, null, 0.9]) });
  expect(textOf(page)).toContain("abandoned");
  const [first] = page.match(/<polyline points="([^"]*)"/)!.slice(1);
  expect(first!.split(" ")).toHaveLength(2);
});

test("without an accuracy there is no picture of one, and it is said", () => {
  const blind = { ...summary, accuracy: null, loss: null, student: null };
  const rounds = run(5_000, [0.5, 0.6]).map((point) => ({ ...point, accuracy: null, loss: null }));
  const page = renderReport({ ...input, summary: blind, rounds });
  expect(page).not.toContain("<polyline");
  expect(textOf(page)).toContain("The accuracy was not measured");
  expectWellFormed(page);
});

const nastyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("<script>", `"><b a='`, "&amp;", "</pre>"),
);
const share = fc.double({ min: 0, max: 1, noNaN: true });

test("whatever the text and the figures, the page is well formed and its pictures keep their frame", () => {
  const rounds = fc
    .tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.array(fc.option(share), { maxLength: 30 }))
    .map(([bytes, accuracies]) => run(bytes, accuracies));
  const stage = fc.record({
    name: nastyText,
    bytes: fc.integer({ min: 1, max: 2 ** 40 }),
    denseBytes: fc.integer({ min: 0, max: 2 ** 40 }),
  });
  const shares = fc.integer({ min: 1, max: 100 }).chain((numClasses) =>
    fc.array(fc.array(fc.nat({ max: 1e6 }), { minLength: numClasses, maxLength: numClasses }), {
      minLength: 1,
      maxLength: 100,
    }),
  );
  const any = fc.record({
    title: nastyText,
    config: nastyText,
    rounds,
    baselineRounds: fc.option(rounds),
    stages: fc.array(stage, { maxLength: 4 }),
    dealt: fc.option(fc.record({ shares, partition: nastyText })),
  });
  fc.assert(
    fc.property(any, nastyText, (made, name) => {
      const page = renderReport({
        ...made,
        summary: { ...summary, model: { ...summary.model, name }, runId: name },
      });
      expectWellFormed(page);
      expectInside(page);
    }),
    { numRuns: 60 },
  );
});

test("text is escaped, markup and nothing are not", () => {
  const page = html`<p title="${`"'`}">${"<&>"}${null}${[1.23456, html`<b>${"x"}</b>`]}</p>`;
  expect(page.markup).toBe('<p title="&quot;&#39;">&lt;&amp;&gt;1.23<b>x</b></p>');
});

test("ticks by hand", () => {
  expect(linearScale([0.42, 1], [0, 100], 6).ticks).toEqual([0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  expect(linearScale([1, 30], [0, 100], 10).ticks).toEqual([0, 5, 10, 15, 20, 25, 30]);
  expect(linearScale([5, 5], [0, 100], 1).ticks).toEqual([5, 10]);
  expect(logScale([8_700, 377_000], [0, 100]).ticks).toEqual([5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5]);
  expect(logScale([8_700, 48_000_000], [0, 100]).ticks).toEqual([1e4, 3e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7]);
  expect(logScale([1_200, 49_000_000], [0, 100]).ticks).toEqual([1e3, 1e4, 1e5, 1e6, 1e7]);
  expect(logScale([100, 10_000], [0, 200]).place(1_000)).toBeCloseTo(100, 9);
  expect(linearScale([0, 10], [200, 0], 5).place(2.5)).toBe(150);
});

test("an axis holds its data and orders it", () => {
  const value = fc.double({ min: 1, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(value, value, fc.integer({ min: 1, max: 12 }), (a, b, numTicks) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      for (const scale of [linearScale([low, high], [10, 110], numTicks), logScale([low, high], [10, 110])]) {
        expect(scale.place(low)).toBeGreaterThan(9.9);
        expect(scale.place(high)).toBeLessThan(110.1);
        expect(scale.place(low)).toBeLessThanOrEqual(scale.place(high));
        expect(scale.ticks.length).toBeGreaterThan(0);
        expect(scale.ticks.length).toBeLessThan(30);
        const places = scale.ticks.map(scale.place);
        expect(places).toEqual([...places].sort((x, y) => x - y));
        expect(places.every((place) => place > 9.9 && place < 110.1)).toBe(true);
      }
    }),
  );
});

test("ticks and ratios are short", () => {
  expect([1e3, 2e5, 5e6, 500].map(tickBytes)).toEqual(["1 kB", "200 kB", "5 MB", "500 B"]);
  expect([1, 8.94, 19.9, 20, 130.4, 12_345].map(times)).toEqual([
    "1.0×",
    "8.9×",
    "19.9×",
    "20×",
    "130×",
    "12,345×",
  ]);
});

test("the page shows what every client has, a disc a count", () => {
  const page = renderReport(input);
  expect(textOf(page)).toContain("partition dirichlet 0.5");
  expect(page.match(/<circle class="stage-0"/g)).toHaveLength(4); // of six counts two are zero
  expect(page).toContain("client 1, class 2: 40");
  expect(renderReport({ ...input, dealt: null })).not.toContain("Who has what");
});

test("of many clients and classes the chart takes evenly spaced ones", () => {
  expect(evenly(5, 40)).toEqual([0, 1, 2, 3, 4]);
  expect(evenly(100, 4)).toEqual([0, 25, 50, 75]);
});
