import { expect, test } from "vitest";
import { contradictions, type Testimony } from "../../../src/cli/chaos/audit.ts";
import type { Record } from "../../../src/coordinator/journal/record.ts";

const bytes = {
  uplink: 0,
  downlink: 0,
  total: 0,
  denseUplink: 0,
  denseDownlink: 0,
  denseTotal: 0,
  ratioTotal: 0,
};
const accepted = (clientId: string, round: number): Record => ({
  type: "accepted",
  round,
  baseVersion: 0,
  clientId,
  weight: { gain: 1, weight: 1 },
  frame: new Uint8Array(),
});
const closed = (round: number, outcome: "commit" | "abandon", version: number): Record => ({
  type: "closed",
  round,
  outcome,
  version,
  digest: "",
  evidence: { heard: 0, lost: 0 },
  bytes,
});
const report = (clientId: string, round: number) => ({ clientId, round });
const verdict = (clientId: string, round: number, outcome: string, version: number | null = null) => ({
  ...report(clientId, round),
  outcome,
  version,
});

/** Round 1 makes version 1 of a and b, round 2 is abandoned with a's report, round 3 makes version 2 of b. */
const journal: readonly Record[] = [
  accepted("a", 1),
  accepted("b", 1),
  closed(1, "commit", 1),
  accepted("a", 2),
  closed(2, "abandon", 1),
  accepted("b", 3),
  closed(3, "commit", 2),
];
const honest: Testimony = {
  receipts: [report("a", 1), report("b", 1), report("a", 2)],
  verdicts: [verdict("a", 1, "folded", 1), verdict("a", 2, "dropped"), verdict("b", 3, "folded", 2)],
};

test("a journal and what its clients were told agree", () => {
  expect(contradictions(journal, honest)).toEqual([]);
});

const planted: [string, readonly Record[], Partial<Testimony>][] = [
  ["acknowledged and lost: b, round 2", journal, { receipts: [report("b", 2)] }],
  ["counted twice: a, round 1", [accepted("a", 1), ...journal], {}],
  ["accepted after its round was closed: b, round 2", [...journal, accepted("b", 2)], {}],
  ["round 3 closed twice", [...journal, closed(3, "abandon", 2)], {}],
  ["round 4 made version 4 out of 2", [...journal, closed(4, "commit", 4)], {}],
  ["round 4 made version 3 out of 2", [...journal, closed(4, "abandon", 3)], {}],
  [
    "a verdict before its round was closed: a, round 4 folded",
    journal,
    { verdicts: [verdict("a", 4, "folded", 3)] },
  ],
  ["folded and never accepted: a, round 3", journal, { verdicts: [verdict("a", 3, "folded", 2)] }],
  [
    "told to be folded into version 2, not 1: a, round 1",
    journal,
    { verdicts: [verdict("a", 1, "folded", 2)] },
  ],
  [
    "told to be folded into version 2, not null: a, round 2",
    journal,
    { verdicts: [verdict("a", 2, "folded", 2)] },
  ],
  ["folded and told to be dropped: b, round 3", journal, { verdicts: [verdict("b", 3, "dropped")] }],
];

test.each(planted)("%s", (found, records, testimony) => {
  expect(contradictions(records, { receipts: [], verdicts: [], ...testimony })).toEqual([found]);
});
