import type { ClientState, StateStore } from "../client/state.ts";
import { checkFileName, type Disk, extended } from "../model/disk.ts";

/** A disk that lasts as long as the process. */
export function memoryDisk(): Disk {
  const files = new Map<string, Uint8Array>();
  const put = (name: string, bytes: Uint8Array): void => {
    checkFileName(name);
    files.set(name, bytes.slice());
  };
  return {
    list: async () => [...files.keys()].sort(),
    read: async (name) => files.get(name)?.slice() ?? null,
    create: async (name, bytes) => {
      if (files.has(name)) return false;
      put(name, bytes);
      return true;
    },
    write: async (name, bytes) => put(name, bytes),
    extend: async (name, at, bytes) => put(name, extended(files.get(name) ?? null, at, bytes)),
    flush: async () => {},
    remove: async (names) => {
      for (const name of names) files.delete(name);
    },
  };
}

/**
 * A disk for journals that nobody will read again: what is appended is durable at once, and gone. Only what was created is
 * known, since that tells whose the disk is.
 */
export function discardingDisk(): Disk {
  const created = memoryDisk();
  return {
    ...created,
    write: async () => {},
    extend: async () => {},
  };
}

export function memoryStore(): StateStore {
  let kept: ClientState | null = null;
  return {
    load: async () => kept,
    save: async (state) => {
      kept = state;
    },
  };
}
