import type { ClientId } from "../../model/message.ts";
import type { Download, FetchModel } from "../../model/protocol.ts";
import { transferDigest } from "../../wire/transfer-digest.ts";
import type { Desk } from "./desk.ts";

/**
 * Leads to the current version, so that a client whose task is out of date learns so when it checks in again; but to its
 * task's where its report would still count: a model that moves faster than it is fetched would never be trained. It goes
 * on where an earlier try broke when the frames are still the same.
 */
export async function download(
  { state, book, ledger, emit, durable }: Desk,
  clientId: ClientId,
  { held, version: asked, masks, resume, whole }: FetchModel,
): Promise<Download> {
  const isLate = state().late.some((one) => one.clientId === clientId && one.version === asked);
  const target = isLate ? asked : book.held().version;
  const { kind, version, frames: ofModel } = book.catchUp(held, target, whole);
  const own = masks === undefined ? null : book.masksFrame(masks);
  // the model's own masks may be among them already
  const frames =
    own === null || ofModel.some((frame) => isSameBytes(frame, own)) ? ofModel : [...ofModel, own];
  const total = frames.reduce((n, frame) => n + frame.length, 0);
  await durable(); // nobody holds a version that a power cut could take back
  const transfer = transferDigest(frames);
  const offset = resume?.transfer === transfer && resume.offset <= total ? resume.offset : 0;
  emit({ type: "model.fetched", clientId, version, kind, frames: frames.length, bytes: total - offset });
  return { frames, transfer, offset, sent: ledger.sent };
}

const isSameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
