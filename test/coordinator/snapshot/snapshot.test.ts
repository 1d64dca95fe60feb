import fc from "fast-check";
import { expect, test } from "vitest";
import { type Book, openBook } from "../../../src/coordinator/book/book.ts";
import { JournalError, type JournalErrorCode } from "../../../src/coordinator/journal/error.ts";
import { manifestOf } from "../../../src/model/manifest.ts";
import { mapParams } from "../../../src/model/tensor.ts";
import { crc32c } from "../../../src/wire/checksum.ts";
import { type BookRun, bookRun, contractOf, play, type RunSettings, said } from "../../suites/book-runs.ts";
import { initial } from "../../suites/federation.ts";

const runs: fc.Arbitrary<RunSettings> = fc
  .record({
    seed: fc.nat(),
    strategy: fc.constantFrom(
      "fedavg",
      "fedadam",
      "scaffold",
      "fednova",
      "krum",
      "centered-clipping",
      "q-fedavg",
      "norm-bounding",
    ),
    maxStaleness: fc.constantFrom(0, 1, 3),
    masks: fc.constantFrom("none", "budget", "regrow", "idle rounds"),
    widths: fc.boolean(),
    dense: fc.boolean(),
    keepsUpdates: fc.boolean(),
    history: fc.boolean(),
    rounds: fc.integer({ min: 1, max: 9 }),
  })
  // every client of SCAFFOLD owns all of the model
  .map((one) => (one.strategy === "scaffold" ? { ...one, masks: "none", widths: false, dense: true } : one));

/** Plays entries from one on; `at` hears the book after each that closes a round. */
function playOn<T>(book: Book, run: BookRun, from: number, at: (book: Book) => T): readonly T[] {
  return run.entries.slice(from).flatMap((entry) => {
    play(book, entry);
    return entry.type === "closed" ? [at(book)] : [];
  });
}

test("property: a book from a snapshot says and becomes, to the byte, what the uninterrupted one does", () => {
  fc.assert(
    fc.property(runs, fc.nat(), (settings, at) => {
      const run = bookRun(settings);
      const listen = (book: Book) => said(book, run);
      const closes = run.entries.flatMap((entry, i) => (entry.type === "closed" ? [i + 1] : []));
      const whole = playOn(openBook(run.contract), run, 0, (book) => ({
        ...listen(book),
        bytes: book.snapshot(),
      }));
      const k = at % closes.length;
      const { bytes, ...here } = whole[k]!;
      const again = openBook(run.contract, undefined, bytes);
      expect(listen(again)).toEqual(here);
      expect(playOn(again, run, closes[k]!, listen)).toEqual(
        whole.slice(k + 1).map(({ bytes: _, ...later }) => later),
      );
    }),
    { numRuns: 80 },
  );
});

const settings: RunSettings = {
  seed: 3,
  strategy: "fedadam",
  maxStaleness: 3,
  masks: "regrow",
  widths: true,
  dense: false,
  keepsUpdates: true,
  history: true,
  rounds: 6,
};

function snapshotOf(run: BookRun): Uint8Array {
  const book = openBook(run.contract);
  playOn(book, run, 0, () => {});
  return book.snapshot();
}

const run = bookRun(settings);
const good = snapshotOf(run);

function codeOf(bytes: Uint8Array, contract = run.contract): JournalErrorCode | null {
  try {
    openBook(contract, undefined, bytes);
  } catch (error) {
    if (error instanceof JournalError) return error.code;
    throw error;
  }
  return null;
}

test("a snapshot has something of everything", () => {
  expect(codeOf(good)).toBeNull();
  const kinds = new Set(run.entries.map((entry) => (entry.type === "closed" ? entry.outcome : entry.type)));
  expect([...kinds].sort()).toEqual(["abandon", "accepted", "commit", "opened", "refused"]);
  const lateReports = run.entries.filter((entry, i) => {
    const open = run.entries.slice(0, i).findLast((one) => one.type === "opened");
    return entry.type === "accepted" && entry.round < open!.round;
  });
  expect(lateReports.length).toBeGreaterThan(0);
  expect([...run.fetchable.values()].flat().length).toBeGreaterThan(0);
});

