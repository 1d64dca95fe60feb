import { derive, type Rng } from "../../model/rng.ts";

/** What may happen to a message or an operation, each at its own rate, which is drawn from the seed as well. */
export type FaultKind =
  /** A message that stalls its connection, which both ends find broken at their own time. */
  | "loss"
  /** A report that arrives once more, later, in whichever session is live. */
  | "repeat"
  /** A message that takes seconds. */
  | "delay"
  /** A transfer that breaks off, with the connection or without it. */
  | "cut"
  /** A request that is carried out, but its answer is lost. */
  | "deaf"
  /** Flipped bits in a frame under way. */
  | "flip"
  /** An operation of the disk that takes seconds. */
  | "slow-disk"
  /** An operation of the disk that fails for good. */
  | "disk-error";

const MOST: Readonly<Record<FaultKind, number>> = {
  loss: 0.08,
  repeat: 0.3,
  delay: 0.15,
  cut: 0.15,
  deaf: 0.12,
  flip: 0.08,
  "slow-disk": 0.1,
  "disk-error": 0.01,
};

/** Swarm testing: half of the kinds are off in a run, so that one does not always hide another. */
export function drawRates(seed: number): Readonly<Record<FaultKind, number>> {
  const rng = derive(seed, "rates");
  const draw = (most: number): number => {
    const rate = most * rng.uniform();
    return rng.below(2) === 0 ? 0 : rate;
  };
  return Object.fromEntries(Object.entries(MOST).map(([kind, most]) => [kind, draw(most)])) as Record<
    FaultKind,
    number
  >;
}

/** Faults that are planned for a moment. `target` is -1 for the coordinator, else a client's number. */
export type Planned =
  /** The process dies, with its machine or alone, at its so-many-th call of a port from then on. */
  | {
      readonly kind: "crash";
      readonly atMs: number;
      readonly target: number;
      readonly machine: boolean;
      readonly calls: number;
      readonly downMs: number;
      /** Of a journal that lies still, one bit is changed and then put right again. */
      readonly bit: boolean;
    }
  /** A second coordinator is started, while the first stands still for a while or runs on. */
  | { readonly kind: "take-over"; readonly atMs: number; readonly target: number; readonly forMs: number }
  /** A client is killed, and finds another history beside its model when it starts again. */
  | { readonly kind: "history"; readonly atMs: number; readonly target: number; readonly downMs: number }
  | { readonly kind: "pause"; readonly atMs: number; readonly target: number; readonly forMs: number }
  | { readonly kind: "leap"; readonly atMs: number; readonly target: number; readonly ms: number }
  | { readonly kind: "disk-full"; readonly atMs: number; readonly target: number; readonly forMs: number }
  /** An operator pauses the run, and lets it go on after a while; the open round may be abandoned. */
  | {
      readonly kind: "hold";
      readonly atMs: number;
      readonly target: number;
      readonly forMs: number;
      readonly abandon: boolean;
    }
  /** Nothing passes between a client and the coordinator, or only one way. */
  | {
      readonly kind: "partition";
      readonly atMs: number;
      readonly target: number;
      readonly forMs: number;
      readonly way: "up" | "down" | "both";
    };

/** In order of time; `untilMs` is when the world heals. */
export function drawPlan(seed: number, numClients: number, untilMs: number): readonly Planned[] {
  const rng = derive(seed, "plan");
  const some = (most: number): number => (rng.below(2) === 0 ? 0 : 1 + rng.below(most));
  const at = (): number => Math.round(untilMs * rng.uniform());
  const client = (): number => rng.below(numClients);
  const anybody = (): number => (rng.below(2) === 0 ? -1 : client());
  const crash = (target: number): Planned => ({
    kind: "crash",
    atMs: at(),
    target,
    machine: rng.below(2) === 0,
    calls: 1 + rng.below(rng.below(2) === 0 ? 1 : 24),
    downMs: Math.round(downTime(rng)),
    bit: target < 0 && rng.below(6) === 0,
  });
  const plan: Planned[] = [
    ...times(some(6), () => crash(-1)),
    ...times(some(8), () => crash(client())),
    ...times(
      some(2),
      (): Planned => ({ kind: "take-over", atMs: at(), target: -1, forMs: rng.below(2) * rng.below(20_000) }),
    ),
    ...times(
      some(3),
      (): Planned => ({ kind: "pause", atMs: at(), target: anybody(), forMs: 100 + rng.below(40_000) }),
    ),
    ...times(
      some(3),
      (): Planned => ({ kind: "leap", atMs: at(), target: anybody(), ms: 1000 + rng.below(600_000) }),
    ),
    ...times(
      some(2),
      (): Planned => ({ kind: "disk-full", atMs: at(), target: anybody(), forMs: 100 + rng.below(20_000) }),
    ),
    ...times(
      some(5),
      (): Planned => ({
        kind: "partition",
        atMs: at(),
        target: client(),
        forMs: 100 + rng.below(60_000),
        way: (["up", "down", "both"] as const)[rng.below(3)]!,
      }),
    ),
    ...times(
      some(3),
      (): Planned => ({
        kind: "hold",
        atMs: at(),
        target: -1,
        forMs: 100 + rng.below(60_000),
        abandon: rng.below(2) === 0,
      }),
    ),
  ];
  // of a stream of its own: what else happens is not another with it
  const more = derive(seed, "histories");
  for (let i = more.below(8); i > 0; i--)
    plan.push({
      kind: "history",
      atMs: Math.round(untilMs * more.uniform() ** 2),
      target: more.below(numClients),
      downMs: 10 + more.below(5000),
    });
  // who waits for room looks dead
  const stalls = derive(seed, "stalls");
  for (const one of [...plan])
    if (one.kind === "disk-full" && one.target < 0 && stalls.below(2) === 0)
      plan.push({
        ...one,
        kind: "take-over",
        atMs: Math.round(one.atMs + Math.min(one.forMs, untilMs - one.atMs) * stalls.uniform()),
        forMs: 0,
      });
  return plan.sort((a, b) => a.atMs - b.atMs);
}

const times = <T>(n: number, make: () => T): readonly T[] => Array.from({ length: n }, make);

const downTime = (rng: Rng): number =>
  rng.below(3) === 0 ? 5000 + 60_000 * rng.uniform() : 10 + 3000 * rng.uniform();
