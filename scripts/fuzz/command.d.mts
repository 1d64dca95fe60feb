export function fuzzCommand(
  module: string,
  args: readonly string[],
  ports: {
    readonly out: (text: string) => void;
    readonly status: (text: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<number>;
