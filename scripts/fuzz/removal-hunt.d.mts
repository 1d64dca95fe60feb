import type { Removal } from "./removals.mjs";

export interface HuntedRemoval extends Removal {
  /** The target that noticed, after how many inputs (unknown when a thread was lost), and what it found. */
  readonly caught: { readonly name: string; readonly inputs?: number; readonly problem: string } | null;
}

export function huntRemovals(
  removals: readonly Removal[],
  options: {
    readonly inputs: number;
    readonly names: readonly string[];
    readonly threads: number;
    readonly hangSeconds: number;
    readonly onResult?: (result: HuntedRemoval) => void;
  },
): Promise<readonly HuntedRemoval[]>;
