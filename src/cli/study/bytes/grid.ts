/** How many clients there are, and how many of them a round asks. */
export interface Regime {
  readonly clients: number;
  readonly cohort: number;
}

export const REGIMES = {
  "10 clients, all of them": { clients: 10, cohort: 10 },
  "100 clients, 10 a round": { clients: 100, cohort: 10 },
} as const satisfies Readonly<Record<string, Regime>>;

export type RegimeName = keyof typeof REGIMES;

export const regimeNames = Object.keys(REGIMES) as readonly RegimeName[];

/** What is tuned of the training. */
export interface Training {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly momentum: number;
  readonly serverRate: number;
}

/** What goes over the links: densities of ternary top-k with error feedback, null for dense float32. */
export interface Sending {
  readonly up: number | null;
  readonly down: number | null;
  /** Whether positions are coded by what was broadcast before. */
  readonly history?: true;
  /** Whether what is largest for its bits is sent, and not what is largest. */
  readonly byRate?: true;
  /** Whether several magnitudes are sent where they pay. */
  readonly levels?: true;
}

export const DENSE: Sending = { up: null, down: null };

/**
 * The stages, each with all that those before it have; those that are off unless somebody asks for them come last. The
 * first three of ours are one run each way: what the link's
 * coders do changes no value, so that its bytes are counted anew, by Golomb's code alone, from the frames that were sent.
 */
export const STAGES = [
  {
    name: "top-k, ternary, Golomb, up",
    sending: (density: number) => ({ up: density, down: null }),
    count: "golomb",
  },
  { name: "and down", sending: both, count: "golomb" },
  { name: "shortest of all coders", sending: both, count: "sent" },
  { name: "history", sending: withHistory, count: "sent" },
  { name: "server rate", sending: withHistory, count: "sent", tunedServerRate: true },
  { name: "rate-distortion", sending: byRate, count: "sent", tunedServerRate: true },
  { name: "levels", sending: inLevels, count: "sent", tunedServerRate: true },
] as const satisfies readonly Stage[];

export interface Stage {
  readonly name: string;
  readonly sending: (density: number) => Sending;
  readonly count: "golomb" | "sent";
  /** That of the best training; else it is 1. */
  readonly tunedServerRate?: true;
}

function both(density: number): Sending {
  return { up: density, down: density };
}

function withHistory(density: number): Sending {
  return { ...both(density), history: true };
}

function byRate(density: number): Sending {
  return { ...withHistory(density), byRate: true };
}

function inLevels(density: number): Sending {
  return { ...byRate(density), levels: true };
}

/** One training run. */
export interface Cell {
  readonly regime: RegimeName;
  readonly training: Training;
  readonly sending: Sending;
  /** Of data shares, first model and training: the same for all, so that they are compared in pairs. */
  readonly seed: number;
  /** What it is measured on. */
  readonly split: "validation" | "test";
  readonly model: string;
  readonly rounds: number;
  /** The run ends where `reachedAt` says that this was reached; null: after all rounds. */
  readonly target: number | null;
}

/** The same for equal cells. */
export const keyOf = ({ regime, training, sending, seed, split, model, rounds, target }: Cell): string => {
  const { epochs, batchSize, learningRate, momentum, serverRate } = training;
  const { up, down, history, byRate, levels } = sending;
  const trained = [epochs, batchSize, learningRate, momentum, serverRate];
  return JSON.stringify([
    regime,
    trained,
    [up, down, history, byRate, levels],
    seed,
    split,
    model,
    rounds,
    target,
  ]);
};

const RATES = [
  { learningRate: 0.1, momentum: 0 },
  { learningRate: 0.3, momentum: 0 },
  { learningRate: 0.03, momentum: 0.9 },
] as const;

const EPOCHS = [1, 2] as const;

export interface Ours {
  readonly training: Training;
  readonly density: number;
}

/** What is tried. */
export interface Grids {
  readonly dense: readonly Training[];
  /** With the batch size that is best for the dense runs. */
  readonly ours: (batchSize: number) => readonly Ours[];
}

/** 24 trainings for the dense runs, and 18 for ours: sparse updates take a larger server rate. */
export const fullGrids: Grids = {
  dense: EPOCHS.flatMap((epochs) =>
    [16, 64].flatMap((batchSize) =>
      RATES.flatMap((rates) => [1, 1.5].map((serverRate) => ({ epochs, batchSize, ...rates, serverRate }))),
    ),
  ),
  ours: (batchSize) =>
    [0.01, 0.003].flatMap((density) =>
      RATES.flatMap((rates) =>
        [1, 2, 3].map((serverRate) => ({
          density,
          training: { epochs: 1, batchSize, ...rates, serverRate },
        })),
      ),
    ),
};

/** To see that a study works. */
export const quickGrids: Grids = {
  dense: RATES.slice(0, 2).map((rates) => ({ epochs: 1, batchSize: 64, ...rates, serverRate: 1 })),
  ours: (batchSize) => [
    { density: 0.1, training: { epochs: 1, batchSize, learningRate: 0.1, momentum: 0, serverRate: 2 } },
  ],
};
