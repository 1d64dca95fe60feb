/** For what only a bug in fedpress can break; bad input throws WireError or ConfigError instead. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
