import { byteReader, byteWriter } from "../compress/bytes.ts";
import type { Residual } from "../compress/error-feedback.ts";
import { type History, readHistory, writeHistory } from "../compress/history.ts";
import { WireError } from "../model/error.ts";
import { manifestOf } from "../model/manifest.ts";
import type { Model } from "../model/message.ts";
import type { ReportId } from "../model/protocol.ts";
import { type Masks, type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import { crc32c } from "../wire/checksum.ts";
import { decodeFrame, encodeFrame } from "../wire/frame.ts";
import { defaultLimits } from "../wire/limits.ts";
import { decodeMasks, encodeMasks } from "../wire/masks.ts";
import type { Controls } from "./control.ts";

/** What a client keeps between rounds and over restarts; it belongs to one run. */
export interface ClientState {
  readonly runId: string;
  readonly held: Held;
  /** The client's part of the model, as it was last told; null for all of it. */
  readonly masks: HeldMasks | null;
  /** Error feedback's memory, for all of the model, owned or not; null before the first report. */
  readonly residual: Residual | null;
  /** SCAFFOLD's; both null without it. */
  readonly controls: Controls;
  /** The round that was last reported in, whatever became of it; null before the first report. */
  readonly lastRound: number | null;
  /**
   * What was trained but will never be folded, because its report was refused, its round abandoned, or what was owed
   * faded in an absence; one vector a plan group, none while nothing was. For every group with feedback: folded +
   * residual + discarded = all that was trained.
   */
  readonly discarded: readonly Float32Array[];
  /** The report whose verdict is not known yet. */
  readonly pending: Pending | null;
}

/** The global model as it was last received, and what the coders of a plan with history know of how it came about. */
export interface Held extends Model {
  readonly digest: string;
  /** Null without such a plan, and once it turned out to be another than the coordinator's: then the model is fetched again. */
  readonly history: History | null;
}

export interface HeldMasks {
  readonly digest: string;
  readonly masks: Masks;
}

export interface Pending {
  readonly report: ReportId;
  /** The same bytes go out again when the receipt was lost. */
  readonly frame: Uint8Array;
  /**
   * The same report without history, for a coordinator that has another than ours; null when it is coded without.
   */
  readonly plain: Uint8Array | null;
  /** What the residual goes back to when the report comes to nothing. */
  readonly residualBefore: Residual;
  /** What was trained for it, before the residual was added. */
  readonly delta: readonly Float32Array[];
  /** The client's own control variate once the report is folded; null without SCAFFOLD. */
  readonly ownControl: Params | null;
}

/** Where a client's state is kept. */
export interface StateStore {
  load(): Promise<ClientState | null>;
  save(state: ClientState): Promise<void>;
}

const MAGIC = new TextEncoder().encode("fedpress-client-state-4\n");
/** As the fourth, without history. */
const THIRD = new TextEncoder().encode("fedpress-client-state-3\n");

/** Local file format: magic, head as JSON with its length before it, arrays and frame, CRC-32C of all before it. */
export function encodeState({
  runId,
  held,
  masks,
  residual,
  controls,
  lastRound,
  discarded,
  pending,
}: ClientState): Uint8Array {
  const writer = byteWriter();
  const masksFrame = masks && encodeFrame(encodeMasks(masks.masks, manifestOf(held.params)));
  const history = held.history && writeHistory(held.history);
  const head = {
    runId,
    version: held.version,
    digest: held.digest,
    history: history && { stateBytes: history.length },
    tensors: [...held.params].map(([name, { shape }]) => ({ name, shape })),
    masks: masks && { digest: masks.digest, frameBytes: masksFrame!.length },
    residual: residual && lengthsOf(residual),
    controls: { shared: controls.shared !== null, own: controls.own !== null },
    lastRound,
    discarded: lengthsOf(discarded),
    pending: pending && {
      report: pending.report,
      frameBytes: pending.frame.length,
      plainBytes: pending.plain?.length ?? null,
      residualBefore: lengthsOf(pending.residualBefore),
      delta: lengthsOf(pending.delta),
      ownControl: pending.ownControl !== null,
    },
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  writer.bytes(MAGIC);
  writer.varint(json.length);
  writer.bytes(json);
  for (const params of [held.params, controls.shared, controls.own, pending?.ownControl])
    for (const { data } of params?.values() ?? []) writer.bytes(bytesOf(data));
  for (const vectors of [residual, discarded, pending?.residualBefore, pending?.delta])
    for (const vector of vectors ?? []) if (vector !== null) writer.bytes(bytesOf(vector));
  if (pending) writer.bytes(pending.frame);
  if (pending?.plain) writer.bytes(pending.plain);
  if (masksFrame) writer.bytes(masksFrame);
  if (history) writer.bytes(history);
  const body = writer.written();
  const checksum = crc32c(body);
  writer.shortDigest(checksum);
  return writer.written();
}

/** Throws WireError when the file is not a state, or damaged. */
export function decodeState(bytes: Uint8Array): ClientState {
  const place = "client state";
  const reader = byteReader(bytes, place);
  const magic = reader.bytes("magic", MAGIC.length);
  if (![MAGIC, THIRD].some((known) => known.every((byte, i) => byte === magic[i])))
    throw new WireError("bad-magic", place, "not a fedpress client state");
  const end = bytes.length - 4;
  const checksum = byteReader(bytes.subarray(end), place).shortDigest("checksum");
  if (crc32c(bytes.subarray(0, end)) !== checksum)
    throw new WireError("bad-checksum", place, "the file is damaged");

  const json = reader.bytes("head", reader.varint("head length", 0, bytes.length));
  const head = JSON.parse(new TextDecoder().decode(json));
  const floats = (length: number) => new Float32Array(reader.bytes("array", 4 * length).slice().buffer);
  const residualOf = (lengths: readonly (number | null)[]): Residual =>
    lengths.map((length) => (length === null ? null : floats(length)));
  const paramsIf = (present: boolean): Params | null => (present ? paramsOf() : null);
  const paramsOf = (): Params => {
    const params = new Map<string, Tensor>();
    for (const { name, shape } of head.tensors) params.set(name, { shape, data: floats(sizeOf(shape)) });
    return params;
  };
  const params = paramsOf();
  const controls = { shared: paramsIf(head.controls.shared), own: paramsIf(head.controls.own) };
  const ownControl = paramsIf(head.pending?.ownControl === true);
  const residual = head.residual && residualOf(head.residual);
  const discarded = head.discarded.map(floats);
  const pending = head.pending && {
    report: head.pending.report,
    residualBefore: residualOf(head.pending.residualBefore),
    delta: head.pending.delta.map(floats),
    frame: reader.bytes("frame", head.pending.frameBytes).slice(),
    plain: head.pending.plainBytes ? reader.bytes("plain", head.pending.plainBytes).slice() : null,
    ownControl,
  };
  const masks = head.masks && {
    digest: head.masks.digest,
    masks: masksIn(reader.bytes("masks", head.masks.frameBytes), params),
  };
  const history = head.history
    ? readHistory(reader.bytes("history", head.history.stateBytes), manifestOf(params), `${place} history`)
    : null;
  return {
    runId: head.runId,
    held: { version: head.version, digest: head.digest, params, history },
    masks: masks ?? null,
    residual,
    controls,
    lastRound: head.lastRound,
    discarded,
    pending,
  };
}

function masksIn(bytes: Uint8Array, params: Params): Masks {
  const frame = decodeFrame(bytes, { ...defaultLimits, frameBytes: bytes.length });
  if (frame.kind !== "masks") throw new WireError("bad-kind", "client state", frame.kind);
  return decodeMasks(frame, manifestOf(params));
}

const lengthsOf = (residual: Residual) => residual.map((vector) => vector?.length);

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);
