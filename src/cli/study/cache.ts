import type { Disk } from "../../model/disk.ts";

/**
 * The runs that are done, kept in a file as they come, so that an interrupted study goes on where it stopped. One process
 * writes it.
 */
export interface Cache<Cell, Run> {
  readonly get: (cell: Cell) => Run | undefined;
  readonly put: (cell: Cell, run: Run) => Promise<void>;
}

const FILE = "cells.jsonl";

export async function openCache<Cell, Run>(
  disk: Disk,
  keyOf: (cell: Cell) => string,
): Promise<Cache<Cell, Run>> {
  const bytes = (await disk.read(FILE)) ?? new Uint8Array(0);
  const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
  if (whole.length < bytes.length) await disk.write(FILE, whole); // torn by a crash
  const lines = new TextDecoder().decode(whole).split("\n").filter(Boolean);
  const runs = new Map(
    lines.map((line) => {
      const { cell, run } = JSON.parse(line) as { cell: Cell; run: Run };
      return [keyOf(cell), run];
    }),
  );
  let [written, at] = [Promise.resolve(), whole.length];
  return {
    get: (cell) => runs.get(keyOf(cell)),
    put: (cell, run) => {
      runs.set(keyOf(cell), run);
      const line = new TextEncoder().encode(`${JSON.stringify({ cell, run })}\n`);
      const end = at;
      at += line.length;
      written = written.then(() => disk.extend(FILE, end, line));
      return written;
    },
  };
}

const NEWLINE = 10;
