import { openBook } from "../../coordinator/book.ts";
import { openCoordinator } from "../../coordinator/coordinator.ts";
import { readJournal } from "../../coordinator/journal-read.ts";
import { coordinatorOptions, runContract } from "../../coordinator/options.ts";
import { decodeRecord, type Record } from "../../coordinator/record.ts";
import { replay } from "../../coordinator/replay.ts";
import { loadConfig } from "../config-file.ts";
import { initialModel } from "../initial.ts";
import { nodeDisk } from "../node-disk.ts";

export interface Refolded {
  readonly records: readonly Record[];
  readonly version: number;
  readonly digest: string;
}

/**
 * Folds a copy of a coordinator's state twice, all of its records from the first and as a restart does from its newest
 * snapshot, and says what it came to. The copy is changed. Throws where the two differ, and where the journal is amiss.
 */
export async function refold(configFile: string, copy: string): Promise<Refolded> {
  const config = loadConfig(configFile, { set: [`coordinator.stateDir=${JSON.stringify(copy)}`] });
  const disk = nodeDisk(copy);
  const { records } = await readJournal(disk, "first");
  const options = coordinatorOptions(config, initialModel(config), "refold", null);
  const book = openBook(options.contract, () => {}, null);
  replay(book, { saved: null, records }, runContract(options, book.held().digest), options.rounds);
  const { version, digest } = book.held();

  const coordinator = await openCoordinator(options, {
    disk,
    clock: { now: () => 0, after: () => () => {} },
    emit: () => {},
    evaluate: async () => null,
  });
  const restarted = coordinator.book.held().digest;
  coordinator.stop("it was only to be folded");
  await coordinator.finished;
  if (restarted !== digest)
    throw new Error(`a restart comes to ${restarted}, all records from the first to ${digest}`);
  return { records: records.map(({ bytes }) => decodeRecord(bytes)), version, digest };
}
