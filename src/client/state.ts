import type { Residual } from "../compress/error-feedback.ts";
import { WireError } from "../model/error.ts";
import type { Model } from "../model/message.ts";
import type { ReportId } from "../model/protocol.ts";
import type { Tensor } from "../model/tensor.ts";
import { crc32c } from "../wire/checksum.ts";

/** What a client keeps between rounds and over restarts; it belongs to one run. */
export interface ClientState {
  readonly runId: string;
  /** The global model as it was last received. */
  readonly held: Model & { readonly digest: string };
  /** Error feedback's memory; null before the first report. */
  readonly residual: Residual | null;
  /** The report whose verdict is not known yet. */
  readonly pending: Pending | null;
}

export interface Pending {
  readonly report: ReportId;
  /** The same bytes go out again when the receipt was lost. */
  readonly frame: Uint8Array;
  /** What the residual goes back to when the report comes to nothing. */
  readonly residualBefore: Residual;
}

/** Where a client's state is kept. */
export interface StateStore {
  load(): Promise<ClientState | null>;
  save(state: ClientState): Promise<void>;
}

const MAGIC = "fedpress-client-state-1\n";

/** Local file format: magic, `u32 head length`, head as JSON, arrays and frame, CRC-32C of all before it. */
export function encodeState(state: ClientState): Uint8Array {
  const parts: Uint8Array[] = [];
  const put = (array: Float32Array | Uint8Array): number => {
    parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return array.length;
  };
  const putResidual = (residual: Residual) =>
    residual.map((vector) => (vector === null ? null : put(vector)));
  const { held, residual, pending } = state;
  const head = {
    runId: state.runId,
    version: held.version,
    digest: held.digest,
    tensors: [...held.params].map(([name, { shape, data }]) => ({ name, shape, length: put(data) })),
    residual: residual && putResidual(residual),
    pending: pending && {
      report: pending.report,
      residualBefore: putResidual(pending.residualBefore),
      frame: put(pending.frame),
    },
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const size = MAGIC.length + 4 + json.length + parts.reduce((n, part) => n + part.length, 0) + 4;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  let at = MAGIC.length;
  view.setUint32(at, json.length, true);
  bytes.set(json, (at += 4));
  at += json.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, crc32c(bytes.subarray(0, at)), true);
  return bytes;
}

/** Throws WireError when the file is not a state, or damaged. */
export function decodeState(bytes: Uint8Array): ClientState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < MAGIC.length + 8 || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw new WireError("bad-magic", "client state", "not a fedpress client state");
  const end = bytes.length - 4;
  if (crc32c(bytes.subarray(0, end)) !== view.getUint32(end, true))
    throw new WireError("bad-checksum", "client state", "the file is damaged");
  const headLength = view.getUint32(MAGIC.length, true);
  let at = MAGIC.length + 4;
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(at, (at += headLength))));
  const take = (length: number): Float32Array => new Float32Array(bytes.slice(at, (at += 4 * length)).buffer);
  const takeResidual = (lengths: readonly (number | null)[]): Residual =>
    lengths.map((length) => (length === null ? null : take(length)));
  const params = new Map<string, Tensor>();
  for (const { name, shape, length } of head.tensors) params.set(name, { shape, data: take(length) });
  const residual = head.residual && takeResidual(head.residual);
  const pending = head.pending && {
    report: head.pending.report,
    residualBefore: takeResidual(head.pending.residualBefore),
    frame: bytes.slice(at, at + head.pending.frame),
  };
  return {
    runId: head.runId,
    held: { version: head.version, digest: head.digest, params },
    residual,
    pending,
  };
}
