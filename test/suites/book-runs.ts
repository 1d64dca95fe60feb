import type { MaskRules } from "../../src/aggregation/mask-step.ts";
import type { StrategyName } from "../../src/aggregation/strategy.ts";
import { emptyResidual } from "../../src/compress/error-feedback.ts";
import { encodeOwned } from "../../src/compress/owned.ts";
import { type Book, openBook } from "../../src/coordinator/book/book.ts";
import type { Contract } from "../../src/coordinator/contract.ts";
import type { Record } from "../../src/coordinator/journal/record.ts";
import { noEvidence } from "../../src/coordinator/round/over-selection.ts";
import { digestOf, manifestDigest, modelDigest } from "../../src/model/manifest.ts";
import type { UpdateMessage } from "../../src/model/message.ts";
import type { HeldModel, ReportId } from "../../src/model/protocol.ts";
import { derive, type Rng } from "../../src/model/rng.ts";
import type { SubModel } from "../../src/model/submodel.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { encodeFrame, shortDigest } from "../../src/wire/frame.ts";
import { dense, initial, options, topKTernary } from "./federation.ts";

/** Runs of a book without a coordinator: records as its journal would have them, made of chance alone. */

export type Entry =
  | Extract<Record, { type: "opened" | "accepted" | "closed" }>
  | { readonly type: "refused"; readonly round: number; readonly clientId: string; readonly digest: string };

export interface BookRun {
  readonly contract: Contract;
  readonly entries: readonly Entry[];
  /** Of every round once it is closed: the masks, by digest, of tasks whose reports may still come. */
  readonly fetchable: ReadonlyMap<number, readonly string[]>;
}

export interface RunSettings {
  readonly seed: number;
  readonly strategy: StrategyName;
  readonly maxStaleness: number;
  readonly masks: "none" | "budget" | "regrow" | "idle rounds";
  readonly widths: boolean;
  readonly dense: boolean;
  readonly keepsUpdates: boolean;
  /** Both ways, unless it is dense. */
  readonly history: boolean;
  readonly rounds: number;
}

const half: SubModel = {
  width: 0.5,
  memoryBytes: 1,
  masks: new Map([
    ["a", Uint32Array.from({ length: 16 }, (_, i) => 8 * (i >> 2) + (i & 3))],
    ["b", Uint32Array.of(0, 1, 2, 3)],
  ]),
};

const budget: Partial<MaskRules> = {
  policy: { budget: { density: 0.5, layers: "uniform", by: "magnitude" } },
};

const MASKS: { readonly [K in RunSettings["masks"]]: Partial<MaskRules> } = {
  none: {},
  budget: { ...budget, uncovered: { dropAfter: 2 } },
  regrow: { ...budget, everyRounds: 2, regrow: { fraction: 0.5, numRounds: 100 } },
  "idle rounds": { ...budget, everyRounds: 3, maxDrift: 0.1 },
};

const adam = { adam: { learningRate: 0.03, beta1: 0.9, beta2: 0.99, epsilon: 1e-3 } };

export function contractOf({
  strategy,
  maxStaleness,
  masks,
  widths,
  dense: isDense,
  keepsUpdates,
  history,
}: RunSettings): Contract {
  const coded = topKTernary.map((rule) => (history ? { ...rule, history } : rule));
  const plan = isDense ? dense : coded;
  const { contract } = options({
    goal: 6,
    uplink: plan,
    downlink: plan,
    maxStaleness,
    subModels: widths ? [half] : [],
    masks: MASKS[masks],
    aggregation: { strategy, ...(strategy === "fedadam" && { serverOptimizer: adam }) },
  });
  return { ...contract, keepsUpdates };
}

const CLIENTS = ["ä", "b", "c", "d", "e", "f", "g"];
/** As few as every robust strategy takes. */
const FEWEST = 3;

/** Plays rounds on a book of its own and writes down what its journal would hold. */
export function bookRun(settings: RunSettings): BookRun {
  const contract = contractOf(settings);
  const book = openBook(contract);
  const rng = derive(settings.seed, "book run");
  const entries: Entry[] = [];
  const fetchable = new Map<number, readonly string[]>();
  const put = (entry: Entry): void => {
    entries.push(entry);
    play(book, entry);
  };
  const bytes = { up: 0, down: 0 } as unknown as Extract<Record, { type: "opened" }>["bytes"];
  let late: { readonly clientId: string; readonly round: number; readonly baseVersion: number }[] = [];

  const report = ({ clientId, round, baseVersion }: (typeof late)[number]): void => {
    const frame = reportOf(book, contract, { clientId, round, baseVersion }, rng);
    if (rng.uniform() < 0.15) {
      put({ type: "refused", round, clientId, digest: digestOf(frame) });
      return;
    }
    const { update } = book.check(clientId, frame, { round, baseVersion });
    put({ type: "accepted", round, baseVersion, clientId, weight: book.weigh(update), frame });
  };

  for (let round = 1; round <= settings.rounds; round++) {
    const { version } = book.held();
    late = late.filter((one) => version - one.baseVersion <= settings.maxStaleness);
    const cohort = CLIENTS.filter(() => rng.uniform() < 0.7);
    // often enough nobody has all of the model
    const share = rng.uniform() < 0.6 ? 1 : 0.5;
    const widths = settings.widths ? cohort.map(() => (rng.uniform() < share ? 0.5 : 1)) : undefined;
    const exponents = book.exponents();
    put({ type: "opened", round, cohort, exponents, ...(widths && { widths }), bytes });
    const asked = cohort.map((clientId) => ({ clientId, round, baseVersion: version }));
    const rest = late.filter(({ clientId }) => !cohort.includes(clientId));
    const reporting = [...rest, ...asked].filter(() => rng.uniform() < 0.7).slice(0, 6);
    for (const one of reporting) report(one);
    late = settings.maxStaleness === 0 ? [] : [...rest, ...asked].filter((one) => !reporting.includes(one));
    const outcome = book.open()!.accepted.size >= FEWEST && rng.uniform() < 0.85 ? "commit" : "abandon";
    book.close(outcome);
    entries.push({ type: "closed", round, outcome, ...book.held(), evidence: noEvidence, bytes });
    const ofLate = late.map((one) => book.partOf(one.clientId, one.round).masks);
    fetchable.set(
      round,
      ofLate.filter((digest) => digest !== null),
    );
  }
  return { contract, entries, fetchable };
}

