import { z } from "zod";
import { cohortOf, strategyNames } from "../../aggregation/strategy.ts";
import { ConfigError, type ConfigProblem } from "../../model/error.ts";
import { aggregation } from "./aggregation.ts";
import { count, duration, either, positive, size } from "./fields.ts";
import { fleet, masks, widths } from "./masks.ts";
import { plan } from "./plan.ts";
import { problemsOf } from "./problems.ts";
import { attack, robustProblems } from "./robust.ts";
import { stepProblems } from "./steps.ts";
import { train } from "./train.ts";

/**
 * The one schema of the config file. It is parsed once, at the rim; everything behind it works with `Config`.
 * Unknown keys are problems: a misspelt setting that is silently ignored costs a day of training.
 */

const ternary = (density: number) => [
  { tensors: "*", codec: { select: { topK: density }, values: "ternary" as const }, errorFeedback: true },
];

/** What a model of one's own is called before it is loaded; no name of the zoo. */
export const NOT_LOADED = "own";

const path = z.string().min(1);

/** The config of a run folder has both the file and what was made of it, which is then compared. */
const isOwn = (name: string): boolean => name.startsWith(`${NOT_LOADED}.`);

const model = z
  .strictObject({
    zoo: z.string().min(1).exactOptional().describe("An architecture of the zoo"),
    file: path.exactOptional().describe("A model of your own: the model.json of a tfjs layers model"),
    module: path.exactOptional().describe("A model of your own: a module that makes a tfjs layers model"),
    checkpoint: path.nullable().default(null).describe("Start from this checkpoint, not from the seed"),
  })
  .refine(
    ({ zoo, file, module }) =>
      file === undefined && module === undefined
        ? zoo !== undefined
        : (file === undefined || module === undefined) && (zoo === undefined || isOwn(zoo)),
    { error: "one of zoo, file and module" },
  )
  // of a model of one's own the name is what it is made of, once that is loaded
  .transform(({ zoo, ...rest }) => ({ ...rest, zoo: zoo ?? NOT_LOADED }));

const data = z.strictObject({
  source: z
    .string()
    .min(1)
    .describe("mnist, or KIND:PLACE?KEY=VALUE of a file or folder, such as csv:FILE?label=COLUMN"),
  test: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe("Another source to measure accuracy on, where a set comes with its own"),
  holdout: z
    .strictObject({
      test: z.number().min(0).max(0.9).default(0.1).describe("Share held out to measure accuracy"),
      transfer: z.number().min(0).max(0.9).default(0.1).describe("Share held out to distill with"),
      balanced: z
        .boolean()
        .default(true)
        .describe("Whether every class gives as many rows; else rows are drawn whatever their class"),
    })
    .prefault({})
    .refine(({ test, transfer }) => test + transfer < 1, { error: "test + transfer below 1" }),
  partition: either(
    [
      z.enum(["iid", "natural"]),
      z.strictObject({ dirichlet: positive }),
      z.strictObject({ quantity: positive }),
      z.strictObject({ shards: count.max(65_536) }),
    ],
    "iid, natural, { dirichlet: alpha } or { quantity: alpha } with alpha > 0, or { shards: a client }",
  ).default({ dirichlet: 0.5 }),
});

const cohort = z.strictObject({
  // Far below what the tally's integers have room for: 2^22.
  goal: count
    .max(2 ** 20)
    .default(10)
    .describe("Reports that close a round"),
  minimum: count.optional().describe("Fewest reports that a round may be folded from; goal if left out"),
  overSelection: either([z.literal("auto"), z.number().min(1).max(10)], "auto, or a factor of 1 to 10")
    .default("auto")
    .describe("Clients asked a goal's report; auto follows the drop-outs seen"),
  selectionDeadline: duration
    .default(10_000)
    .describe("How long to wait for a full cohort once the minimum is there"),
  reportDeadline: duration.default(60_000).describe("Reports after this are late"),
  maxStaleness: z
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe("Versions that the model may have moved on and a late report still counts; 0: it does not"),
  concurrency: count
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe("Buffered: so many clients are at work at any time, and every goal reports make a version"),
  coverWithin: count
    .max(1_000_000)
    .default(5)
    .describe(
      "With widths: versions without a report of the whole model, then one who can train it is asked",
    ),
  maxAbandoned: count.default(10).describe("Rounds abandoned in a row before the run fails"),
});

