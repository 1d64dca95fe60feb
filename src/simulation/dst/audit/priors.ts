import { decodeDelta, type Priors } from "../../../compress/error-feedback.ts";
import { firstHistory, foldHistory, type History, priorsOf, readHistory } from "../../../compress/history.ts";
import { planGroups } from "../../../compress/plan.ts";
import { usesHistory } from "../../../compress/priors.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import { WireError } from "../../../model/error.ts";
import type { Params } from "../../../model/tensor.ts";
import { decodeFrame } from "../../../wire/frame.ts";
import type { AuditContext } from "./context.ts";
import { digestAgain } from "./rounds.ts";

/** What the coders of every version know, followed from what is broadcast. The history's own functions are the codec's. */
export interface PriorAudit {
  /** Follows what a coordinator would send to who holds the version before its newest. */
  readonly published: (coordinator: Coordinator) => void;
  /** Of a version with its digest, which others may share; null without history, and where it was never seen. */
  readonly of: (version: number, digest: string | undefined) => History | null;
  /** For a report of that version. */
  readonly uplink: (version: number, digest: string | undefined) => Priors;
  readonly isUsed: boolean;
}

interface Version {
  readonly version: number;
  readonly digest: string;
  readonly params: Params;
  readonly history: History;
}

export function priorAudit({ shape, options, plan, fail }: AuditContext): PriorAudit {
  const { uplink, downlink, manifest, limits } = options.contract;
  const isUsed = usesHistory(uplink, downlink);
  const groups = planGroups(downlink, manifest, "downlink");
  const known = new Map<string, Version>();
  const remember = (one: Omit<Version, "digest">): Version => {
    const version = { ...one, digest: digestAgain(one.params) };
    known.set(keyOf(version.version, version.digest), version);
    return version;
  };
  remember({ version: 0, params: shape.initial, history: firstHistory(shape.initial) });

  /** From a version before it that is known; what leads on from there is what anybody would get. */
  const follow = (coordinator: Coordinator): void => {
    const { version, digest } = coordinator.book.held();
    if (known.has(keyOf(version, digest))) return;
    const earlier = [...known.values()].filter((one) => one.version < version).reverse();
    const [from, frames] = earlier
      .map((one) => [one, coordinator.book.catchUp(one)] as const)
      .flatMap(([one, { kind, frames }]) => (kind === "delta" ? [[one, frames] as const] : []))
      .at(0) ?? [null, []];
    if (from === null) return whole(coordinator);
    let at: Version = from;
    for (const bytes of frames) {
      const frame = decodeFrame(bytes, limits);
      if (frame.kind !== "delta") continue;
      const sent = decodeDelta(groups, frame.payloads, undefined, priorsOf(groups, at.history));
      const params = new Map(
        [...at.params].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
      );
      for (const [name, { support, values }] of sent)
        values.forEach((value, i) => {
          params.get(name)!.data[support === null ? i : support[i]!]! += value;
        });
      at = remember({ version: at.version + 1, params, history: foldHistory(at.history, sent) });
    }
    if (!known.has(keyOf(version, digest)))
      fail("broadcast", `what is sent does not lead to version ${version}`);
  };

  /** Where a whole model is shorter than its delta nobody gets the delta: what comes beside it is all that there is. */
  const whole = ({ book }: Coordinator): void => {
    const { version, params } = book.model();
    for (const bytes of book.catchUp(null, undefined, true).frames) {
      const frame = decodeFrame(bytes, limits);
      if (frame.kind === "history")
        remember({ version, params, history: readHistory(frame.state, manifest, "history") });
    }
  };

  const of: PriorAudit["of"] = (version, digest) =>
    isUsed && digest !== undefined ? (known.get(keyOf(version, digest))?.history ?? null) : null;

  return {
    isUsed,
    published: (coordinator) => {
      if (!isUsed) return;
      try {
        follow(coordinator);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        fail("broadcast", `what leads to version ${coordinator.book.held().version}: ${error.message}`);
      }
    },
    of,
    uplink: (version, digest) => {
      const history = of(version, digest);
      return history && priorsOf(plan.groups, history);
    },
  };
}

const keyOf = (version: number, digest: string): string => `${version} ${digest}`;
