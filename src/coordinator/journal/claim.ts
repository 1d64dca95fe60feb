import type { Disk } from "../../model/disk.ts";
import { JournalError } from "./error.ts";
import { claimName, journalFiles } from "./names.ts";

/** The right to write a folder's journal, until somebody else takes it. */
export interface Claim {
  readonly epoch: number;
  /** Throws a JournalError once somebody else has taken over. */
  readonly check: () => Promise<void>;
}

/**
 * Takes a folder over. A claim is a file that only one can create; whoever takes over removes the claims before it, and
 * only then reads. So a writer that finds its claim there after what it wrote was durable knows that it will be read.
 */
export async function claimFolder(disk: Disk): Promise<Claim> {
  const newest = async (): Promise<number> => {
    const { claims, segments } = journalFiles(await disk.list());
    return Math.max(0, ...claims, ...segments.map(({ epoch }) => epoch));
  };
  let epoch = 1 + (await newest());
  while (!(await disk.create(claimName(epoch), new Uint8Array()))) epoch++;
  const own = claimName(epoch);
  const check = async (): Promise<void> => {
    if ((await disk.read(own)) === null) throw fenced(own);
  };
  // Of those that start at one time the last goes on, whoever looked first.
  if ((await newest()) > epoch) {
    await disk.remove([own]);
    throw fenced(own);
  }
  const { claims } = journalFiles(await disk.list());
  await disk.remove(claims.filter((other) => other < epoch).map(claimName));
  return { epoch, check };
}

const fenced = (own: string): JournalError =>
  new JournalError(
    "fenced",
    own,
    "another coordinator has taken this journal over, or its folder is gone",
    "this one ends, and all that it acknowledged is in the other's hands; give each a coordinator.stateDir of its own",
  );