const distill = z.strictObject({
  student: z
    .string()
    .min(1)
    .default("tiny-cnn")
    .describe("An architecture of the zoo, or a model of your own: file:PATH or module:PATH"),
  teacher: z.enum(["global", "ensemble"]).default("global"),
  initial: z
    .enum(["random", "global"])
    .default("random")
    .describe(
      "What the student begins with; global: the global model's tensors, where its own have the same name and shape",
    ),
  temperature: positive.max(100).default(2),
  epochs: count.max(1000).default(5),
  prune: z.number().min(0).lt(1).default(0.8).describe("Share of the student's kernels set to zero"),
  quantizeBits: z.int().min(1).max(8).default(4),
});

const coordinator = z.strictObject({
  listen: z
    .string()
    .regex(/^.+:\d{1,5}$/, { error: "HOST:PORT" })
    .default("127.0.0.1:7070"),
  stateDir: z
    .string()
    .min(1)
    .default("./state")
    .describe("The journal; a restarted coordinator goes on from it"),
  journal: z
    .strictObject({
      snapshotEvery: count
        .max(1_000_000)
        .default(50)
        .describe("Versions after which the state is saved, so that a restart reads no more than those"),
      segmentBytes: size
        .refine((bytes) => bytes >= 4096 && bytes <= 2 ** 30, { error: "a size of 4KiB to 1GiB" })
        .default(64 * 2 ** 20)
        .describe("A file of the journal that has grown to this is followed by another"),
      keep: z
        .enum(["needed", "all"])
        .default("needed")
        .describe("needed: what no restart reads any more is removed; all: every record of the run stays"),
    })
    .prefault({}),
  lease: duration
    .default(90_000)
    .describe("A client at work that is not heard of for this long counts as left"),
  limits: z
    .strictObject({
      frameBytes: size.default(64 * 2 ** 20).describe("Largest frame, either way"),
      robustBytes: size
        .default(2 ** 30)
        .describe("Memory of a robust strategy: for the reports of a round, and to fold them in"),
      uploadBytes: size
        .default(2 ** 30)
        .describe("Of all reports on their way, what arrived of broken ones too"),
      uploadAge: duration.default(600_000).describe("How long what arrived of a broken report is kept"),
      clients: count.default(10_000).describe("Connections at one time"),
      sessions: count.default(500).describe("New sessions a second; more are told when to come"),
      idle: duration.default(30_000).describe("A transfer without progress for this long is ended"),
    })
    .prefault({}),
});

const schema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: "letters, digits, - and _, at most 64" })
      .default("run"),
    seed: z.int().min(0).max(0xffffffff).default(1),
    rounds: count.max(1_000_000).default(30).describe("Versions to reach"),
    clients: count.max(1_000_000).default(10).describe("simulate only"),
    workers: z
      .int()
      .min(0)
      .max(256)
      .default(0)
      .describe("simulate only: threads, 0 for one a core; never changes the result"),
    attack: attack.nullable().default(null).describe("simulate only: clients that attack the run"),
    model,
    data: data.nullable().default(null),
    cohort: cohort.prefault({}),
    train: train.prefault({}),
    uplink: plan("a list of { tensors, codec, errorFeedback }").default(ternary(0.01)),
    downlink: plan("a list of { tensors, codec, errorFeedback }").default(ternary(0.01)),
    aggregation: aggregation.prefault({}),
    masks: masks.prefault({}),
    widths,
    fleet,
    distill: distill.nullable().default(null),
    telemetry: z
      .strictObject({
        nats: z
          .strictObject({ url: z.string().min(1), maxBuffered: count.max(1_000_000).default(16_384) })
          .nullable()
          .default(null),
      })
      .prefault({}),
    coordinator: coordinator.prefault({}),
  })
  .describe("A fedpress run");

export type Config = z.output<typeof schema>;

