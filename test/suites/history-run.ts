import type { CoordinatorLink } from "../../src/client/link.ts";
import type { ClientState, StateStore } from "../../src/client/state.ts";
import { foldHistory } from "../../src/compress/history.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import type { Receipt } from "../../src/model/protocol.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { open, startClient, world } from "./federation.ts";
import { largeFactory, uneven } from "./history.ts";

/** Runs with all that went over the links, and clients that are killed on the way and go on from what they had saved. */

export interface Upload {
  readonly client: number;
  readonly round: number;
  readonly bytes: number;
  readonly receipt: Receipt;
}

export interface Fetched {
  readonly client: number;
  readonly version: number;
  readonly kinds: readonly string[];
  readonly bytes: number;
}

/** After its receipt of this round a client is killed, and starts again from what becomes of its state. */
export interface Restart {
  readonly client: number;
  readonly round: number;
  readonly state: (states: readonly ClientState[]) => ClientState;
}

export async function historyRun(
  settings: CoordinatorOptions,
  { restart, clients = settings.rounds.goal }: { readonly restart?: Restart; readonly clients?: number } = {},
) {
  const disk = memoryDisk();
  const virtual = world();
  const coordinator = await open(disk, virtual, settings);
  const uploads: Upload[] = [];
  const downloads: Fetched[] = [];

  const life = async (client: number, store: StateStore, until: number): Promise<boolean> => {
    let isKilled = false;
    let kill: () => Promise<void> = async () => {};
    const watched = (link: CoordinatorLink): CoordinatorLink => ({
      ...link,
      report: async (id, frame, offset, signal) => {
        const receipt = await link.report(id, frame, offset, signal);
        uploads.push({ client, round: id.round, bytes: frame.length - offset, receipt });
        if (id.round === until && receipt.kind === "accepted") {
          isKilled = true;
          await kill();
        }
        return receipt;
      },
      fetchModel: async (request, signal) => {
        const frames = await link.fetchModel(request, signal);
        const kinds = frames.map((frame) => decodeFrame(frame, defaultLimits).kind);
        const bytes = frames.reduce((n, { length }) => n + length, 0);
        downloads.push({ client, version: request.version, kinds, bytes });
        return frames;
      },
    });
    const started = startClient(client, coordinator.service, virtual, {
      trainer: uneven(virtual),
      factory: largeFactory,
      link: watched,
      store,
    });
    kill = started.kill;
    await started.end.catch((error) => {
      if (!isKilled) throw error;
    });
    return isKilled;
  };

  const whole = async (client: number): Promise<void> => {
    const states: ClientState[] = [];
    const store = memoryStore();
    const kept: StateStore = {
      load: store.load,
      save: async (state) => {
        states.push(state);
        await store.save(state);
      },
    };
    const until = restart?.client === client ? restart.round : Infinity;
    if (!(await life(client, kept, until))) return;
    await store.save(restart!.state(states));
    await life(client, kept, Infinity);
  };

  await virtual.run(Promise.all(Array.from({ length: clients }, (_, i) => whole(i + 1))));
  return { coordinator, disk, uploads, downloads, totals: coordinator.bytes.totals() };
}

/** With the right model, and beside it a history that saw something else. */
export function damaged(state: ClientState): ClientState {
  const { history, params } = state.held;
  const sent = new Map(
    [...params].map(([name, { data }]) => {
      const support = Uint32Array.from({ length: data.length >> 2 }, (_, i) => 4 * i);
      return [name, { length: data.length, support, values: new Float32Array(support.length).fill(1) }];
    }),
  );
  const other = { ...foldHistory(history!, sent), version: history!.version };
  return { ...state, held: { ...state.held, history: other } };
}
