import { openBook } from "../../coordinator/book/book.ts";
import type { Config } from "../../coordinator/config/config.ts";
import { openCoordinator } from "../../coordinator/coordinator.ts";
import { readJournal } from "../../coordinator/journal/read.ts";
import { decodeRecord, type Record } from "../../coordinator/journal/record.ts";
import { replay } from "../../coordinator/journal/replay.ts";
import { decodeSavedRun } from "../../coordinator/journal/saved-run.ts";
import { coordinatorOptions, runContract } from "../../coordinator/options.ts";
import { modelDigest } from "../../model/manifest.ts";
import { loadConfig } from "../config-file.ts";
import { initialModel } from "../initial.ts";
import { nodeDisk } from "../node-disk.ts";

export interface Refolded {
  readonly records: readonly Record[];
  /** That the records begin with: 0, unless older ones are gone. */
  readonly start: number;
  readonly version: number;
  readonly digest: string;
}

/**
 * Folds a copy of a coordinator's state, all of its records from the first that is there, and says what it came to. Then
 * has a coordinator restart on it, from its newest snapshot: that closes a round which was complete, and must come to
 * what all records then come to. Throws where it does not, and where the journal is amiss.
 */
export async function refold(configFile: string, copy: string): Promise<Refolded> {
  const config = loadConfig(configFile, { set: [`coordinator.stateDir=${JSON.stringify(copy)}`] });
  const left = await foldAll(config, copy);
  const coordinator = await openCoordinator(optionsOf(config), {
    disk: nodeDisk(copy),
    clock: { now: () => 0, after: () => () => {} },
    emit: () => {},
    evaluate: async () => null,
  });
  const restarted = coordinator.book.held().digest;
  coordinator.stop("it was only to be folded");
  await coordinator.finished;
  const { digest } = await foldAll(config, copy);
  if (restarted !== digest)
    throw new Error(`a restart comes to ${restarted}, all records from the first to ${digest}`);
  return left;
}

const optionsOf = (config: Config) => coordinatorOptions(config, initialModel(config), "refold", null);

async function foldAll(config: Config, copy: string): Promise<Refolded> {
  const { records, snapshot } = await readJournal(nodeDisk(copy), "first");
  const options = optionsOf(config);
  const saved = snapshot && decodeSavedRun(snapshot);
  const book = openBook(options.contract, () => {}, saved?.book ?? null);
  const start = book.held().version;
  const contract = runContract(options, modelDigest(options.contract.initial));
  replay(book, { saved, records }, contract, options.rounds);
  const { version, digest } = book.held();
  return { records: records.map(({ bytes }) => decodeRecord(bytes)), start, version, digest };
}
