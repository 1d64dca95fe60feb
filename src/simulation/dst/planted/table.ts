import type { PlantedBug } from "./bug.ts";
import { clientBugs } from "./client-bugs.ts";
import { foldBugs } from "./fold-bugs.ts";
import { historyBugs } from "./history-bugs.ts";
import { journalBugs } from "./journal-bugs.ts";
import { promiseBugs } from "./promise-bugs.ts";
import { roundBugs } from "./round-bugs.ts";

/** All bugs that the simulator has to find, each alone. */
export const plantedBugs: readonly PlantedBug[] = [
  ...promiseBugs,
  ...journalBugs,
  ...roundBugs,
  ...foldBugs,
  ...clientBugs,
  ...historyBugs,
];
