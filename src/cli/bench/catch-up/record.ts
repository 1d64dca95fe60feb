import type { Book } from "../../../coordinator/book/book.ts";
import { bytesOf } from "../../../coordinator/book/restart.ts";
import type { Config } from "../../../coordinator/config/config.ts";
import { loadFederated } from "../../../data/source.ts";
import { assert } from "../../../model/assert.ts";
import { manifestOf, modelDigest, numParams } from "../../../model/manifest.ts";
import { federate } from "../../../simulation/federate.ts";
import type { Trainer } from "../../../trainer/trainer.ts";
import { initialParams } from "../../../trainer/zoo.ts";
import { decodeFrame, encodeFrame } from "../../../wire/frame.ts";
import { defaultLimits } from "../../../wire/limits.ts";
import { encodePatch, numDiffering } from "../../../wire/patch.ts";

/** A run of which the size of every delta is known, and the bytes of what else leads to its newest version. */
export interface RecordedVersions {
  /** Of the coordinator, after the last round. */
  readonly book: Book;
  /** Of all versions from 0 on. */
  readonly digests: readonly string[];
  /** Of the frames that lead to a version from the one before, by version; nothing leads to version 0. */
  readonly deltaBytes: readonly number[];
  readonly originBytes: number;
  readonly patchBytes: number;
  readonly checkpointBytes: number;
  /** Of what comes with either of these: the history, where the plan has one. */
  readonly besideBytes: number;
  readonly params: number;
  readonly differing: number;
}

/** Runs a federation with the production code, where every client follows every version, and weighs what its links carry. */
export async function recordVersions(
  config: Config,
  trainer: Trainer,
  signal: AbortSignal,
  onVersion: (version: number) => void,
): Promise<RecordedVersions> {
  const { clients } = await loadFederated(config.data!, config.clients, config.seed);
  const initial = initialParams(config.model.zoo, config.seed);
  const digests = [modelDigest(initial)];
  const deltaBytes = [0];
  let originBytes = 0;
  const { coordinator } = await federate(
    {
      config,
      runId: "bench",
      initial,
      clients,
      trainer,
      evaluate: async (params) => {
        onVersion(digests.push(modelDigest(params)) - 1);
        return null;
      },
      emit: () => {},
      tap: (bytes) => {
        const frame = decodeFrame(bytes, defaultLimits);
        if (frame.kind === "origin") originBytes = bytes.length;
        if (frame.kind === "delta") deltaBytes[frame.version] = bytes.length;
      },
    },
    signal,
  );
  const { book } = coordinator;
  const { version, params } = book.model();
  deltaBytes[version] = book.lastDeltaBytes(); // nobody fetches the last
  assert(digests.length === version + 1 && digests[version] === book.held().digest, "each version was seen");
  assert(Object.keys(deltaBytes).length === version + 1, "each delta was fetched");
  const [checkpoint, ...beside] = book.catchUp(null, undefined, true).frames;
  return {
    book,
    digests,
    deltaBytes,
    originBytes,
    patchBytes: encodeFrame(encodePatch(version, initial, params, null)).length,
    checkpointBytes: checkpoint!.length,
    besideBytes: bytesOf(beside),
    params: numParams(manifestOf(initial)),
    differing: numDiffering(initial, params, null),
  };
}
