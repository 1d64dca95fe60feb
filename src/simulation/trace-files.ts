import type { Disk } from "../model/disk.ts";
import { ConfigError } from "../model/error.ts";
import type { ClientId } from "../model/message.ts";

/** One vector of a trace: its file holds `length` float32, little endian, and nothing else. */
export interface TraceVector {
  readonly file: string;
  readonly round: number;
  readonly direction: "uplink" | "downlink";
  /** Null for the coordinator's. */
  readonly client: ClientId | null;
  /** The pattern of tensors of the plan's rule that it belongs to. */
  readonly rule: string;
  /** Coordinates, 1 or more. */
  readonly length: number;
}

/** JSON: `everyRounds`, and `vectors` in the order in which they were encoded. */
export const TRACE_INDEX = "index.json";

/** The vectors of a recorded trace. Throws ConfigError, naming `folder`, when there is none or it does not fit its index. */
export async function readTrace(
  disk: Disk,
  folder: string,
): Promise<readonly (TraceVector & { readonly data: Float32Array })[]> {
  const problem = (value: unknown, expected: string): ConfigError =>
    new ConfigError([{ path: folder, value, expected }]);
  const index = await disk.read(TRACE_INDEX);
  if (index === null) throw problem(TRACE_INDEX, "a folder that `fedpress simulate --record` has written");
  const vectors = vectorsIn(new TextDecoder().decode(index));
  if (vectors === null) throw problem(TRACE_INDEX, "an index as `fedpress simulate --record` writes it");
  return Promise.all(
    vectors.map(async (vector) => {
      const bytes = await disk.read(vector.file);
      if (bytes?.length !== 4 * vector.length)
        throw problem(vector.file, `a file of ${4 * vector.length} bytes, it has ${bytes?.length ?? "none"}`);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const data = Float32Array.from({ length: vector.length }, (_, i) => view.getFloat32(4 * i, true));
      if (!data.every(Number.isFinite)) throw problem(vector.file, "finite numbers");
      return { ...vector, data };
    }),
  );
}

function vectorsIn(text: string): readonly TraceVector[] | null {
  try {
    const { vectors } = JSON.parse(text);
    return Array.isArray(vectors) && vectors.every(isVector) ? vectors : null;
  } catch {
    return null;
  }
}

/** File names stay within the folder. */
const isVector = (entry: Partial<TraceVector> | null): boolean =>
  entry !== null &&
  typeof entry === "object" &&
  typeof entry.file === "string" &&
  /^[\w.-]+$/.test(entry.file) &&
  (entry.direction === "uplink" || entry.direction === "downlink") &&
  typeof entry.rule === "string" &&
  Number.isInteger(entry.round) &&
  Number.isInteger(entry.length) &&
  entry.length! >= 1;
