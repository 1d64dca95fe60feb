import { expect, test } from "vitest";
import { mapParams } from "../../../src/model/tensor.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import {
  dataset,
  dense,
  halfWay,
  open,
  options,
  recordsOn,
  startClient,
  world,
} from "../../suites/federation.ts";

/** What a client says beside its delta, and nobody can check, decides no more than that client's share. */

test("q-fedavg: a huge loss counts four times the usual one, not for everybody", async () => {
  const virtual = world();
  const disk = memoryDisk();
  const aggregation = { strategy: "q-fedavg" } as const;
  const settings = options({ rounds: 3, uplink: dense, downlink: dense, aggregation });
  const coordinator = await open(disk, virtual, settings);
  const honest = halfWay(virtual);
  const liar = {
    ...honest,
    train: async (...args: Parameters<typeof honest.train>) => ({
      ...(await honest.train(...args)),
      trainLoss: 1e30,
    }),
  };
  for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual, i === 3 ? { trainer: liar } : {});
  await virtual.run(coordinator.finished);
  const gains = (await recordsOn(disk)).flatMap((r) =>
    r.type === "accepted" && r.round === 2 ? [[r.clientId, r.weight.gain]] : [],
  );
  expect(Object.fromEntries(gains)).toEqual({
    "client-1": 2 ** 22,
    "client-2": 2 ** 22,
    "client-3": 2 ** 24,
  });
});

test("fednova: no more local steps count than the examples make, whatever the cap on weights", async () => {
  const after = async (claimedSteps: number, weightCap = 2 ** 15) => {
    const virtual = world();
    const { contract, rounds, ...rest } = options({ rounds: 1, uplink: dense, downlink: dense });
    const train = { ...contract.train, perStep: true } as const;
    const aggregation = { ...contract.aggregation, strategy: "fednova", weightCap } as const;
    const settings = { ...rest, rounds, contract: { ...contract, train, aggregation } };
    const coordinator = await open(memoryDisk(), virtual, settings);
    const honest = halfWay(virtual);
    const liar = {
      ...honest,
      train: async (...args: Parameters<typeof honest.train>) => {
        const { params } = await honest.train(...args);
        // the client divides by the steps that it claims
        const scaled = mapParams(params, ({ data }) => data.map((v) => claimedSteps * v));
        return { params: scaled, trainLoss: 1, numSteps: claimedSteps };
      },
    };
    for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual, i === 3 ? { trainer: liar } : {});
    await virtual.run(coordinator.finished);
    return coordinator.book.model().params.get("b")!.data;
  };
  const moves = [1, 2, 3].map((i) => dataset(i).inputs.map((v) => 0.5 * v));
  // clients have 2, 3 and 4 examples, one a batch; the first two took one step
  const expected = (steps: number, weights: readonly number[]) => {
    const total = weights.reduce((sum, w) => sum + w, 0);
    const mean = (v: readonly number[]) => v.reduce((sum, x, i) => sum + x * weights[i]!, 0) / total;
    return Array.from({ length: 8 }, (_, j) => mean(moves.map((m) => m[64 + j]!)) * mean([1, 1, steps]));
  };
  const close = (got: Float32Array, want: readonly number[]) => {
    for (const [j, v] of got.entries()) expect(v).toBeCloseTo(want[j]!, 5);
  };
  close(await after(4), expected(4, [2, 3, 4]));
  close(await after(2 ** 20), expected(4, [2, 3, 4]));
  close(await after(2 ** 20, 2), expected(4, [2, 2, 2]));
});

