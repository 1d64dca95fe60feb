/**
 * The pinned codes of everything that can be wrong with bytes from the other end. A code is never renamed or
 * reused; `docs/wire-format.md` says when each is raised.
 */
export type WireErrorCode =
  | "truncated" // the bytes end before the value does
  | "trailing" // bytes follow the value
  | "bad-magic" // not a fedpress frame
  | "bad-version" // a wire format this build does not speak
  | "bad-kind" // an unknown frame kind, or not the kind asked for here
  | "bad-checksum" // CRC-32C differs
  | "bad-field" // a field is outside its range, or not in its one canonical form
  | "too-large" // a length or count above the limit in force
  | "bad-codec" // an unknown value or position coder, or not the one agreed
  | "bad-positions" // positions not strictly rising, or beyond the length
  | "bad-shape" // sizes differ from the manifest's
  | "not-finite" // NaN or infinity where a number belongs
  | "out-of-range" // |delta| above the grid's bound
  | "bad-digest" // the content does not hash to the digest that was announced
  | "wrong-round" // for a round that is not open
  | "wrong-base" // for a model version that is not this round's base
  | "wrong-manifest" // for another model
  | "wrong-plan" // coded by another compression plan
  | "prior-mismatch"; // coded with a history that is not the one at hand

/** Bad bytes from a peer or a file: nothing was changed. `place` says where in the bytes or which field. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;
  readonly place: string;
  constructor(code: WireErrorCode, place: string, detail: string) {
    super(`${code} at ${place}: ${detail}`);
    this.code = code;
    this.place = place;
  }
}

/** One thing wrong with what a person wrote: where, what stood there, what was expected. */
export interface ConfigProblem {
  readonly path: string;
  readonly value: unknown;
  readonly expected: string;
}

/** A configuration, option or data set that cannot be used; every problem found, not just the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

function formatProblem({ path, value, expected }: ConfigProblem): string {
  const shown = value === undefined ? "missing" : written(value);
  const short = shown.length > 120 ? `${shown.slice(0, 117)}...` : shown;
  return `${path}: ${short}, expected ${expected}`;
}

function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return `an odd ${typeof value}`; // lists in lists without end, for one
  }
}
