import type { ByteReader, ByteWriter } from "../../compress/bytes.ts";
import { readHistory, writeHistory } from "../../compress/history.ts";
import { WireError } from "../../model/error.ts";
import { modelDigest } from "../../model/manifest.ts";
import { type SparseVector, sizeOf } from "../../model/tensor.ts";
import type { Delta } from "../book/chain.ts";
import { MOST_HISTORIES } from "../book/histories.ts";
import type { BookState } from "../book/state.ts";
import {
  readBlock,
  readDigest,
  readDouble,
  readFlag,
  readFloats,
  readLength,
  readMasks,
  readOptional,
  readParams,
  readText,
  readUint16s,
  readUint32s,
  writeBlock,
  writeDigest,
  writeDouble,
  writeMasks,
  writeOptional,
  writeParams,
  writeText,
  writeWords,
} from "./fields.ts";
import type { Section } from "./section.ts";

/** The sections of a snapshot that hold the model and what moves it. */

export const chain: Section<BookState["chain"]> = {
  write(writer, { params, digests, deltas, masks }) {
    writer.varint(digests.length);
    for (const digest of digests) writeDigest(writer, digest);
    writeParams(writer, params);
    writer.varint(deltas.length);
    for (const { frames } of deltas) writeFrames(writer, frames);
    writeOptional(writer, masks, (frame) => writeBlock(writer, frame));
  },
  read(reader, { manifest }) {
    const digests = Array.from({ length: readLength(reader, "versions") }, (_, version) =>
      readDigest(reader, `digest ${version}`),
    );
    const params = readParams(reader, "model", manifest);
    if (modelDigest(params) !== digests.at(-1))
      throw new WireError("bad-digest", reader.placed("model"), "not the newest version's");
    const numDeltas = reader.varint("deltas", 0, digests.length - 1);
    const deltas = Array.from(
      { length: numDeltas },
      (_, i): Delta => ({
        version: digests.length - numDeltas + i,
        frames: readFrames(reader, `delta ${i}`),
      }),
    );
    const masks = readOptional(reader, "has masks", () => readBlock(reader, "masks").slice());
    return { params, digests, deltas, masks };
  },
};

export const step: Section<BookState["step"]> = {
  write(writer, { residual, optimizer, masks: { masks, ages }, previous }, { manifest }) {
    for (const vector of residual) if (vector !== null) writeWords(writer, vector);
    for (const moment of optimizer) writeParams(writer, moment);
    writeOptional(writer, masks, (owned) => writeMasks(writer, owned, manifest));
    for (const { name } of manifest.tensors)
      writeOptional(writer, ages.get(name) ?? null, (age) => writeWords(writer, age));
    writeOptional(writer, previous, (params) => writeParams(writer, params));
  },
  read(reader, { manifest, limits }, first) {
    const residual = first.step.residual.map(
      (vector, i) => vector && readFloats(reader, `residual ${i}`, vector.length),
    );
    const optimizer = first.step.optimizer.map((_, i) => readParams(reader, `moment ${i}`, manifest));
    const masks = readOptional(reader, "has masks", () => readMasks(reader, "masks", manifest, limits));
    const ages = manifest.tensors.map(({ name, shape }): [string, Uint16Array | null] => [
      name,
      readOptional(reader, `has age ${name}`, () => readUint16s(reader, `age ${name}`, sizeOf(shape))),
    ]);
    const previous = readOptional(reader, "has previous", () => readParams(reader, "previous", manifest));
    return { residual, optimizer, masks: { masks, ages: new Map(ages) }, previous };
  },
};

export const control: Section<BookState["control"]> = {
  write(writer, state) {
    if (state === null) return;
    writeParams(writer, state.control);
    writer.varint(state.folded.size);
    for (const [clientId, weight] of state.folded) {
      writeText(writer, clientId);
      writer.varint(weight);
    }
  },
  read(reader, { manifest }, first) {
    if (first.control === null) return null;
    const params = readParams(reader, "control", manifest);
    const folded = Array.from({ length: readLength(reader, "folded") }, (_, i): [string, number] => [
      readText(reader, `client ${i}`),
      reader.varint(`weight ${i}`, 0, 0xffffffff),
    ]);
    return { control: params, folded: new Map(folded) };
  },
};

export const teachers: Section<BookState["teachers"]> = {
  write: (writer, state) =>
    writeOptional(writer, state, ({ base, moves }) => {
      writeParams(writer, base);
      writer.varint(moves.length);
      for (const { steps, deltas } of moves) {
        writeDouble(writer, steps);
        for (const delta of deltas) writeSparse(writer, delta);
      }
    }),
  read: (reader, { manifest }) =>
    readOptional(reader, "are kept", () => ({
      base: readParams(reader, "base", manifest),
      moves: Array.from({ length: readLength(reader, "moves") }, (_, i) => ({
        steps: readDouble(reader, `steps ${i}`),
        deltas: manifest.tensors.map(({ name, shape }) =>
          readSparse(reader, `move ${i} ${name}`, sizeOf(shape)),
        ),
      })),
    })),
};

export const histories: Section<BookState["histories"]> = {
  write(writer, states) {
    if (states === null) return;
    writer.varint(states.length);
    for (const state of states) writeBlock(writer, writeHistory(state));
  },
  read(reader, { manifest }, first) {
    if (first.histories === null) return null;
    return Array.from({ length: reader.varint("histories", 1, MOST_HISTORIES) }, (_, i) =>
      readHistory(readBlock(reader, `history ${i}`), manifest, reader.placed(`history ${i}`)),
    );
  },
};

function writeFrames(writer: ByteWriter, frames: readonly Uint8Array[]): void {
  writer.varint(frames.length);
  for (const frame of frames) writeBlock(writer, frame);
}

const readFrames = (reader: ByteReader, field: string): readonly Uint8Array[] =>
  Array.from({ length: readLength(reader, `${field} frames`) }, (_, i) =>
    readBlock(reader, `${field} frame ${i}`).slice(),
  );

function writeSparse(writer: ByteWriter, { support, values }: SparseVector): void {
  writer.uint8(support === null ? 0 : 1);
  if (support !== null) {
    writer.varint(support.length);
    writeWords(writer, support);
  }
  writeWords(writer, values);
}

function readSparse(reader: ByteReader, field: string, length: number): SparseVector {
  if (!readFlag(reader, `${field} is sparse`))
    return { length, support: null, values: readFloats(reader, field, length) };
  const count = reader.varint(`${field} count`, 0, length);
  const support = readUint32s(reader, `${field} support`, count);
  support.forEach((at, i) => {
    if (at >= length || (i > 0 && at <= support[i - 1]!))
      throw new WireError("bad-positions", reader.placed(`${field} support`), `${at} at ${i}`);
  });
  return { length, support, values: readFloats(reader, field, count) };
}