test("any flipped byte and any cut is refused by name", () => {
  const numMagic = "fedpress-book\n".length;
  for (let at = 0; at < good.length; at++) {
    const flipped = good.slice();
    flipped[at]! ^= 1 << (at % 8);
    expect(codeOf(flipped)).toBe(at < numMagic ? "foreign" : "damaged");
    expect(codeOf(good.subarray(0, at))).toBe(at < numMagic ? "foreign" : "damaged");
  }
  expect(codeOf(Uint8Array.of(...good, 0))).toBe("damaged");
});

function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(
    bytes.length - 4,
    crc32c(bytes.subarray(0, bytes.length - 4)),
    true,
  );
  return bytes;
}

test("what is whole and yet wrong is refused by name too, or is a state", () => {
  for (let at = 0; at < good.length - 4; at += 2) {
    const flipped = good.slice();
    flipped[at]! ^= [1, 128, 255][at % 3]!;
    expect([null, "foreign", "other-run"]).toContain(codeOf(sealed(flipped)));
  }
  const longer = new Uint8Array(good.length + 1);
  longer.set(good);
  expect(codeOf(sealed(longer))).toBe("foreign");
});

test("another model, another version 0, another downlink: refused, with what to do", () => {
  const one = new Map([...initial].slice(0, 1));
  expect(codeOf(good, { ...run.contract, initial: one, manifest: manifestOf(one), subModels: [] })).toBe(
    "other-run",
  );
  const moved = mapParams(initial, ({ data }) => data.map((v) => v + 1));
  expect(codeOf(good, { ...run.contract, initial: moved })).toBe("other-run");
  const downlink = run.contract.downlink.map((rule) => ({ ...rule, errorFeedback: false }));
  expect(codeOf(good, { ...run.contract, downlink })).toBe("foreign");
  expect(() => openBook({ ...run.contract, initial: moved }, undefined, good)).toThrow(
    /^snapshot: it is of a run with another version 0: .*; give that run's config, or another coordinator.stateDir$/,
  );
});

test("no snapshot is taken while a round is open", () => {
  const book = openBook(contractOf(settings));
  book.openRound(1, ["a"], book.exponents());
  expect(() => book.snapshot()).toThrow("a snapshot is taken while no round is open");
});

/** Read by hand, as docs/snapshot.md says. */
test("the layout: head, nine sections with their lengths, checksum", () => {
  const book = openBook(
    contractOf({ ...settings, strategy: "fedavg", widths: false, masks: "none", history: false }),
  );
  book.refuse(1, "x", `00000001000000ff${"0".repeat(48)}`);
  const bytes = book.snapshot();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  expect(new TextDecoder().decode(bytes.subarray(0, 14))).toBe("fedpress-book\n");
  expect(bytes[14]).toBe(2);
  let at = 15 + 32;
  const sections: Uint8Array[] = [];
  for (let i = 0; i < 9; i++) {
    const length = view.getUint32(at, true);
    expect(view.getUint16(at + 4, true)).toBe(0);
    sections.push(bytes.slice(at + 6, at + 6 + length));
    at += 6 + length;
  }
  expect(view.getUint32(at, true)).toBe(crc32c(bytes.subarray(0, at)));
  expect(at + 4).toBe(bytes.length);
  const [round, chain, step, usual, control, owners, teachers, verdicts, histories] = sections;
  expect([...round!]).toEqual([0]);
  // one digest, 72 zeros, no deltas, no masks
  expect(chain!.length).toBe(1 + 32 + 4 * 72 + 1 + 1);
  // a residual of 72 zeros, no masks, two tensors without ages, nothing before
  expect([...step!]).toEqual(Array(4 * 72 + 4).fill(0));
  // two bounds of 2^3, no norms, none abandoned, three medians that there are not, 4 bytes a coordinate
  expect([...usual!]).toEqual([103, 103, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x40]);
  expect([control, owners, teachers].map((one) => [...one!])).toEqual([[], [0, 0], [0]]);
  const report = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
  expect([...verdicts!]).toEqual([1, 1, 120, 1, ...report]);
  expect([...histories!]).toEqual([]);
});

test("a snapshot of version 1, which had no histories, is read where no plan has history, and refused where one has", () => {
  const plain = bookRun({ ...settings, history: false });
  const now = snapshotOf(plain);
  const older = now.slice(0, -6);
  older[14] = 1;
  new DataView(older.buffer).setUint32(older.length - 4, crc32c(older.subarray(0, -4)), true);
  expect(openBook(plain.contract, undefined, older).snapshot()).toEqual(now);
  expect(codeOf(older, run.contract)).toBe("foreign");
});
