import { bug, type PlantedBug } from "./bug.ts";

/** What goes wrong on the disk and after a restart. */
export const journalBugs: readonly PlantedBug[] = [
  bug("a torn tail is not cut off", "coordinator/journal", "await disk.truncate(name, length);", ""),
  bug("a damaged record ends the journal", "coordinator/journal", 'throw damaged("body");', "break;"),
  bug("a damaged head ends the journal", "coordinator/journal", 'throw damaged("head");', "break;"),
  bug(
    "the chain begins anew after a restart",
    "coordinator/journal",
    "journal: appender(disk, name, chain)",
    "journal: appender(disk, name, 0)",
  ),
  bug(
    "a failed write is forgotten",
    "coordinator/coordinator",
    "durable.catch(fail);",
    "durable = durable.catch(() => {});",
  ),
  bug(
    "who reported before a restart is not remembered",
    "coordinator/coordinator",
    "reported: [...open.accepted.keys()]",
    "reported: []",
  ),
  bug("no deadline after a restart", "coordinator/round", "[reportDeadline(state.round, config)]];", "[]];"),
  bug(
    "bytes since the last totals are not counted again",
    "coordinator/coordinator",
    "for (const frame of since)\n        ledger.accepted(frame.length);",
    "",
  ),
  bug(
    "refused bytes are not counted",
    "coordinator/byte-ledger",
    "refused: (bytes) => {\n            uplink += bytes;",
    "refused: (bytes) => {",
  ),
  bug("a model's bytes are not counted", "coordinator/sessions", "desk.ledger.sent(bytes);", ""),
  bug(
    "a round closes without a record",
    "coordinator/coordinator",
    'void write({ type: "closed", round, outcome, ...held, bytes: totals });',
    'if (outcome === "commit") void write({ type: "closed", round, outcome, ...held, bytes: totals });',
  ),
];
