import type { ClientId } from "../../model/message.ts";
import type { ReportId, Verdict } from "../../model/protocol.ts";

/** What became of a report; its version is null unless it was folded. */
export type Settled = Pick<Verdict, "version"> & { readonly outcome: "folded" | "dropped" | "refused" };

/**
 * What became of every report of the run: up to 32 bytes each, besides the names of the clients. Of a report's digest
 * the first 64 bits are kept: only a client that looked for two reports of one round that share these, for about as
 * long as 2^32 hashes take, could have the one taken for the other, and it would deceive nobody but itself.
 */
export interface Verdicts {
  /** The last word on a report counts. */
  readonly settle: (clientId: ClientId, report: ReportId, settled: Settled) => void;
  /** Null for a report that was never settled. */
  readonly of: (clientId: ClientId, report: ReportId) => Settled | null;
  readonly rows: () => VerdictRows;
}

/** All verdicts as a value, in the order in which reports were first settled. */
export interface VerdictRows {
  readonly clients: readonly ClientId[];
  /** ROW_WORDS a report: the client's place among `clients`, round, two words of the digest, outcome. */
  readonly words: Uint32Array;
}

export const NO_VERDICTS: VerdictRows = { clients: [], words: new Uint32Array(0) };

export const ROW_WORDS = 5;

/** As an outcome's word; any other is the version that the report was folded into, 1 or later. */
const DROPPED = 0;
const REFUSED = 0xffffffff;

const PAGE_ROWS = 4096;

export function openVerdicts({ clients, words }: VerdictRows = NO_VERDICTS): Verdicts {
  const places = new Map(clients.map((clientId, place) => [clientId, place]));
  const pages: Uint32Array[] = [];
  let numRows = 0;
  /** Open addressing: row + 1, 0 where there is none; at most 7 of 10 are taken. */
  let index = new Uint32Array(16);

  const append = (row: Row): void => {
    const at = numRows % PAGE_ROWS;
    if (at === 0) pages.push(new Uint32Array(PAGE_ROWS * ROW_WORDS));
    pages.at(-1)!.set(row, at * ROW_WORDS);
    numRows++;
  };
  const word = (row: number, i: number): number =>
    pages[Math.floor(row / PAGE_ROWS)]![(row % PAGE_ROWS) * ROW_WORDS + i]!;
  const isAt = (key: Key, row: number): boolean => key.every((part, i) => part === word(row, i));
  const keyOf = (row: number): Key => [word(row, 0), word(row, 1), word(row, 2), word(row, 3)];

  /** Where in the index the key stands, or would. */
  const slotOf = (key: Key): number => {
    const last = index.length - 1;
    let slot = hashOf(key) & last;
    while (index[slot] !== 0 && !isAt(key, index[slot]! - 1)) slot = (slot + 1) & last;
    return slot;
  };
  /** Makes the index large enough for so many rows, and puts those that there are into it. */
  const rebuild = (rows: number): void => {
    let size = index.length;
    while (10 * rows > 7 * size) size *= 2;
    index = new Uint32Array(size);
    for (let row = 0; row < numRows; row++) index[slotOf(keyOf(row))] = row + 1;
  };

  for (let at = 0; at < words.length; at += ROW_WORDS) append(words.subarray(at, at + ROW_WORDS));
  rebuild(numRows);

  return {
    settle(clientId, report, settled) {
      const place = places.get(clientId) ?? places.size;
      places.set(clientId, place);
      const key = keyFor(place, report);
      const outcome = wordOf(settled);
      const known = index[slotOf(key)]! - 1;
      if (known >= 0) {
        pages[Math.floor(known / PAGE_ROWS)]![(known % PAGE_ROWS) * ROW_WORDS + 4] = outcome;
        return;
      }
      if (10 * (numRows + 1) > 7 * index.length) rebuild(numRows + 1);
      index[slotOf(key)] = numRows + 1;
      append([...key, outcome]);
    },
    of(clientId, report) {
      const place = places.get(clientId);
      if (place === undefined) return null;
      const row = index[slotOf(keyFor(place, report))]! - 1;
      return row < 0 ? null : settledOf(word(row, 4));
    },
    rows() {
      const all = new Uint32Array(numRows * ROW_WORDS);
      for (const [i, page] of pages.entries()) {
        const start = i * page.length;
        all.set(page.subarray(0, all.length - start), start);
      }
      return { clients: [...places.keys()], words: all };
    },
  };
}

type Row = ArrayLike<number>;

/** Client, round, digest. */
type Key = readonly [number, number, number, number];

const keyFor = (place: number, { round, digest }: ReportId): Key => [
  place,
  round,
  Number.parseInt(digest.slice(0, 8), 16),
  Number.parseInt(digest.slice(8, 16), 16),
];

/** Multiplied by odd constants and folded, so that low bits depend on all of the key. */
function hashOf([client, round, high, low]: Key): number {
  let hash = Math.imul(client, 0x9e3779b1) ^ Math.imul(round, 0x85ebca77) ^ high ^ Math.imul(low, 0xc2b2ae3d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function wordOf({ outcome, version }: Settled): number {
  if (outcome === "folded") return version!;
  return outcome === "dropped" ? DROPPED : REFUSED;
}

function settledOf(word: number): Settled {
  if (word === DROPPED) return { outcome: "dropped", version: null };
  if (word === REFUSED) return { outcome: "refused", version: null };
  return { outcome: "folded", version: word };
}
