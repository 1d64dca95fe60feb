import { expect, test } from "vitest";
import { type PlanGroup, planGroups } from "../../src/compress/plan.ts";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import { ConfigError } from "../../src/model/error.ts";
import { manifestOf, numParams } from "../../src/model/manifest.ts";
import { derive } from "../../src/model/rng.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { federate } from "../../src/simulation/federate.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { MAX_CLIENTS, type TraceRecorder, traceRecorder } from "../../src/simulation/trace.ts";
import { readTrace } from "../../src/simulation/trace-files.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";

const numClients = MAX_CLIENTS + 2;
const rule = { codec: { select: { topK: 0.05 }, values: "ternary" }, errorFeedback: true };
const config = parseConfig({
  name: "traced",
  seed: 3,
  rounds: 4,
  clients: numClients,
  model: { zoo: "tiny-cnn" },
  cohort: { goal: numClients },
  uplink: [
    { tensors: "*/bias", codec: { values: "float16" } },
    { tensors: "*", ...rule },
  ],
  downlink: [{ tensors: "*", ...rule }],
});
const initial = initialParams("tiny-cnn", 3);
const manifest = manifestOf(initial);

/** Learns noise that depends on the task alone. */
const noisy: Trainer = {
  engine: "by hand",
  train: async ({ params, seed }) => {
    const rng = derive(seed, "noise");
    const next = mapParams(params, ({ data }) => data.map((v) => v + (rng.uniform() - 0.5) ** 3));
    return { params: next, numSteps: 1, trainLoss: 0.5 };
  },
  evaluate: async () => ({ accuracy: 0, loss: 0 }),
  predict: async () => new Float32Array(),
  close: async () => {},
};

async function run(trace?: TraceRecorder) {
  const dataset = { inputShape: [1], numClasses: 2, inputs: new Float32Array(4), labels: new Int32Array(4) };
  const { coordinator } = await federate(
    {
      config,
      runId: "traced",
      initial,
      clients: Array.from({ length: numClients }, () => dataset),
      trainer: noisy,
      evaluate: async () => null,
      emit: () => {},
      ...(trace && { trace }),
    },
    new AbortController().signal,
  );
  return coordinator.book;
}

const payloadsOf = (frame: Uint8Array): readonly Uint8Array[] => {
  const decoded = decodeFrame(frame, defaultLimits);
  return "payloads" in decoded ? decoded.payloads : [];
};

/** A codec that leaves nothing to chance makes the same bytes of the recorded vector, whatever the seed. */
const encoded = (groups: readonly PlanGroup[], vectors: readonly { readonly data: Float32Array }[]) =>
  vectors.map(({ data }, i) => groups[i]!.codec.encode(data, 0).payload);

test("a trace holds the very vectors that went into the frames of every other round, and changes nothing", async () => {
  const disk = memoryDisk();
  const trace = traceRecorder(config, initial, { disk, everyRounds: 2 });
  const frames = new Map<string, Uint8Array>();
  const book = await run({
    ...trace,
    uplink(clientId, store) {
      const traced = trace.uplink(clientId, store);
      return {
        load: traced.load,
        save(state) {
          const { pending } = state;
          if (pending !== null) frames.set(`${clientId} ${pending.report.round}`, pending.frame);
          return traced.save(state);
        },
      };
    },
  });
  await trace.close();
  expect(book.held()).toEqual((await run()).held());

  const vectors = await readTrace(disk, "trace");
  const up = planGroups(config.uplink, manifest, "uplink");
  const down = planGroups(config.downlink, manifest, "downlink");
  const { frames: deltas } = book.catchUp(null);
  for (const round of [1, 3]) {
    const ofRound = vectors.filter((vector) => vector.round === round);
    const clients = [...new Set(ofRound.flatMap(({ client }) => client ?? []))];
    expect(clients.length).toBe(MAX_CLIENTS);
    for (const client of clients) {
      const ofClient = ofRound.filter((vector) => vector.client === client);
      expect(ofClient.map(({ direction, rule: of, length }) => [direction, of, length])).toEqual(
        up.map((group) => ["uplink", group.rule.tensors, group.length]),
      );
      expect(encoded(up, ofClient)).toEqual(payloadsOf(frames.get(`${client} ${round}`)!));
    }
    const ofServer = ofRound.filter(({ direction }) => direction === "downlink");
    expect(ofServer.map(({ client, rule: of, length }) => [client, of, length])).toEqual([
      [null, "*", numParams(manifest)],
    ]);
    expect(encoded(down, ofServer)).toEqual(payloadsOf(deltas[round]!));
  }
  expect(new Set(vectors.map(({ round }) => round))).toEqual(new Set([1, 3]));
});

test("a disk that fails does not disturb the run; closing tells", async () => {
  const disk = { ...memoryDisk(), write: () => Promise.reject(new Error("no room")) };
  const trace = traceRecorder(config, initial, { disk, everyRounds: 1 });
  expect((await run(trace)).held().version).toBe(4);
  await expect(trace.close()).rejects.toThrow("no room");
});

test("what is no trace, or does not fit its index, is refused by name", async () => {
  const disk = memoryDisk();
  const refused = (pattern: RegExp) => expect(readTrace(disk, "folder")).rejects.toThrow(pattern);
  await refused(/folder: "index.json", expected a folder that/);
  await expect(readTrace(disk, "folder")).rejects.toBeInstanceOf(ConfigError);
  const vector = { file: "a.f32", round: 1, direction: "uplink", client: "c", rule: "*", length: 2 };
  const index = (...vectors: readonly unknown[]) =>
    disk.write("index.json", new TextEncoder().encode(JSON.stringify({ everyRounds: 1, vectors })));
  await disk.write("index.json", Uint8Array.of(0x7b));
  await refused(/an index as/);
  for (const wrong of [
    null,
    7,
    { ...vector, file: "../a" },
    { ...vector, length: 0 },
    { ...vector, direction: "" },
  ]) {
    await index(wrong);
    await refused(/an index as/);
  }
  await index(vector);
  await refused(/folder: "a.f32", expected a file of 8 bytes, it has none/);
  await disk.write("a.f32", new Uint8Array(4));
  await refused(/a file of 8 bytes, it has 4/);
  await disk.write("a.f32", new Uint8Array(new Uint32Array([0, 0x7f800000]).buffer));
  await refused(/finite numbers/);
  await disk.write("a.f32", new Uint8Array(Float32Array.of(1, -2).buffer));
  expect((await readTrace(disk, "folder")).map(({ data }) => data)).toEqual([Float32Array.of(1, -2)]);
});