/** Checks a parsed YAML document; throws ConfigError with every problem found. */
export function parseConfig(document: unknown): Config {
  const result = schema.safeParse(withPreset(document ?? {}));
  if (!result.success)
    throw new ConfigError(result.error.issues.flatMap((issue) => problemsOf(issue, document)));
  const problems = crossProblems(result.data);
  if (problems.length > 0) throw new ConfigError(problems);
  return result.data;
}

/** JSON Schema (2020-12) of the config file as a person writes it. */
export const configJsonSchema = (): unknown =>
  z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });

/** What a strategy brings along of other settings stands wherever the document says nothing. */
function withPreset(document: unknown): unknown {
  const { aggregation, cohort } = document as { aggregation?: { strategy?: unknown }; cohort?: unknown };
  const name = strategyNames.find((strategy) => strategy === aggregation?.strategy);
  const preset = name && cohortOf(name);
  const isMap = cohort === undefined || (typeof cohort === "object" && cohort !== null);
  return preset && isMap ? { ...(document as object), cohort: { ...preset, ...cohort } } : document;
}

function crossProblems(config: Config): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { goal, minimum } = config.cohort;
  if (minimum !== undefined && minimum > goal)
    problems.push({ path: "cohort.minimum", value: minimum, expected: `at most cohort.goal, ${goal}` });
  if (mayLeave(config)) problems.push(...lowRankProblems(config));
  problems.push(...downlinkBudgetProblems(config));
  if (config.cohort.concurrency !== null && config.widths.some((width) => width < 1))
    problems.push({
      path: "widths",
      value: config.widths,
      expected: "[1] with cohort.concurrency, where clients join open rounds",
    });
  config.fleet.forEach(({ width }, i) => {
    if (width !== undefined && !config.widths.includes(width))
      problems.push({ path: `fleet[${i}].width`, value: width, expected: "one of widths" });
  });
  if (config.data !== null && config.data.test !== null && config.data.holdout.test > 0)
    problems.push({
      path: "data.holdout.test",
      value: config.data.holdout.test,
      expected: "0 with data.test, which is what accuracy is measured on",
    });
  if (config.distill !== null) {
    if (config.data === null)
      problems.push({
        path: "distill",
        value: config.distill,
        expected: "a data section too: distilling needs a transfer split",
      });
    else if (
      config.data.holdout.transfer === 0 ||
      (config.data.holdout.test === 0 && config.data.test === null)
    )
      problems.push({
        path: "data.holdout",
        value: config.data.holdout,
        expected: "test and transfer above 0: distilling needs both splits",
      });
  }
  problems.push(...robustProblems(config.aggregation, config.cohort));
  const { concurrency, maxStaleness } = config.cohort;
  if (concurrency !== null && maxStaleness === 0)
    problems.push({
      path: "cohort.maxStaleness",
      value: 0,
      expected: "1 or more with cohort.concurrency: the model moves on while clients train",
    });
  if (concurrency !== null && concurrency < goal)
    problems.push({
      path: "cohort.concurrency",
      value: concurrency,
      expected: `at least cohort.goal, ${goal}`,
    });
  problems.push(...stepProblems(config));
  return problems;
}

/** Whether coordinates may leave the model. */
export const mayLeave = ({ aggregation: { maskPolicy }, masks: { uncovered } }: Config): boolean =>
  maskPolicy !== "union" || uncovered !== "keep";

/** What is coded once, for all, has no link of its own. */
const downlinkBudgetProblems = ({ downlink }: Config): ConfigProblem[] =>
  downlink.flatMap(({ codec: { select } }, i) =>
    typeof select === "object" && "budget" in select && "secondsPerRound" in select.budget
      ? [
          {
            path: `downlink[${i}].codec.select.budget.secondsPerRound`,
            value: select.budget.secondsPerRound,
            expected: "bytesPerRound: the downlink is coded once for links of every rate",
          },
        ]
      : [],
  );

/** Of a matrix with holes there are no rows and columns to be factors of. */
const lowRankProblems = ({ uplink }: Config): ConfigProblem[] =>
  uplink.flatMap(({ codec }, i) =>
    typeof codec.select === "object" && "lowRank" in codec.select
      ? [
          {
            path: `uplink[${i}].codec.select`,
            value: codec.select,
            expected: "no lowRank where coordinates may leave the model (aggregation.maskPolicy, masks)",
          },
        ]
      : [],
  );
