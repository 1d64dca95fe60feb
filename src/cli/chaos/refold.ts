import { openCoordinator } from "../../coordinator/coordinator.ts";
import { openJournal } from "../../coordinator/journal.ts";
import { coordinatorOptions } from "../../coordinator/options.ts";
import { decodeRecord, type Record } from "../../coordinator/record.ts";
import { loadConfig } from "../config-file.ts";
import { initialModel } from "../initial.ts";
import { nodeDisk } from "../node-disk.ts";

export interface Refolded {
  readonly records: readonly Record[];
  readonly version: number;
  readonly digest: string;
}

/** Opens a copy of a coordinator's state, folds it from the start, and says what it came to. The copy is changed. */
export async function refold(configFile: string, copy: string): Promise<Refolded> {
  const config = loadConfig(configFile, { set: [`coordinator.stateDir=${JSON.stringify(copy)}`] });
  const disk = nodeDisk(copy);
  const { records } = await openJournal(disk, "journal.log");
  const options = coordinatorOptions(config, initialModel(config), "refold", null);
  const coordinator = await openCoordinator(options, {
    disk,
    clock: { now: () => 0, after: () => () => {} },
    emit: () => {},
    evaluate: async () => null,
  });
  const { version, digest } = coordinator.book.held();
  coordinator.stop("it was only to be folded");
  await coordinator.finished;
  return { records: records.map(decodeRecord), version, digest };
}
