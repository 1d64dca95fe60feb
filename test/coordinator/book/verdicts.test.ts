import fc from "fast-check";
import { expect, test } from "vitest";
import { type Book, openBook } from "../../../src/coordinator/book/book.ts";
import { openVerdicts, type Settled } from "../../../src/coordinator/book/verdicts.ts";
import { digestOf } from "../../../src/model/manifest.ts";
import { bookRun, play, type RunSettings } from "../../suites/book-runs.ts";

const outcomes: fc.Arbitrary<Settled> = fc.oneof(
  fc.constant({ outcome: "dropped", version: null } as const),
  fc.constant({ outcome: "refused", version: null } as const),
  fc.integer({ min: 1, max: 2 ** 32 - 2 }).map((version) => ({ outcome: "folded", version }) as const),
);
const digests = fc.nat({ max: 3 }).map((n) => digestOf(Uint8Array.of(n)));
const reports = fc.tuple(
  fc.constantFrom("a", "b", "ß", "ä".repeat(40)),
  fc.record({ round: fc.nat({ max: 5 }), digest: digests }),
);

test("property: the last word on every report, after a move to another store too", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(reports, outcomes)), reports, (words, [stranger, report]) => {
      const expected = new Map<string, Settled>();
      const verdicts = openVerdicts();
      for (const [[clientId, one], settled] of words) {
        verdicts.settle(clientId, one, settled);
        expected.set(JSON.stringify([clientId, one]), settled);
      }
      const rows = verdicts.rows();
      expect(rows.words.length).toBe(5 * expected.size);
      for (const store of [verdicts, openVerdicts(rows)]) {
        for (const [[clientId, one]] of words)
          expect(store.of(clientId, one)).toEqual(expected.get(JSON.stringify([clientId, one])));
        expect(store.of(stranger, report)).toEqual(expected.get(JSON.stringify([stranger, report])) ?? null);
        expect(store.rows()).toEqual(rows);
      }
    }),
  );
});

test("many reports: none is lost or mistaken as the store grows", () => {
  const verdicts = openVerdicts();
  const reportOf = (i: number) => ({
    round: Math.floor(i / 100),
    digest: (i * 2654435761).toString(16).padStart(64, "0").slice(-16).padEnd(64, "0"),
  });
  const numReports = 30_000;
  for (let i = 0; i < numReports; i++)
    verdicts.settle(`client-${i % 100}`, reportOf(i), { outcome: "folded", version: i + 1 });
  for (const store of [verdicts, openVerdicts(verdicts.rows())]) {
    let numRight = 0;
    for (let i = 0; i < numReports; i++) {
      const isFolded = store.of(`client-${i % 100}`, reportOf(i))?.version === i + 1;
      if (isFolded && store.of(`client-${(i + 1) % 100}`, reportOf(i)) === null) numRight++;
    }
    expect(numRight).toBe(numReports);
  }
});

const settings: RunSettings = {
  seed: 1,
  strategy: "fedavg",
  maxStaleness: 3,
  masks: "none",
  widths: false,
  dense: true,
  keepsUpdates: false,
  history: false,
  rounds: 20,
};

test("every report of a run is told what became of it, the late, the abandoned and the refused too", () => {
  const { contract, entries } = bookRun(settings);
  const book: Book = openBook(contract);
  const expected = new Map<string, string>();
  let inRound: string[] = [];
  let numLate = 0;
  const told = (): string[] =>
    [...expected.keys()].map((key) => {
      const [clientId, report] = JSON.parse(key);
      const { outcome, version } = book.verdictOf(clientId, report);
      expect(book.wasAccepted(clientId, report)).toBe(outcome !== "refused");
      return version === null ? outcome : `${outcome} ${version}`;
    });
  for (const entry of entries) {
    play(book, entry);
    switch (entry.type) {
      case "opened":
        inRound = [];
        break;
      case "accepted": {
        if (entry.round < book.round()) numLate++;
        const report = { round: entry.round, digest: digestOf(entry.frame) };
        inRound.push(JSON.stringify([entry.clientId, report]));
        expected.set(inRound.at(-1)!, "unknown");
        break;
      }
      case "refused":
        expected.set(
          JSON.stringify([entry.clientId, { round: entry.round, digest: entry.digest }]),
          "refused",
        );
        break;
      case "closed":
        for (const key of inRound)
          expected.set(key, entry.outcome === "commit" ? `folded ${entry.version}` : "dropped");
    }
    expect(told()).toEqual([...expected.values()]);
  }
  const kinds = new Set([...expected.values()].map((outcome) => outcome.split(" ")[0]));
  expect([...kinds].sort()).toEqual(["dropped", "folded", "refused"]);
  expect(numLate).toBeGreaterThan(3);

  const stranger = { round: 1, digest: "0".repeat(64) };
  expect(book.verdictOf("nobody", stranger).outcome).toBe("dropped");
  expect(book.verdictOf("nobody", { ...stranger, round: 21 }).outcome).toBe("unknown");
  expect(book.wasAccepted("nobody", stranger)).toBe(false);
});
