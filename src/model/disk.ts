/** Files as fedpress needs them, by name within one folder. Behind it: node:fs, or a disk that a test can tear. */
export interface Disk {
  /** The whole file; null when there is none. */
  read(name: string): Promise<Uint8Array | null>;
  /** Replaces the file as one step: after a crash it is the old one or the new one. Durable once resolved. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end, creating the file when needed. Durable once resolved. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** Cuts the file to `length` bytes. Durable once resolved. */
  truncate(name: string, length: number): Promise<void>;
}
