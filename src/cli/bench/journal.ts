import { mkdtempSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { emptyResidual } from "../../compress/error-feedback.ts";
import { encodeOwned } from "../../compress/owned.ts";
import { parseConfig } from "../../coordinator/config/config.ts";
import { openJournal } from "../../coordinator/journal/journal.ts";
import { type OpenedRun, openRun } from "../../coordinator/journal/opening.ts";
import { patience } from "../../coordinator/journal/patience.ts";
import { readJournal } from "../../coordinator/journal/read.ts";
import { type CoordinatorOptions, coordinatorOptions } from "../../coordinator/options.ts";
import { noEvidence } from "../../coordinator/round/over-selection.ts";
import { digestOf, manifestDigest } from "../../model/manifest.ts";
import { derive, type Rng } from "../../model/rng.ts";
import { mapParams } from "../../model/tensor.ts";
import { formatCount } from "../../telemetry/format.ts";
import { encodeFrame, shortDigest } from "../../wire/frame.ts";
import { initialModel } from "../initial.ts";
import { nodeDisk } from "../node-disk.ts";
import { positive } from "../options.ts";
import { wallClock } from "../wall-clock.ts";
import { median } from "./task.ts";

interface Options {
  readonly dir: string;
  readonly rounds: number;
  readonly json?: boolean;
}

export const journalBenchCommand = (): Command =>
  new Command("journal")
    .description("records made durable in a second, and how long a restart takes with and without snapshots")
    .option("--dir <folder>", "on the disk to measure; what is written goes again", ".")
    .option("--rounds <n>", "of ten reports of some 2 KiB, for the restart", positive, 1000)
    .option("--json", "one JSON object on stdout")
    .action(benchJournal);

const TURNS = 5;
const TURN_MS = 1000;
const RECORD_BYTES = 2048;
const REPORTS = 10;

async function benchJournal({ dir, rounds, json }: Options): Promise<void> {
  const folder = mkdtempSync(join(dir, "fedpress-bench-"));
  try {
    const appends = await benchAppends(folder);
    const opening = await benchOpening(folder, rounds);
    if (json) process.stdout.write(`${JSON.stringify({ load: loadavg()[0], appends, opening }, null, 2)}\n`);
    else
      for (const line of [...appends.map(appendLine), ...opening.map(openLine)])
        process.stdout.write(`${line}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface AppendRow {
  readonly writers: number;
  /** Medians over the turns. */
  readonly appendsPerSecond: number;
  readonly syncsPerSecond: number;
  /** Of the two in the same turn. */
  readonly appendsPerSync: number;
}

/** Records of 2 KiB by so many who each wait for theirs, beside plain writes of 2 KiB, each synced by itself. */
async function benchAppends(folder: string): Promise<readonly AppendRow[]> {
  const rows: AppendRow[] = [];
  for (const writers of [1, 16, 256]) {
    const disk = nodeDisk(join(folder, `appends-${writers}`));
    const settings = { segmentBytes: 64 * 2 ** 20, blobBytes: 256 * 1024, keep: "all" } as const;
    const { journal } = await openJournal(disk, settings, impatient());
    const bytes = new Uint8Array(RECORD_BYTES).fill(1);
    const turns: { appends: number; syncs: number }[] = [];
    let plain = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const syncs = await perSecond(1, () => disk.extend("plain", RECORD_BYTES * plain++, bytes));
      turns.push({ syncs, appends: await perSecond(writers, () => journal.append(bytes)) });
    }
    rows.push({
      writers,
      appendsPerSecond: median(turns.map(({ appends }) => appends)),
      syncsPerSecond: median(turns.map(({ syncs }) => syncs)),
      appendsPerSync: median(turns.map(({ appends, syncs }) => appends / syncs)),
    });
  }
  return rows;
}

async function perSecond(writers: number, action: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  let done = 0;
  const write = async (): Promise<void> => {
    while (performance.now() - startMs < TURN_MS) {
      await action();
      done++;
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return (1000 * done) / (performance.now() - startMs);
}

interface OpenRow {
  readonly snapshotEvery: number | null;
  readonly records: number;
  /** Of those, what a restart reads. */
  readonly recordsRead: number;
  readonly bytesRead: number;
  /** Reading and verifying, and all of a restart with the fold; medians. */
  readonly readMs: number;
  readonly openMs: number;
}

/** The longest restart: just before the next snapshot. */
async function benchOpening(folder: string, rounds: number): Promise<readonly OpenRow[]> {
  const rows: OpenRow[] = [];
  for (const snapshotEvery of [null, 50]) {
    const disk = nodeDisk(join(folder, `opening-${snapshotEvery}`));
    const options = smallRun(snapshotEvery);
    const ports = { disk, clock: wallClock(), emit: () => {} };
    const run = await openRun(options, ports);
    const rng = derive(1, "bench journal");
    const last = snapshotEvery === null ? rounds : rounds - (rounds % snapshotEvery) - 1;
    for (let round = 1; round <= last; round++) await playRound(run, options, round, rng);
    const [readMs, openMs]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn++) {
      readMs.push(await msOf(() => readJournal(disk, "snapshot")));
      openMs.push(await msOf(() => openRun(options, ports)));
    }
    const { records, segments } = await readJournal(disk, "snapshot");
    rows.push({
      snapshotEvery,
      records: 1 + last * (REPORTS + 2),
      recordsRead: records.length,
      bytesRead: segments.reduce((n, { bytes }) => n + bytes, 0),
      readMs: median(readMs),
      openMs: median(openMs),
    });
  }
  return rows;
}

/** Softmax regression of 7,850 parameters in three bits each: reports of some 2 KiB. */
function smallRun(snapshotEvery: number | null): CoordinatorOptions {
  const config = parseConfig({
    model: { zoo: "softmax-regression" },
    uplink: [{ tensors: "*", codec: { select: "all", values: { uniform: 3 } }, errorFeedback: true }],
  });
  const options = coordinatorOptions(config, initialModel(config), "bench", null);
  return { ...options, journal: { ...options.journal, snapshotEvery } };
}

/** One round as a coordinator writes it, with ten reports of a training that leads anywhere. */
async function playRound(
  { book, ledger, write, saveIfDue }: OpenedRun,
  { contract: { manifest, initial } }: CoordinatorOptions,
  round: number,
  rng: Rng,
): Promise<void> {
  const cohort = Array.from({ length: REPORTS }, (_, i) => `client-${i}`);
  const exponents = book.exponents();
  const bound = 2 ** Math.min(...exponents);
  book.openRound(round, cohort, exponents);
  void write({ type: "opened", round, cohort, exponents, bytes: ledger.totals() });
  const baseVersion = book.held().version;
  for (const clientId of cohort) {
    const { plan } = book.partOf(clientId, round);
    const delta = mapParams(initial, ({ data }) => data.map(() => 0.01 * bound * (rng.uniform() - 0.5)));
    const { payloads } = encodeOwned(plan, delta, emptyResidual(plan.whole), bound, rng.uint32());
    const frame = encodeFrame({
      kind: "update",
      round,
      baseVersion,
      manifest: shortDigest(manifestDigest(manifest)),
      plan: shortDigest(plan.digest),
      numExamples: 100,
      numSteps: 1,
      trainLoss: 1,
      payloads,
    });
    const checked = book.check(clientId, frame, { round, baseVersion });
    const weight = book.weigh(checked.update);
    book.accept(checked, weight, digestOf(frame));
    void write({ type: "accepted", round, baseVersion, clientId, weight, frame });
  }
  book.close("commit");
  await write({
    type: "closed",
    round,
    outcome: "commit",
    ...book.held(),
    evidence: noEvidence,
    bytes: ledger.totals(),
  });
  await saveIfDue();
}

async function msOf(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
}

/** A full disk ends the bench. */
const impatient = () => {
  const waiting = patience(wallClock(), {
    stalled: () => waiting.stop(new Error("no room")),
    resumed: () => {},
  });
  return waiting;
};

const appendLine = ({ writers, appendsPerSecond, syncsPerSecond, appendsPerSync }: AppendRow): string =>
  `${String(writers).padStart(4)} writers  ${formatCount(Math.round(appendsPerSecond)).padStart(8)} appends/s  ` +
  `${appendsPerSync.toFixed(2).padStart(6)} times ${formatCount(Math.round(syncsPerSecond))} plain synced writes/s`;

const openLine = ({ snapshotEvery, records, recordsRead, bytesRead, readMs, openMs }: OpenRow): string =>
  `${snapshotEvery === null ? "no snapshots" : `snapshot every ${snapshotEvery}`}: of ${formatCount(records)} records ` +
  `${formatCount(recordsRead)} are read, ${formatCount(bytesRead)} bytes: ` +
  `${readMs.toFixed(0)} ms to read and verify, ${openMs.toFixed(0)} ms with the fold`;
