import type { StateStore } from "../../../client/state.ts";
import { gather, type PlanGroup, planGroups } from "../../../compress/plan.ts";
import type { Config } from "../../../coordinator/config/config.ts";
import { loadFederated } from "../../../data/source.ts";
import { manifestOf } from "../../../model/manifest.ts";
import type { ClientId } from "../../../model/message.ts";
import type { Params, SparseVector } from "../../../model/tensor.ts";
import { federate } from "../../../simulation/federate.ts";
import type { TraceRecorder } from "../../../simulation/trace.ts";
import type { Trainer } from "../../../trainer/trainer.ts";
import { initialParams } from "../../../trainer/zoo.ts";

/** What went over the links in a run of one rule each way: vectors of all tensors, one after the other. */
export interface Recording {
  readonly initial: Params;
  readonly group: PlanGroup;
  readonly rounds: readonly RecordedRound[];
}

export interface RecordedRound {
  /** In the order in which they were encoded, all for the version before. */
  readonly uplinks: readonly { readonly client: ClientId; readonly sent: SparseVector }[];
  readonly downlink: SparseVector;
}

/** Runs a federation with the production code, and encodes once more what each end handed to its codec. */
export async function record(config: Config, trainer: Trainer, signal: AbortSignal): Promise<Recording> {
  const { clients } = await loadFederated(config.data!, config.clients, config.seed);
  const initial = initialParams(config.model.zoo, config.seed);
  const manifest = manifestOf(initial);
  const [up] = planGroups(config.uplink, manifest, "uplink");
  const [down] = planGroups(config.downlink, manifest, "downlink");
  const uplinks = new Map<number, Map<ClientId, SparseVector>>();
  const downlinks: SparseVector[] = [];
  const trace: TraceRecorder = {
    uplink: (client, store): StateStore => ({
      load: store.load,
      save(state) {
        const { pending } = state;
        if (pending !== null) {
          const ofRound = uplinks.get(pending.report.round) ?? new Map<ClientId, SparseVector>();
          uplinks.set(pending.report.round, ofRound);
          if (!ofRound.has(client))
            ofRound.set(client, encoded(up!, pending.delta[0]!, pending.residualBefore[0] ?? null));
        }
        return store.save(state);
      },
    }),
    downlink: (_, target, owed) => downlinks.push(encoded(down!, gather(down!, target), owed[0] ?? null)),
    close: async () => {},
  };
  await federate(
    {
      config,
      runId: "bench",
      initial,
      clients,
      trainer,
      evaluate: async () => null,
      emit: () => {},
      trace,
    },
    signal,
  );
  const rounds = downlinks.map((downlink, i) => ({
    downlink,
    uplinks: Array.from(uplinks.get(i + 1) ?? [], ([client, sent]) => ({ client, sent })),
  }));
  return { initial, group: down!, rounds };
}

function encoded({ codec }: PlanGroup, delta: Float32Array, owed: Float32Array | null): SparseVector {
  const wanted = owed === null ? delta : delta.map((v, i) => v + owed[i]!);
  return codec.encode(wanted, 0).sent;
}
