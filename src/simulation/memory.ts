import type { ClientState, StateStore } from "../client/state.ts";
import type { Disk } from "../model/disk.ts";

/** A disk that lasts as long as the process. */
export function memoryDisk(): Disk {
  const files = new Map<string, Uint8Array>();
  return {
    read: async (name) => files.get(name) ?? null,
    write: async (name, bytes) => {
      files.set(name, bytes.slice());
    },
    append: async (name, bytes) => {
      const before = files.get(name) ?? new Uint8Array();
      const after = new Uint8Array(before.length + bytes.length);
      after.set(before);
      after.set(bytes, before.length);
      files.set(name, after);
    },
    truncate: async (name, length) => {
      files.set(name, (files.get(name) ?? new Uint8Array()).slice(0, length));
    },
  };
}

/** A disk for journals that nobody will read again: what is appended is durable at once, and gone. */
export const discardingDisk = (): Disk => ({
  read: async () => null,
  write: async () => {},
  append: async () => {},
  truncate: async () => {},
});

export function memoryStore(): StateStore {
  let kept: ClientState | null = null;
  return {
    load: async () => kept,
    save: async (state) => {
      kept = state;
    },
  };
}