test("fednova: steps beyond four times the last round's median do not lengthen the step of all", async () => {
  const virtual = world();
  const { contract, ...rest } = options({ rounds: 3, uplink: dense, downlink: dense });
  const train = { ...contract.train, epochs: 100, perStep: true } as const;
  const aggregation = { ...contract.aggregation, strategy: "fednova" } as const;
  const settings = { ...rest, contract: { ...contract, train, aggregation } };
  const coordinator = await open(memoryDisk(), virtual, settings);
  const honest = halfWay(virtual);
  /** Moves coordinate 64 by one a step, and every other by nothing. */
  const stepping = (numSteps: (round: number) => number) => {
    let round = 0;
    return {
      ...honest,
      train: async ({ params }: Parameters<typeof honest.train>[0]) => {
        const steps = numSteps(++round);
        const moved = mapParams(params, ({ data }, name) =>
          data.map((v, i) => (name === "b" && i === 0 ? v + steps / 1024 : v)),
        );
        return { params: moved, trainLoss: 1, numSteps: steps };
      },
    };
  };
  for (const i of [1, 2, 3]) {
    const trainer = stepping((round) => (i === 3 && round > 1 ? 400 : 10));
    startClient(i, coordinator.service, virtual, { trainer });
  }
  await virtual.run(coordinator.finished);
  // weights are 2, 3 and 4; in the second round 40 of 400 steps count, and in the third the median is still 10
  const mean = (steps: number) => (2 * 10 + 3 * 10 + 4 * steps) / 9;
  const b = coordinator.book.model().params.get("b")!.data[0]!;
  expect(b).toBeCloseTo((mean(10) + 2 * mean(40)) / 1024, 5);
});

test("q-fedavg: a loss of next to nothing does not stop the step of all", async () => {
  const after = async (claimedLoss: number) => {
    const virtual = world();
    const aggregation = { strategy: "q-fedavg", fairness: 0.1 } as const;
    const settings = options({ rounds: 2, uplink: dense, downlink: dense, aggregation });
    const coordinator = await open(memoryDisk(), virtual, settings);
    const honest = halfWay(virtual);
    let round = 0;
    const liar = {
      ...honest,
      train: async (...args: Parameters<typeof honest.train>) => ({
        ...(await honest.train(...args)),
        trainLoss: ++round === 1 ? 0.5 : claimedLoss,
      }),
    };
    const moved: number[] = [];
    for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual, i === 3 ? { trainer: liar } : {});
    await virtual.run(coordinator.finished);
    for (const { data } of coordinator.book.model().params.values()) moved.push(...data);
    return Math.hypot(...moved);
  };
  expect(await after(1e-30)).toBeGreaterThan(0.9 * (await after(0.5)));
});

test("one long report does not make all seem long, so that slow links keep their width", async () => {
  const virtual = world();
  const uplink = [
    { tensors: "*", codec: { select: { threshold: 1e-9 }, values: "float32" }, errorFeedback: true },
  ] as const;
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 1, uplink, downlink: dense }));
  const honest = halfWay(virtual);
  const short = {
    ...honest,
    train: async (...args: Parameters<typeof honest.train>) => {
      const result = await honest.train(...args);
      const params = mapParams(result.params, ({ data }) => data.map((v, i) => (i === 0 ? v : 0)));
      return { ...result, params };
    },
  };
  for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual, i < 3 ? { trainer: short } : {});
  await virtual.run(coordinator.finished);
  const bytes = coordinator.events.flatMap((e) => (e.type === "report.accepted" ? [e.bytes] : []));
  expect(Math.max(...bytes)).toBeGreaterThan(4 * 72);
  expect(coordinator.book.bytesPerCoordinate()).toBe(Math.min(...bytes) / 72);
});

test("fednova: a client's model is all of its steps away, for an ensemble of teachers", async () => {
  const virtual = world();
  const { contract, ...rest } = options({ rounds: 1, uplink: dense, downlink: dense });
  const train = { ...contract.train, epochs: 4, perStep: true } as const;
  const aggregation = { ...contract.aggregation, strategy: "fednova" } as const;
  const settings = { ...rest, contract: { ...contract, train, aggregation, keepsUpdates: true } };
  const coordinator = await open(memoryDisk(), virtual, settings);
  const honest = halfWay(virtual);
  const inFour = {
    ...honest,
    train: async (...args: Parameters<typeof honest.train>) => ({
      ...(await honest.train(...args)),
      numSteps: 4,
    }),
  };
  for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual, { trainer: inFour });
  await virtual.run(coordinator.finished);
  const models = coordinator.book.lastClientModels();
  expect(models.length).toBe(3);
  for (const [i, model] of models.entries())
    expect(model.get("a")!.data).toEqual(
      dataset(i + 1)
        .inputs.subarray(0, 64)
        .map((v) => 0.5 * v),
    );
});
