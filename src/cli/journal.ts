import { existsSync } from "node:fs";
import { bytesToHex } from "@noble/hashes/utils.js";
import { Command } from "commander";
import { openBook } from "../coordinator/book/book.ts";
import { type JournalContents, readJournal } from "../coordinator/journal/read.ts";
import { decodeRecord, type Record } from "../coordinator/journal/record.ts";
import { checkContract, replay } from "../coordinator/journal/replay.ts";
import { decodeSavedRun } from "../coordinator/journal/saved-run.ts";
import { coordinatorOptions, runContract } from "../coordinator/options.ts";
import { ConfigError } from "../model/error.ts";
import { modelDigest } from "../model/manifest.ts";
import { formatCount, printable, printableJson } from "../telemetry/format.ts";
import { REPAIRS } from "../telemetry/lines.ts";
import { isSeeded } from "../trainer/blueprint.ts";
import { subModels } from "../trainer/submodels.ts";
import { loadConfig } from "./config-file.ts";
import { initialModel } from "./initial.ts";
import { loadModels } from "./models.ts";
import { nodeDisk } from "./node-disk.ts";
import { collect } from "./options.ts";

/** What a coordinator's folder holds, without a coordinator: nothing in it is changed, whoever works in it. */
export const journalCommand = (): Command =>
  new Command("journal")
    .description("look into a coordinator's journal; changes nothing, damage ends with code 1")
    .addCommand(
      new Command("verify")
        .description("check every checksum, the chain of hashes and every blob")
        .argument("<dir>", "a coordinator.stateDir")
        .option("--json", "one JSON object on stdout")
        .action(verify),
    )
    .addCommand(
      new Command("show")
        .description("list the records by round")
        .argument("<dir>", "a coordinator.stateDir")
        .option("--json", "one JSON object on stdout")
        .action(show),
    )
    .addCommand(
      new Command("refold")
        .description("fold the records again and print what each version comes to")
        .argument("<config>", "the run's config, YAML")
        .option("--set <a.b=value>", "override one setting; may be repeated", collect, [])
        .option("--json", "one JSON object on stdout")
        .action(refold),
    );

async function contentsOf(folder: string, option: string): Promise<JournalContents> {
  const contents = existsSync(folder) ? await readJournal(nodeDisk(folder), "first") : null;
  if (contents === null || contents.segments.length === 0)
    throw new ConfigError([{ path: option, value: folder, expected: "a folder with a journal in it" }]);
  return contents;
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const summaryOf = ({ segments, snapshot, records, repairs, hash }: JournalContents) => ({
  segments: segments.length,
  bytes: segments.reduce((n, segment) => n + segment.bytes, 0),
  records: records.length,
  startsWithSnapshot: snapshot !== null,
  lastHash: bytesToHex(hash),
  repairs,
});

async function verify(folder: string, { json }: { readonly json?: boolean }): Promise<void> {
  const summary = summaryOf(await contentsOf(folder, "DIR"));
  if (json) return say(printableJson({ folder, ...summary }));
  const from = summary.startsWithSnapshot ? "after a snapshot" : "from the run's start";
  say(
    `${folder}: whole, ${formatCount(summary.records)} records ${from}, ` +
      `${summary.segments} segments, ${formatCount(summary.bytes)} bytes`,
  );
  for (const { what, file, bytes } of summary.repairs)
    say(
      `  to be set right at the next start: ${REPAIRS[what]}: ${printable(file)}, ${formatCount(bytes)} bytes`,
    );
  say(`last record ${summary.lastHash}`);
}

async function show(folder: string, { json }: { readonly json?: boolean }): Promise<void> {
  const contents = await contentsOf(folder, "DIR");
  const records = contents.records.map(({ place, bytes }) => ({ place, ...shown(decodeRecord(bytes)) }));
  const saved = contents.snapshot && decodeSavedRun(contents.snapshot);
  const snapshot = saved && { runId: saved.runId, bytes: contents.snapshot!.length };
  if (json) return say(printableJson({ folder, ...summaryOf(contents), snapshot, list: records }));
  if (snapshot) say(`snapshot of run ${printable(snapshot.runId)}, ${formatCount(snapshot.bytes)} bytes`);
  for (const { place, type, round, ...rest } of records) {
    const facts = Object.entries(rest).map(([name, value]) => `${name} ${printable(String(value))}`);
    say(
      [
        round === null ? "          " : `round ${String(round).padStart(4)}`,
        type.padEnd(8),
        ...facts,
        `(${place})`,
      ].join("  "),
    );
  }
  say(`last record ${bytesToHex(contents.hash)}`);
}

/** A record's facts in short: a frame by its size, lists by their lengths. */
function shown(record: Record) {
  const { type, ...fields } = record;
  const round = "round" in record ? record.round : null;
  const facts = Object.entries(fields).flatMap(([name, value]): [string, string | number][] => {
    if (name === "round" || value === undefined) return [];
    if (value instanceof Uint8Array) return [[`${name}Bytes`, value.length]];
    if (Array.isArray(value)) return [[name, value.length]];
    if (typeof value === "string" || typeof value === "number") return [[name, value]];
    return name === "weight" ? [[name, record.type === "accepted" ? record.weight.weight : 0]] : [];
  });
  return { type, round, ...Object.fromEntries(facts) };
}

async function refold(
  file: string,
  { set, json }: { readonly set: readonly string[]; readonly json?: boolean },
): Promise<void> {
  const { config, models } = await loadModels(loadConfig(file, { set }));
  const { records, snapshot } = await contentsOf(config.coordinator.stateDir, "coordinator.stateDir");
  const parts = subModels(config.model.zoo, config.widths, config.train.batchSize);
  const options = coordinatorOptions(
    config,
    initialModel(config, models),
    config.name,
    null,
    parts,
    isSeeded(config, models),
  );
  const contract = runContract(options, modelDigest(options.contract.initial));
  const saved = snapshot && decodeSavedRun(snapshot);
  if (saved !== null) checkContract(saved, contract);
  const book = openBook(options.contract, () => {}, saved?.book ?? null);
  const start = book.held();
  const versions: { round: number; outcome: string; version: number; digest: string }[] = [];
  const { runId } = replay(
    book,
    { saved, records },
    contract,
    options.rounds,
    ({ round, outcome, version, digest }) => versions.push({ round, outcome, version, digest }),
  );
  const last = book.held();
  const open = book.open() && { round: book.open()!.round, reports: book.open()!.accepted.size };
  if (json) return say(printableJson({ runId, start, versions, last, open }));
  say(`run ${printable(String(runId))}, from version ${start.version} ${start.digest}`);
  for (const { round, outcome, version, digest } of versions)
    say(`round ${round}  ${outcome.padEnd(7)}  version ${version}  ${digest}`);
  if (open !== null) say(`round ${open.round} is open with ${open.reports} reports`);
  say(`version ${last.version} ${last.digest}`);
}
