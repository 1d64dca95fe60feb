import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeSignal as decodeAnswer,
  decodeModelHeader,
  decodeReceipt,
  decodeStanding,
  encodeCheckIn,
  encodeFetch,
  encodeReportHeader,
} from "../../../src/client/grpc-link-messages.ts";
import {
  decodeFetch,
  decodeReportHeader,
  decodeSignal,
  encodeHeard,
  encodeReceipt,
  encodeReply,
  encodeStanding,
} from "../../../src/coordinator/grpc/messages.ts";
import type { CoordinatorSignal } from "../../../src/generated/fedpress/v1/CoordinatorSignal.ts";
import { Coordinator } from "../../../src/generated/service.ts";
import { WireError } from "../../../src/model/error.ts";
import type {
  CheckIn,
  CheckInReply,
  FetchModel,
  HeldModel,
  PlanRule,
  Receipt,
  Refusal,
  ReportId,
  Standing,
  Task,
  Verdict,
} from "../../../src/model/protocol.ts";
import { decodeReportId, encodeReportId } from "../../../src/wire/link-fields.ts";
import { task } from "./kit.ts";

// Values go through real protobuf bytes, from one end's half of the messages to the other's.

const { CheckIn: Stream, FetchModel: Fetch, Inquire, Report } = Coordinator.service;

const answered = (signal: CoordinatorSignal) =>
  decodeAnswer(Stream.responseDeserialize(Stream.responseSerialize(signal)));

const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const uint32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
const uint53 = fc.oneof(fc.constantFrom(0, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const hex32 = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const identifier = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/),
  fc.constant("x".repeat(128)),
);
const tensorName = fc.oneof(fc.stringMatching(/^[!-~]{1,30}$/), fc.constant("~".repeat(255)));
const held: fc.Arbitrary<HeldModel> = record({ version: uint32, digest: hex32 });
const reportId: fc.Arbitrary<ReportId> = record({ round: uint32, digest: hex32 });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

const device = fc.constantFrom(
  {},
  { memoryBytes: 1 },
  { memoryBytes: 2 ** 33, uplinkBytesPerSecond: Number.MAX_SAFE_INTEGER },
);

const checkIn: fc.Arbitrary<CheckIn> = record({
  runId: orNull(identifier),
  numExamples: fc.oneof(fc.constantFrom(1, 2 ** 15), fc.integer({ min: 1, max: 2 ** 15 })),
  held: orNull(held),
  pending: orNull(reportId),
}).chain((plain) => orNull(device).map((of) => (of === null ? plain : { ...plain, device: of })));

const fetchModel: fc.Arbitrary<FetchModel> = record({ held: orNull(held), version: uint32 }).chain((plain) =>
  fc
    .tuple(orNull(hex32), orNull(record({ transfer: hex32, offset: uint53 })))
    .map(([masks, resume]) => ({ ...plain, ...(masks !== null && { masks }), ...(resume && { resume }) })),
);

const refusal: fc.Arbitrary<Refusal> = record({
  code: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
  detail: fc.oneof(fc.string({ unit: "grapheme", maxLength: 100 }), fc.constant("d".repeat(4096))),
  retry: fc.boolean(),
}).chain((plain) =>
  orNull(fc.nat(2 ** 31 - 1)).map((retryAfterMs) =>
    retryAfterMs === null || !plain.retry ? plain : { ...plain, retryAfterMs },
  ),
);

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  record({ report: reportId, outcome: fc.constant("folded" as const), version: uint32 }),
  record({
    report: reportId,
    outcome: fc.constantFrom("dropped" as const, "refused" as const, "unknown" as const),
    version: fc.constant(null),
  }),
);

const receipt: fc.Arbitrary<Receipt> = fc.oneof(
  record({ kind: fc.constant("accepted" as const), report: reportId }),
  record({ kind: fc.constant("refused" as const), refusal }),
);

const standing: fc.Arbitrary<Standing> = fc.oneof(
  receipt,
  record({ kind: fc.constant("wanted" as const), receivedBytes: uint32 }),
);

