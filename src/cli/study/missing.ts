import { formatDuration } from "../../telemetry/format.ts";
import { lockFolder } from "../lock.ts";
import { nodeDisk } from "../node-disk.ts";
import { type Cache, openCache } from "./cache.ts";
import { processPool } from "./pool.ts";

/** Runs what the cache does not have yet. */
export type RunMissing<Cell> = (cells: readonly Cell[]) => Promise<void>;

export interface Runs<Cell> {
  /** The run folder; finished runs in it are not run again. */
  readonly out: string;
  readonly keyOf: (cell: Cell) => string;
  /** The module that answers cells. */
  readonly worker: URL;
  readonly workers: number;
  /** Of the runs that such a cell is one of, for the line of progress. */
  readonly titleOf: (cell: Cell) => string;
}

/** Gives `study` a cache, and processes that fill it; they end with it. */
export async function withMissing<Cell extends object, Run, Result>(
  { out, keyOf, worker, workers, titleOf }: Runs<Cell>,
  signal: AbortSignal,
  study: (cache: Pick<Cache<Cell, Run>, "get">, runMissing: RunMissing<Cell>) => Promise<Result>,
): Promise<Result> {
  const release = lockFolder(out, "--out");
  const pool = processPool<Cell, Run>(worker, workers);
  try {
    const cache = await openCache<Cell, Run>(nodeDisk(out), keyOf);
    return await study(cache, async (cells) => {
      if (cells.length === 0) return;
      const missing = cells.filter((cell) => cache.get(cell) === undefined);
      const show = progress(titleOf(cells[0]!), cells.length, cells.length - missing.length);
      await pool.runAll(missing, signal, async (cell, run) => {
        await cache.put(cell, run);
        show();
      });
    });
  } finally {
    pool.close();
    release();
  }
}

/** One line that is written over in a terminal, and one in twenty runs elsewhere. */
function progress(what: string, total: number, before: number): () => void {
  let done = before;
  const startedMs = performance.now();
  const say = (): void => {
    const eachMs = (performance.now() - startedMs) / Math.max(1, done - before);
    const left = done > before ? `, ${formatDuration(Math.round(eachMs * (total - done)))} left` : "";
    const line = `${what}: ${done} of ${total} runs${left}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}${done === total ? "\n" : ""}`);
    else if (done === before || done === total || done % 20 === 0) process.stderr.write(`${line}\n`);
  };
  say();
  return () => {
    done++;
    say();
  };
}
