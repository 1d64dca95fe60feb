import { expect, test } from "vitest";
import { ownedPlan } from "../../src/compress/owned.ts";
import type { Record } from "../../src/coordinator/journal/record.ts";
import { sleep } from "../../src/model/clock.ts";
import { toDense } from "../../src/model/tensor.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { decodeUpdate } from "../../src/wire/update.ts";
import { halfWay, open, options, recordsOn, startClient, type World, world } from "../suites/federation.ts";

const fleet = [1, 2, 3, 4, 5];
const never = new AbortController().signal;

/** Halfway as always, in times that differ by far; `total` is all that it learned. */
function slow(virtual: World, i: number, total: Float64Array): Trainer {
  const trainer = halfWay(virtual);
  return {
    ...trainer,
    train: async (task, signal) => {
      await sleep(virtual.clock, 1700 * i * i, signal);
      const result = await trainer.train(task, signal);
      let at = 0;
      for (const [name, { data }] of result.params)
        for (const [j, v] of data.entries()) total[at++]! += Math.fround(v - task.params.get(name)!.data[j]!);
      return result;
    },
  };
}

/** Of every client what the journal's committed rounds have of it. */
function foldedBy(records: readonly Record[], { contract }: ReturnType<typeof options>) {
  const plan = ownedPlan(contract.uplink, contract.manifest, null, "uplink");
  const sums = fleet.map(() => new Float64Array(72));
  let round: Extract<Record, { type: "accepted" }>[] = [];
  for (const record of records) {
    if (record.type === "opened") round = [];
    if (record.type === "accepted") round.push(record);
    if (record.type !== "closed" || record.outcome !== "commit") continue;
    for (const { clientId, frame } of round) {
      const message = decodeFrame(frame, contract.limits);
      if (message.kind !== "update") throw new Error("reports are updates");
      let at = 0;
      for (const { delta } of decodeUpdate(message, clientId, plan).tensors.values())
        for (const v of toDense(delta)) sums[Number(clientId.split("-")[1]) - 1]![at++]! += v;
    }
  }
  return sums;
}

test.each([
  ["buffered", { goal: 2, minimum: 1, concurrency: 5, maxStaleness: 5 }],
  ["every report a version", { goal: 1, minimum: 1, concurrency: 5, maxStaleness: 5 }],
  ["cohorts with stragglers", { goal: 3, minimum: 2, maxStaleness: 5 }],
])("a coordinator that dies again and again loses no report and counts none twice: %s", async (_, cohort) => {
  const settings = options({ rounds: 12, ...cohort });
  const disk = memoryDisk();
  const stores = fleet.map(() => memoryStore());
  const trained = fleet.map(() => new Float64Array(72));
  for (let life = 0, isOver = false; !isOver; life++) {
    let appends = 9 + (life % 5);
    const dying = {
      ...disk,
      extend: async (name: string, at: number, bytes: Uint8Array) => {
        if (--appends < 0) throw new Error("power cut");
        await disk.extend(name, at, bytes);
      },
    };
    const virtual = world();
    const coordinator = await open(dying, virtual, settings);
    const clients = fleet.map((i) => {
      const [store, trainer] = [stores[i - 1]!, slow(virtual, i, trained[i - 1]!)];
      return startClient(i, coordinator.service, virtual, { store, trainer });
    });
    isOver = await virtual.run(
      coordinator.finished.then(
        () => true,
        () => false,
      ),
    );
    const ends = clients.map(({ end }) => end);
    if (isOver) await virtual.run(Promise.race([Promise.all(ends), sleep(virtual.clock, 1e6, never)]));
    for (const { kill } of clients) await kill();
  }
  const records = await recordsOn(disk);
  const folded = foldedBy(records, settings);
  for (const [i, store] of stores.entries()) {
    const { residual, discarded, pending } = (await store.load())!;
    expect(pending).toBeNull();
    for (const [j, all] of trained[i]!.entries())
      expect(folded[i]![j]! + (residual?.[0]?.[j] ?? 0) + (discarded[0]?.[j] ?? 0)).toBeCloseTo(all, 5);
  }
});
