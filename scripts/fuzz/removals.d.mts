export interface Removal {
  /** In dist/. */
  readonly file: string;
  readonly kind: "throw" | "limit" | "low" | "high" | "part";
  readonly at: number;
  readonly find: string;
  readonly put: string;
  /** The line as it was. */
  readonly line: string;
}

export function removalsOf(dist: string): readonly Removal[];
export function unnoticeable(removal: Removal): string | null;
