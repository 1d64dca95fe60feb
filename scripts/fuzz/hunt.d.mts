export interface FuzzInput {
  readonly bytes: Uint8Array;
  /** Of the vector that the bytes are decoded for, 1 to 4096. */
  readonly length: number;
}

export interface FuzzEntry {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Something that decodes strangers' bytes. */
export interface FuzzTarget<Decoded = unknown, Entry extends FuzzEntry = FuzzEntry> {
  readonly name: string;
  /** Valid inputs, by size. */
  readonly corpus: readonly Entry[];
  /** The last touch to an input, such as its checksum. */
  finish(bytes: Uint8Array, rng: { below(n: number): number }): Uint8Array;
  decode(bytes: Uint8Array, length: number, entry: Entry): unknown;
  /** What the document says of the bytes: the code of a refusal, or what they hold. */
  expected(bytes: Uint8Array, length: number, entry: Entry): { readonly code?: string };
  /** What is wrong with what was decoded, or null. */
  check(decoded: Decoded, input: FuzzInput): string | null;
}

export interface FuzzResult {
  readonly codec: string;
  readonly from: number;
  readonly inputs: number;
  /** How many decoded, were refused with each code, or were what the hunt is for. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly failure: {
    readonly codec: string;
    readonly seed: number;
    readonly length: number;
    readonly hex: string;
    readonly problem: string;
  } | null;
}

export function hunt(
  target: FuzzTarget,
  from: number,
  inputs: number,
  onInput?: (seed: number) => void,
): FuzzResult;
