import type { FuzzTarget } from "./hunt.mjs";

export function fuzzCommand(
  targets: Readonly<Record<string, () => FuzzTarget>>,
  args: readonly string[],
  ports: {
    readonly out: (text: string) => void;
    readonly status: (text: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<number>;
