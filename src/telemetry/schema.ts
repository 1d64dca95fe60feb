import { z } from "zod";
import type { ByteTotals, TelemetryEvent, TelemetryRecord } from "./event.ts";

const text = z.string().max(4_096);
const count = z.int().nonnegative();
/** JSON has no NaN: a loss that diverged arrives as null. */
const loss = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const bytes: z.ZodType<ByteTotals> = z.object({
  uplink: count,
  downlink: count,
  total: count,
  denseUplink: count,
  denseDownlink: count,
  denseTotal: count,
  ratioTotal: z.number().nonnegative(),
});

type Shapes = {
  readonly [T in TelemetryEvent["type"]]: z.ZodType<Omit<Extract<TelemetryEvent, { type: T }>, "type">>;
};

const shapes: Shapes = {
  "run.started": z.object({
    name: text,
    engine: text.nullable(),
    seed: count,
    model: z.object({ name: text, numParams: count, denseBytes: count }),
    rounds: count,
    resumedFromVersion: count.nullable(),
  }),
  "journal.repaired": z.object({
    what: z.enum(["torn-tail", "snapshot", "stale-segment", "leftover"]),
    file: text,
    bytes: count,
  }),
  "coordinator.stalled": z.object({ folder: text, detail: text }),
  "coordinator.resumed": z.object({ folder: text, waitedMs: z.number().nonnegative() }),
  "client.joined": z.object({ clientId: text, numExamples: count }),
  "client.left": z.object({ clientId: text }),
  "client.refused": z.object({ clientId: text, code: text, detail: text }),
  "round.opened": z.object({ round: count, baseVersion: count, cohort: count }),
  "run.paused": z.object({ round: count.nullable(), abandoned: z.boolean() }),
  "run.resumed": z.object({}),
  "model.fetched": z.object({
    clientId: text,
    version: count,
    kind: z.enum(["origin", "delta", "patch", "checkpoint"]),
    frames: count,
    bytes: count,
  }),
  "report.accepted": z.object({
    clientId: text,
    round: count,
    bytes: count,
    numExamples: count,
    trainLoss: loss,
    density: z.number().min(0).max(1),
  }),
  "report.refused": z.object({ clientId: text, round: count, bytes: count, code: text, detail: text }),
  "round.abandoned": z.object({ round: count, reports: count, minimum: count }),
  "round.committed": z.object({
    round: count,
    version: count,
    digest: text,
    reports: count,
    deltaBytes: count,
    bytes,
  }),
  "model.evaluated": z.object({
    version: count,
    accuracy: z.number().min(0).max(1),
    loss,
    auc: z.number().min(0).max(1).optional(),
    bytes,
  }),
  "student.shipped": z.object({
    path: text,
    numParams: count,
    bytes: count,
    accuracy: z.number().min(0).max(1),
  }),
  "telemetry.dropped": z.object({ sink: text, events: count }),
  "run.finished": z.object({
    outcome: z.enum(["done", "failed", "interrupted"]),
    detail: text,
    version: count,
    bytes,
    socketBytes: z.object({ received: count, sent: count }).nullable(),
  }),
};

const envelope = z.object({
  runId: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  sequence: z.int().positive(),
  atMs: z.number().nonnegative(),
  event: z.looseObject({ type: z.string() }),
});

/** A record out of a stranger's bytes: known fields only, of the known shape. Null when it is not one. */
export function parseRecord(json: Uint8Array): TelemetryRecord | null {
  const record = envelope.safeParse(parseJson(json));
  if (!record.success) return null;
  const { type } = record.data.event;
  if (!Object.hasOwn(shapes, type)) return null;
  const event = shapes[type as TelemetryEvent["type"]].safeParse(record.data.event);
  if (!event.success) return null;
  return { ...record.data, event: { type, ...event.data } as TelemetryEvent };
}

function parseJson(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    return undefined;
  }
}
