import { assert } from "./assert.ts";

/**
 * Files as fedpress needs them, by name within one folder. Behind it: node:fs, or a disk that a test can tear. What fails
 * rejects with the error of the system; one without room has a `code` of its own (`isDiskFull`). A crash may leave files
 * called `*.tmp`, of writes that came to nothing.
 */
export interface Disk {
  /** The names of all files, in order; none where there is no folder yet. */
  list(): Promise<readonly string[]>;
  /** The whole file; null when there is none. */
  read(name: string): Promise<Uint8Array | null>;
  /** A new file, as one step; false when there is one of that name already, of whoever it is. Durable once resolved. */
  create(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Replaces the file as one step: after a crash it is the old one or the new one. Durable once resolved. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * Puts the bytes at byte `at`: in the file or at its end; at 0 there need be none. What is behind them stays, so that
   * doing it again, whoever read meanwhile, changes nothing. A failed one may have left some of them. Once resolved, the
   * whole file is durable.
   */
  extend(name: string, at: number, bytes: Uint8Array): Promise<void>;
  /** Makes the file durable as it is, if there is one. */
  flush(name: string): Promise<void>;
  /** Takes away those of the files that are there. Durable once resolved; after a crash before, some may be gone. */
  remove(names: readonly string[]): Promise<void>;
}

/** Names are those of files within the folder, nothing that leads out of it. */
export function checkFileName(name: string): void {
  assert(/^[A-Za-z0-9_][\w.-]{0,199}$/.test(name), `${JSON.stringify(name)} is the name of a file`);
}

/** The file after bytes were put at `at`, as `Disk.extend` does it, and with its errors. */
export function extended(file: Uint8Array | null, at: number, bytes: Uint8Array): Uint8Array {
  if (file === null && at > 0) throw Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });
  const before = file ?? new Uint8Array();
  assert(at <= before.length, `${at} is in the file of ${before.length} bytes, or its end`);
  const after = new Uint8Array(Math.max(before.length, at + bytes.length));
  after.set(before);
  after.set(bytes, at);
  return after;
}
