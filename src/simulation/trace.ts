import type { StateStore } from "../client/state.ts";
import type { Residual } from "../compress/error-feedback.ts";
import { gather, type PlanGroup, planGroups } from "../compress/plan.ts";
import type { DownlinkObserver } from "../coordinator/book/book.ts";
import type { Config } from "../coordinator/config/config.ts";
import type { Disk } from "../model/disk.ts";
import { manifestOf } from "../model/manifest.ts";
import type { ClientId } from "../model/message.ts";
import type { Params } from "../model/tensor.ts";
import { TRACE_INDEX, type TraceVector } from "./trace-files.ts";

/** Takes down the dense vectors of a simulated run just as they are handed to the codecs. */
export interface TraceRecorder {
  /** A store that behaves like `store`; what a client saves before it reports is what it has encoded. */
  readonly uplink: (clientId: ClientId, store: StateStore) => StateStore;
  readonly downlink: DownlinkObserver;
  /** Writes what is left, and the index. Rejects when a file could not be written. */
  readonly close: () => Promise<void>;
}

/** Of a round that is recorded, the vectors of so many clients are kept: those that have trained first. */
export const MAX_CLIENTS = 3;

/**
 * Records rounds 1, 1 + everyRounds, 1 + 2 everyRounds, ... of a run: what error feedback owes is added. Files are written on the side, so that virtual time never waits for a disk.
 */
export function traceRecorder(
  config: Config,
  initial: Params,
  { disk, everyRounds }: { readonly disk: Disk; readonly everyRounds: number },
): TraceRecorder {
  const manifest = manifestOf(initial);
  const uplink = planGroups(config.uplink, manifest, "uplink");
  const downlink = planGroups(config.downlink, manifest, "downlink");
  const clientsOf = new Map<number, Set<ClientId>>();
  const vectors: TraceVector[] = [];
  let written: Promise<void> = Promise.resolve();

  const isRecorded = (round: number): boolean => (round - 1) % everyRounds === 0;

  const take = (
    from: Pick<TraceVector, "round" | "direction" | "client">,
    groups: readonly PlanGroup[],
    deltas: readonly Float32Array[],
    owed: Residual,
  ): void => {
    for (const [i, { rule, length }] of groups.entries()) {
      const file = [`round-${from.round}`, from.client ?? "coordinator", `group-${i}.f32`].join("_");
      const data = littleEndian(wanted(deltas[i]!, owed[i] ?? null));
      vectors.push({ file, ...from, rule: rule.tensors, length });
      written = written.then(() => disk.write(file, data));
      written.catch(() => {}); // `close` tells
    }
  };

  return {
    uplink: (client, store) => ({
      load: store.load,
      save(state) {
        const { pending } = state;
        if (pending !== null && isRecorded(pending.report.round)) {
          const { round } = pending.report;
          const seen = clientsOf.get(round) ?? new Set();
          clientsOf.set(round, seen);
          if (!seen.has(client) && seen.size < MAX_CLIENTS) {
            seen.add(client);
            const { delta, residualBefore } = pending;
            take({ round, direction: "uplink", client }, uplink, delta, residualBefore);
          }
        }
        return store.save(state);
      },
    }),
    downlink(round, target, owed) {
      if (!isRecorded(round)) return;
      const deltas = downlink.map((group) => gather(group, target));
      take({ round, direction: "downlink", client: null }, downlink, deltas, owed);
    },
    async close() {
      await written;
      const index = new TextEncoder().encode(`${JSON.stringify({ everyRounds, vectors }, null, 2)}\n`);
      await disk.write(TRACE_INDEX, index);
    },
  };
}

/** What is to be sent, before anything is selected or quantized: in float32, as `encodeDelta` has it. */
const wanted = (delta: Float32Array, owed: Float32Array | null): Float32Array =>
  owed === null ? delta : delta.map((v, i) => v + owed[i]!);

function littleEndian(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * vector.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of vector.entries()) view.setFloat32(4 * i, value, true);
  return bytes;
}
