import { type Disk, extended } from "../../model/disk.ts";
import type { Chance } from "./chance.ts";
import type { Process } from "./process.ts";
import { never } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * A machine's disk. What is written is seen at once, and outlives the process; only what was flushed outlives the machine,
 * and of the rest anything may be left: some of the bytes, all of them, or zeros in their place. It knows at every moment
 * what is durable.
 */
export interface SimulatedDisk {
  /** The disk as one life of a process sees it. */
  readonly of: (process: Process) => Disk;
  /** What would be there after any crash, now. */
  readonly durable: (name: string) => Uint8Array | null;
  readonly names: () => readonly string[];
  /** What a process would find now. */
  readonly visibleNames: () => readonly string[];
  /** What a process would read now. */
  readonly visible: (name: string) => Uint8Array | null;
  /** A process died: of what it was adding some may be there. */
  readonly died: (process: Process) => void;
  /** The machine lost its power, after all of its processes died: what was not flushed may be lost. */
  readonly loseUnflushed: () => void;
  /** Until then nothing can be written. */
  readonly fill: (untilMs: number) => void;
  /** Puts other bytes in the place of a file's, for good. */
  readonly replace: (name: string, change: (bytes: Uint8Array) => Uint8Array) => void;
  /** Changes a bit of a file and gives back what undoes it. */
  readonly flip: (name: string, bit: number) => () => void;
}

/** The file as it is seen, and as it is sure to be after a crash; null: no such file. */
interface File {
  visible: Uint8Array | null;
  durable: Uint8Array | null;
  /** What was last read: a process that dies takes nothing back that another has seen. */
  seen: Uint8Array | null;
  /** Whether what is visible came about by a rename, which happens as a whole or not at all. */
  isWhole: boolean;
}

const SECTOR = 512;
const NOTHING = new Uint8Array(0);