/** Folds an entry, as a replay of the journal does. */
export function play(book: Book, entry: Entry): void {
  switch (entry.type) {
    case "opened":
      return book.openRound(entry.round, entry.cohort, entry.exponents, entry.widths);
    case "accepted": {
      const { clientId, frame, round, baseVersion, weight } = entry;
      return book.accept(book.check(clientId, frame, { round, baseVersion }), weight, digestOf(frame));
    }
    case "refused":
      return book.refuse(entry.round, entry.clientId, entry.digest);
    case "closed":
      return book.close(entry.outcome);
  }
}

/** A report as a client of the round would make it, of a training that leads anywhere. */
function reportOf(
  book: Book,
  { manifest }: Contract,
  { clientId, round, baseVersion }: { clientId: string; round: number; baseVersion: number },
  rng: Rng,
): Uint8Array {
  const { plan } = book.partOf(clientId, round);
  const bound = 2 ** Math.min(...book.exponents());
  const delta = mapParams(initial, ({ data }) => data.map(() => Math.min(bound, 1) * (rng.uniform() - 0.5)));
  const { payloads } = encodeOwned(
    plan,
    delta,
    emptyResidual(plan.whole),
    bound,
    Math.floor(rng.uniform() * 2 ** 32),
  );
  return encodeFrame({
    kind: "update",
    round,
    baseVersion,
    manifest: shortDigest(manifestDigest(manifest)),
    plan: shortDigest(plan.digest),
    numExamples: 1 + Math.floor(8 * rng.uniform()),
    numSteps: 1 + Math.floor(8 * rng.uniform()),
    trainLoss: Math.fround(rng.uniform()),
    payloads,
  });
}

/** Every report of the entries, accepted or refused, with its client. */
const reportsIn = (entries: readonly Entry[]): readonly (readonly [string, ReportId])[] =>
  entries.flatMap((entry) => {
    if (entry.type === "accepted")
      return [[entry.clientId, { round: entry.round, digest: digestOf(entry.frame) }]] as const;
    return entry.type === "refused"
      ? [[entry.clientId, { round: entry.round, digest: entry.digest }] as const]
      : [];
  });

/** Of the newest version, in all of the model. */
const updateFor = (book: Book, trainLoss: number): UpdateMessage => ({
  clientId: "a",
  round: book.round(),
  baseVersion: book.held().version,
  numExamples: 3,
  numSteps: 2,
  trainLoss,
  tensors: new Map(
    [...initial].map(([name, { data }]) => [
      name,
      { mask: null, delta: { length: data.length, support: null, values: data.map(() => 2) } },
    ]),
  ),
});

/** All that a book says to others, while no round is open; bytes by their digests. */
export function said(book: Book, { entries, contract, fetchable }: BookRun) {
  const versions = entries.flatMap((entry): HeldModel[] =>
    entry.type === "closed" ? [{ version: entry.version, digest: entry.digest }] : [],
  );
  const known = [null, { version: 0, digest: modelDigest(contract.initial) }, ...versions];
  const targets = [book.held().version, Math.max(0, book.held().version - 1)];
  return {
    held: book.held(),
    params: modelDigest(book.model().params),
    round: book.round(),
    verdicts: reportsIn(entries).map(([clientId, report]) => {
      const { outcome, version } = book.verdictOf(clientId, report);
      return `${outcome} ${version} ${book.wasAccepted(clientId, report)}`;
    }),
    catchUps: known.flatMap((held) =>
      targets.map((target) => {
        const { kind, frames } = book.catchUp(held, target);
        return `${kind} ${frames.map((frame) => digestOf(frame))}`;
      }),
    ),
    masks: (fetchable.get(book.round()) ?? []).map((digest) => digestOf(book.masksFrame(digest)!)),
    exponents: book.exponents(),
    bytesPerCoordinate: book.bytesPerCoordinate(),
    lastDeltaBytes: book.lastDeltaBytes(),
    gates: [0.01, 0.1, 1, 5, 20, 100].map((norm) => book.gate({ norm } as Parameters<Book["gate"]>[0])),
    weights: [0.1, 0.5, 2].map((trainLoss) => book.weigh(updateFor(book, trainLoss))),
    teachers: book.lastClientModels().map(modelDigest),
    snapshot: digestOf(book.snapshot()),
  };
}