const double = (bounds: fc.DoubleConstraints) =>
  fc.double({ noNaN: true, noDefaultInfinity: true, ...bounds });
const learningRate = double({ min: 0, minExcluded: true });

const plan: fc.Arbitrary<PlanRule[]> = fc.array(
  record({
    tensors: tensorName,
    codec: record({
      select: fc.oneof(
        fc.constant("all" as const),
        record({ topK: fc.oneof(fc.constant(1), double({ min: 0, max: 1, minExcluded: true })) }),
        record({
          topK: double({ min: 0, max: 1, minExcluded: true }),
          rateDistortion: fc.constant(true as const),
        }),
        fc
          .tuple(
            fc.oneof(
              record({ bytesPerRound: fc.integer({ min: 256, max: 2 ** 31 - 1 }) }),
              record({ secondsPerRound: double({ min: 0, minExcluded: true, max: 86_400 }) }),
            ),
            fc.boolean(),
          )
          .map(([budget, byRate]) => ({ budget, ...(byRate && { rateDistortion: true as const }) })),
        record({ threshold: double({ min: 0, minExcluded: true }) }),
        record({ randomK: double({ min: 0, max: 1, minExcluded: true }) }),
        record({ lowRank: fc.integer({ min: 1, max: 32 }) }),
        record({ rows: double({ min: 0, max: 1, minExcluded: true }) }),
        record({ filters: double({ min: 0, max: 1, minExcluded: true }) }),
        fc
          .integer({ min: 2, max: 24 })
          .chain((of) =>
            record({ blocks: record({ keep: fc.integer({ min: 1, max: of - 1 }), of: fc.constant(of) }) }),
          ),
      ),
      values: fc.oneof(
        fc.constantFrom("float32" as const, "float16" as const, "bfloat16" as const, "ternary" as const),
        fc.constant("sign" as const),
        record({ uniform: fc.integer({ min: 1, max: 8 }) }),
        record({ uniform: fc.integer({ min: 1, max: 8 }), rounding: fc.constant("stochastic" as const) }),
        record({ qsgd: fc.integer({ min: 1, max: 32767 }) }),
        record({ codebook: fc.integer({ min: 2, max: 256 }) }),
        record({ levels: fc.constantFrom(2, 3, "auto" as const) }),
        record({ eden: fc.integer({ min: 1, max: 4 }) }),
      ),
    }),
    errorFeedback: fc.boolean(),
    history: fc.boolean(),
  }).map(({ history, ...rule }) => (history ? { ...rule, history } : rule)),
  { minLength: 1, maxLength: 5 },
);

