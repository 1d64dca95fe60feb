export function findNatsServer(
  how?: "any" | "binary" | "debian",
): Promise<{ readonly path: string; readonly how: "binary" | "debian" }>;

export function startNatsServer(options: {
  readonly path: string;
  /** -1, the default, takes a free one. */
  readonly port?: number;
  readonly args?: readonly string[];
}): Promise<{
  readonly pid: number;
  readonly port: number;
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
}>;