export function simulatedDisk(
  name: string,
  time: Scheduler,
  chance: Chance,
  onDurable: () => void = () => {},
): SimulatedDisk {
  const files = new Map<string, File>();
  /** What is being added, and by whom: a death cuts it short. */
  const underWay = new Map<() => void, Process>();
  let fullUntil = 0;
  let operations = 0;
  let losses = 0;
  const fileOf = (file: string): File => {
    const known = files.get(file) ?? { visible: null, durable: null, seen: null, isWhole: false };
    files.set(file, known);
    return known;
  };

  const visibleNames = (): readonly string[] =>
    [...files].flatMap(([file, { visible }]) => (visible === null ? [] : [file]));

  /** One operation: seen after a while, durable after another, unless the process dies meanwhile. */
  const operate = (
    process: Process,
    file: string,
    change: (before: Uint8Array | null) => Uint8Array | null,
    isWhole: boolean,
  ): Promise<void> => {
    if (!process.call()) return never();
    const key = `${name} ${++operations}`;
    return new Promise((resolve, reject) => {
      const slow = chance.fault("slow-disk", key) ? chance.between(200, 8000, "slow", key) : 0;
      time.after(chance.between(0.2, 6, "disk", key) + slow / 2, () => {
        if (!process.isAlive()) return;
        const state = fileOf(file);
        const before = state.visible;
        let after: Uint8Array | null;
        try {
          after = change(before);
        } catch (error) {
          return process.deliver(() => reject(error));
        }
        if (fullUntil > time.now() && after !== null && after.length > (before?.length ?? 0)) {
          // as much as there was room for
          if (!isWhole) {
            state.visible = cut(before, after, chance.uniform("room", key));
            state.isWhole = false;
          }
          return process.deliver(() => reject(diskFull()));
        }
        state.visible = after;
        state.isWhole = isWhole;
        const fails = chance.fault("disk-error", key);
        const cutShort = (): void => {
          if (isWhole || after === null || state.visible !== after || state.seen === after) return;
          state.visible = cut(before, after, chance.uniform("written", key));
        };
        underWay.set(cutShort, process);
        time.after(chance.between(0.2, 12, "flush", key) + slow / 2, () => {
          if (!process.isAlive()) return;
          underWay.delete(cutShort);
          if (fails) return process.deliver(() => reject(inputOutput()));
          state.durable = state.visible;
          onDurable();
          time.after(0.05, () => process.deliver(resolve));
        });
      });
    });
  };

  return {
    of: (process) => {
      const look = <T>(what: () => T): Promise<T> => {
        if (!process.call()) return never();
        const ms = chance.between(0.1, 2, "read", name, ++operations);
        return new Promise((resolve) => time.after(ms, () => process.deliver(() => resolve(what()))));
      };
      return {
        list: () => look(() => [...visibleNames()].sort()),
        read: (file) =>
          look(() => {
            const state = fileOf(file);
            state.seen = state.visible;
            return state.visible?.slice() ?? null;
          }),
        create: async (file, bytes) => {
          let isNew = false;
          const copy = bytes.slice();
          await operate(
            process,
            file,
            (before) => {
              isNew = before === null;
              return before ?? copy;
            },
            true,
          );
          return isNew;
        },
        write: (file, bytes) => {
          const copy = bytes.slice();
          return operate(process, file, () => copy, true);
        },
        extend: (file, at, bytes) => {
          const copy = bytes.slice();
          return operate(process, file, (before) => extended(before, at, copy), false);
        },
        flush: (file) => operate(process, file, (before) => before, fileOf(file).isWhole),
        remove: async (names) => {
          for (const file of names) await operate(process, file, () => null, true);
        },
      };
    },
    durable: (file) => files.get(file)?.durable ?? null,
    visible: (file) => files.get(file)?.visible ?? null,
    visibleNames,
    names: () => [...files].filter(([, { durable }]) => durable !== null).map(([file]) => file),
    died: (process) => {
      for (const [cutShort, whose] of underWay)
        if (whose === process) {
          cutShort();
          underWay.delete(cutShort);
        }
    },
    loseUnflushed: () => {
      losses++;
      for (const [file, state] of files) {
        state.visible = afterLoss(state, `${name} ${file} ${losses}`, chance);
        state.durable = state.visible;
      }
      onDurable();
    },
    fill: (untilMs) => {
      fullUntil = untilMs;
    },
    replace: (file, change) => {
      const state = fileOf(file);
      if (state.visible === null) return;
      state.visible = change(state.visible);
      state.durable = state.visible;
    },
    flip: (file, bit) => {
      const turn = (): void => {
        const state = files.get(file)!;
        const turned = state.visible!.slice();
        turned[bit >> 3]! ^= 1 << (bit & 7);
        state.visible = turned;
        state.durable = turned;
      };
      turn();
      return turn;
    },
  };
}

/** Whether it is the old file and more; anything else is replaced as a whole. */
const isGrown = (before: Uint8Array | null, after: Uint8Array): boolean =>
  after.length > (before?.length ?? 0) && (before ?? NOTHING).every((byte, i) => byte === after[i]);

/** The old file and a share of what was added. */
const cut = (before: Uint8Array | null, after: Uint8Array, share: number): Uint8Array => {
  const old = before?.length ?? 0;
  return after.slice(0, old + Math.floor(share * (after.length - old)));
};

/** What is left of a file whose newest state was not flushed. */
function afterLoss({ visible, durable, isWhole }: File, key: string, chance: Chance): Uint8Array | null {
  if (visible === durable) return visible;
  const kind = chance.below(4, "lost", key);
  if (kind === 0) return durable;
  if (visible === null) return kind === 1 ? visible : durable;
  if (kind === 1 || isWhole || !isGrown(durable, visible))
    return chance.below(2, "whole", key) === 0 ? durable : visible;
  if (kind === 2) return cut(durable, visible, chance.uniform("cut", key));
  // grown to its length, but from some sector on nothing was written
  const left = visible.slice();
  const old = durable?.length ?? 0;
  const from = old + Math.floor(chance.uniform("sector", key) * (visible.length - old));
  left.fill(0, Math.max(old, Math.floor(from / SECTOR) * SECTOR));
  return left;
}

const diskFull = (): Error => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
const inputOutput = (): Error => Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