const positive = double({ min: 0, minExcluded: true });
const steps = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** What is off is left out. */
const trainOptions = fc.record(
  {
    schedule: record({
      warmUpSteps: steps,
      decay: fc.oneof(
        fc.constant("constant" as const),
        record({
          step: record({
            everySteps: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
            factor: double({ min: 0, minExcluded: true, max: 1 }),
          }),
        }),
        record({ cosine: record({ floor: double({ min: 0, max: 1 }).map((v) => v + 0) }) }),
      ),
    }),
    proximal: positive,
    clipNorm: positive,
    updateClipNorm: positive,
    weightDecay: positive,
    labelSmoothing: double({ min: 0, minExcluded: true, max: 1, maxExcluded: true }),
    augment: fc.record(
      { shift: fc.integer({ min: 1, max: 1024 }), flip: fc.constant(true), noise: positive },
      { requiredKeys: [], noNullPrototype: true },
    ),
    perStep: fc.constant(true as const),
    precision: fc.constantFrom("bfloat16" as const, "float16" as const),
    controlVariates: fc.constant(true as const),
    residualDecay: record({
      afterRounds: steps,
      factor: double({ min: 0, max: 1, maxExcluded: true }).map((v) => v + 0),
    }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const part = record({ width: double({ min: 0, max: 1, minExcluded: true }), masks: hex32 });

const tasks: fc.Arbitrary<Task> = record({
  runId: identifier,
  round: uint32,
  base: held,
  model: record({ zoo: identifier, seed: uint32 }),
  manifest: record({
    tensors: fc.oneof(
      fc.constant([{ name: "largest", shape: [2 ** 31 - 1] }]),
      fc.uniqueArray(
        record({ name: tensorName, shape: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 8 }) }),
        { minLength: 1, maxLength: 12, selector: ({ name }) => name },
      ),
    ),
  }),
  train: fc
    .tuple(
      record({
        epochs: fc.integer({ min: 1, max: 2 ** 16 }),
        batchSize: fc.integer({ min: 1, max: 2 ** 16 }),
        optimizer: fc.oneof(
          record({
            sgd: record({ learningRate, momentum: double({ min: 0, max: 1, maxExcluded: true }) }),
          }),
          record({ adam: record({ learningRate }) }),
        ),
      }),
      trainOptions,
    )
    .map(([needed, options]) => ({ ...needed, ...options })),
  uplink: plan,
  downlink: plan,
  reportDeadlineMs: fc.oneof(fc.constantFrom(1, 2 ** 31 - 1), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
  heartbeatMs: fc.oneof(fc.constantFrom(1, 2 ** 31 - 1), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
  sharedSeed: uint32,
})
  .map((task) => ({ ...task, exponents: task.manifest.tensors.map((_, i) => ((37 * i) % 201) - 100) }))
  .chain((task) => orNull(part).map((of) => (of === null ? task : { ...task, part: of })));

const reply: fc.Arbitrary<CheckInReply> = fc.oneof(
  record({ kind: fc.constant("task" as const), task: tasks, verdict: orNull(verdict) }),
  record({ kind: fc.constant("finished" as const), verdict: orNull(verdict) }),
  record({ kind: fc.constant("refused" as const), refusal }),
);

test("replies with tasks and verdicts arrive as they were sent", () => {
  fc.assert(
    fc.property(reply, (sent) => {
      expect(answered(encodeReply(sent))).toStrictEqual(sent);
    }),
    { numRuns: 500 },
  );
});

test("check-ins arrive as they were sent", () => {
  fc.assert(
    fc.property(checkIn, (sent) => {
      const bytes = Stream.requestSerialize({ checkIn: encodeCheckIn(sent) });
      expect(decodeSignal(Stream.requestDeserialize(bytes))).toStrictEqual({
        kind: "check-in",
        request: sent,
      });
    }),
  );
});

test("download requests, report headers and receipts arrive as they were sent", () => {
  fc.assert(
    fc.property(
      fetchModel,
      reportId,
      uint32,
      uint32,
      receipt,
      (request, report, frameBytes, offset, answer) => {
        const fetched = Fetch.requestDeserialize(Fetch.requestSerialize(encodeFetch(request)));
        expect(decodeFetch(fetched)).toStrictEqual(request);
        const header = encodeReportHeader(report, frameBytes, offset);
        const chunk = Report.requestDeserialize(Report.requestSerialize({ header }));
        expect(decodeReportHeader(chunk.header!)).toStrictEqual({ report, frameBytes, offset });
        const answered = Report.responseDeserialize(Report.responseSerialize(encodeReceipt(answer)));
        expect(decodeReceipt(answered)).toStrictEqual(answer);
      },
    ),
  );
});

test("inquiries, standings, heartbeats, their answers and what a download begins with arrive as they were sent", () => {
  fc.assert(
    fc.property(reportId, standing, uint32, orNull(refusal), (report, answer, round, not) => {
      const asked = Inquire.requestDeserialize(Inquire.requestSerialize(encodeReportId(report)));
      expect(decodeReportId(asked, "inquire")).toStrictEqual(report);
      const stands = Inquire.responseDeserialize(Inquire.responseSerialize(encodeStanding(answer)));
      expect(decodeStanding(stands)).toStrictEqual(answer);
      const beat = Stream.requestDeserialize(Stream.requestSerialize({ heartbeat: { round } }));
      expect(decodeSignal(beat)).toStrictEqual({ kind: "heartbeat", round });
      expect(answered({ heard: encodeHeard(round, not) })).toStrictEqual({
        kind: "heard",
        round,
        refusal: not,
      });
    }),
  );
  fc.assert(
    fc.property(hex32, fc.array(uint32), uint53, (transfer, frameBytes, offset) => {
      const header = { frameBytes, transfer: Buffer.from(transfer, "hex"), offset };
      const chunk = Fetch.responseDeserialize(Fetch.responseSerialize({ header }));
      expect(decodeModelHeader(chunk.header!)).toStrictEqual({ frameBytes, transfer, offset });
    }),
  );
});

test.each([
  ["neither accepted nor wanted nor refused", {}],
  ["standing.accepted.digest", { accepted: { round: 1 } }],
])("a standing that is %s is a wire error", (place, fields) => {
  const bytes = Inquire.responseSerialize(fields);
  expect(() => decodeStanding(Inquire.responseDeserialize(bytes))).toThrow(place);
});

test("a detail too long for the wire is cut, not refused", () => {
  const long = { code: "bad-field", detail: "d".repeat(5000), retry: false };
  const arrived = answered(encodeReply({ kind: "refused", refusal: long }));
  expect(arrived).toStrictEqual({ kind: "refused", refusal: { ...long, detail: "d".repeat(4096) } });
});

type Fields = Record<string, unknown>;

/** The fields of a good task, with one changed. */
function changed(change: (fields: Fields) => void): CoordinatorSignal {
  const good = structuredClone(encodeReply({ kind: "task", task, verdict: null }).task!.task) as Fields;
  change(good);
  return { task: { task: good } } as CoordinatorSignal;
}

const at = (fields: Fields, path: string): Fields =>
  path.split(".").reduce((o, key) => o[key] as Fields, fields);
const set = (path: string, key: string, value: unknown) =>
  changed((fields) => Object.assign(path ? at(fields, path) : fields, { [key]: value }));

const replaced = (codec: Fields) => set("uplink.0", "codec", codec);

test.each<[string, CoordinatorSignal]>([
  ["signal", {}],
  ["welcome.session", { welcome: { session: new Uint8Array(15) } }],
  ["task", { task: {} }],
  ["task.run_id", set("", "runId", "../../etc/passwd")],
  ["task.run_id", set("", "runId", "x".repeat(129))],
  ["task.base", set("", "base", null)],
  ["task.base.digest", set("base", "digest", new Uint8Array(31))],
  ["task.model", set("", "model", null)],
  ["task.model.zoo", set("model", "zoo", "")],
  ["task.manifest", set("", "manifest", null)],
  ["task.manifest.tensors.length", set("manifest", "tensors", [])],
  ["task.manifest.tensors[1].name", set("manifest.tensors.1", "name", "a b")],
  ["task.manifest", set("manifest.tensors.1", "name", "dense/kernel")],
  ["task.manifest.tensors[0].shape[1]", set("manifest.tensors.0", "shape", [4, 0])],
  ["task.manifest.tensors[0].shape.length", set("manifest.tensors.0", "shape", Array(9).fill(1))],
  ["task.manifest coordinates", set("manifest.tensors.0", "shape", Array(8).fill(2 ** 31 - 1))],
  ["task.train", set("", "train", null)],
  ["task.train.epochs", set("train", "epochs", 0)],
  ["task.train.batch_size", set("train", "batchSize", 2 ** 16 + 1)],
  ["task.train.optimizer", set("train", "sgd", null)],
  ["task.train.optimizer.learning_rate", set("train.sgd", "learningRate", Number.NaN)],
  ["task.train.optimizer.learning_rate", set("train.sgd", "learningRate", Number.POSITIVE_INFINITY)],
  ["task.train.optimizer.learning_rate", set("train.sgd", "learningRate", 0)],
  ["task.train.optimizer.momentum", set("train.sgd", "momentum", 1)],
  ["task.train.proximal", set("train", "proximal", -1)],
  ["task.train.residual_decay.factor", set("train", "residualDecay", { afterRounds: 3, factor: 1 })],
  [
    "task.train.residual_decay.after_rounds",
    set("train", "residualDecay", { afterRounds: 2 ** 31, factor: 0 }),
  ],
  ["task.train.update_clip_norm", set("train", "updateClipNorm", -1)],
  ["task.train.precision", set("train", "precision", 3)],
  ["task.train.clip_norm", set("train", "clipNorm", Number.NaN)],
  ["task.train.label_smoothing", set("train", "labelSmoothing", 1)],
  [
    "task.train.schedule.step.every_steps",
    set("train", "schedule", { step: { everySteps: 0, factor: 0.5 } }),
  ],
  ["task.train.schedule.cosine.floor", set("train", "schedule", { cosine: { floor: 1.5 } })],
  ["task.train.augment.shift", set("train", "augment", { shift: 1025 })],
  ["task.uplink.length", set("", "uplink", [])],
  ["task.uplink[0].tensors", set("uplink.0", "tensors", "")],
  ["task.uplink[0].codec", set("uplink.0", "codec", null)],
  ["task.uplink[0].codec.top_k", set("uplink.0.codec", "topK", 0)],
  ["task.uplink[0].codec.top_k", set("uplink.0.codec", "topK", 1.000001)],
  ["task.uplink[0].codec.coder", set("uplink.0.codec", "coder", "VALUE_CODER_UNSPECIFIED")],
  ["task.uplink[0].codec.coder", set("uplink.0.codec", "coder", 99)],
  ["task.downlink[0].codec.uniform_bits", set("downlink.0.codec", "uniformBits", 9)],
  ["task.uplink[0].codec.threshold", replaced({ threshold: 0, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.random_k", replaced({ randomK: 2, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.low_rank", replaced({ lowRank: 0, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.low_rank", replaced({ lowRank: 33, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.rows", replaced({ rows: 0, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.filters", replaced({ filters: 1.5, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.blocks.of", replaced({ blocks: { keep: 1, of: 25 }, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.blocks.keep", replaced({ blocks: { keep: 4, of: 4 }, coder: "VALUE_CODER_SIGN" })],
  ["task.uplink[0].codec.stochastic_bits", replaced({ stochasticBits: 0 })],
  ["task.uplink[0].codec.qsgd_levels", replaced({ qsgdLevels: 32768 })],
  ["task.uplink[0].codec.codebook", replaced({ codebook: 1 })],
  ["task.uplink[0].codec.levels", replaced({ levels: 4 })],
  ["task.uplink[0].codec.eden_bits", replaced({ edenBits: 5 })],
  ["task.uplink[0].codec.values", replaced({ topK: 0.5 })],
  ["task.exponents.length", set("", "exponents", [1, 2, 3])],
  ["task.exponents[1]", set("", "exponents", [100, 101])],
  ["task.report_deadline_ms", set("", "reportDeadlineMs", 2 ** 31)],
  ["task.heartbeat_ms", set("", "heartbeatMs", 0)],
  ["refusal.retry_after_ms", { refused: { code: "a", detail: "", retry: true, retryAfterMs: 2 ** 31 } }],
  ["refusal.retry_after_ms", { refused: { code: "a", detail: "", retryAfterMs: 1 } }],
  ["refusal.code", { heard: { round: 1, refused: { code: "" } } }],
  ["verdict.report", { finished: { verdict: { outcome: "OUTCOME_UNKNOWN" } } }],
  ["verdict.outcome", { finished: { verdict: { report: { digest: new Uint8Array(32) } } } }],
  ["verdict.version", { finished: { verdict: { outcome: "OUTCOME_FOLDED" } } }],
  ["verdict.version", { finished: { verdict: { outcome: "OUTCOME_DROPPED", version: 0 } } }],
  ["refusal.code", { refused: { code: "Not A Code", detail: "" } }],
  ["refusal.detail", { refused: { code: "a", detail: "d".repeat(4097) } }],
])("a coordinator's bad %s is a wire error that names it", (place, signal) => {
  const decode = () => answered(signal);
  expect(decode).toThrow(WireError);
  expect(decode).toThrow(`bad-field at ${place}:`);
});
