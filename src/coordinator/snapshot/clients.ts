import type { ByteReader } from "../../compress/bytes.ts";
import { WireError } from "../../model/error.ts";
import { isSameMasks } from "../../model/masks.ts";
import type { Masks } from "../../model/tensor.ts";
import type { BookState } from "../book/state.ts";
import { ROW_WORDS } from "../book/verdicts.ts";
import {
  readDouble,
  readLength,
  readMasks,
  readOptional,
  readText,
  readUint32s,
  writeDouble,
  writeMasks,
  writeOptional,
  writeText,
  writeWords,
} from "./fields.ts";
import type { Section } from "./section.ts";

/** The sections of a snapshot that hold what clients and rounds were like. */

export const round: Section<BookState["round"]> = {
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint("round", 0, 0xffffffff),
};

const EXPONENT_ZERO = 100;

export const usual: Section<BookState["usual"]> = {
  write(writer, { exponents, norms, lastLoss, usualNorm, lastSteps, bytesPerCoordinate, uncovered }) {
    for (const exponent of exponents) writer.uint8(EXPONENT_ZERO + exponent);
    writer.varint(norms.recent.length);
    for (const ofRound of norms.recent) {
      writer.varint(ofRound.length);
      for (const { clientId, norm } of ofRound) {
        writeText(writer, clientId);
        writeDouble(writer, norm);
      }
    }
    writer.varint(norms.abandonedInRow);
    for (const median of [lastLoss, usualNorm, lastSteps])
      writeOptional(writer, median, (v) => writeDouble(writer, v));
    writeDouble(writer, bytesPerCoordinate);
    for (const { rounds } of uncovered) writer.varint(rounds);
  },
  read(reader, { manifest }, first) {
    const exponents = manifest.tensors.map(
      ({ name }) => reader.uint8(`exponent ${name}`, 0, 2 * EXPONENT_ZERO) - EXPONENT_ZERO,
    );
    const recent = listOf(reader, "rounds", (i) =>
      listOf(reader, `norms ${i}`, (j) => ({
        clientId: readText(reader, `client ${i} ${j}`),
        norm: readDouble(reader, `norm ${i} ${j}`),
      })),
    );
    const abandonedInRow = reader.varint("abandoned", 0, 0xffffffff);
    const medianOf = (field: string) => readOptional(reader, `has ${field}`, () => readDouble(reader, field));
    return {
      exponents,
      norms: { recent, abandonedInRow },
      lastLoss: medianOf("last loss"),
      usualNorm: medianOf("usual norm"),
      lastSteps: medianOf("last steps"),
      bytesPerCoordinate: readDouble(reader, "bytes a coordinate"),
      uncovered: first.usual.uncovered.map(({ width }) => ({
        width,
        rounds: reader.varint(`rounds without width ${width}`, 0, 0xffffffff),
      })),
    };
  },
};

export const owners: Section<BookState["owners"]> = {
  write(writer, { rounds, given }, { manifest }) {
    writer.varint(rounds.length);
    let before: Masks | null = null;
    for (const { round: number, version, masks } of rounds) {
      writer.varint(number);
      writer.varint(version);
      // most rounds have those of the round before
      const isSame = isSameMasks(masks, before);
      writer.uint8(isSame ? AS_BEFORE : masks === null ? ALL : OWN);
      if (!isSame && masks !== null) writeMasks(writer, masks, manifest);
      before = masks;
    }
    writer.varint(given.size);
    for (const [clientId, { round: number, width }] of given) {
      writeText(writer, clientId);
      writer.varint(number);
      writeDouble(writer, width);
    }
  },
  read(reader, { manifest, limits, subModels }) {
    let masks: Masks | null = null;
    const rounds = listOf(reader, "rounds", (i) => {
      const number = reader.varint(`round ${i}`, 0, 0xffffffff);
      const version = reader.varint(`version ${i}`, 0, 0xffffffff);
      const form = reader.uint8(`masks ${i} form`, 0, OWN);
      if (form === ALL) masks = null;
      if (form === OWN) masks = readMasks(reader, `masks ${i}`, manifest, limits);
      return { round: number, version, masks };
    });
    const given = listOf(reader, "widths", (i) => {
      const clientId = readText(reader, `client ${i}`);
      const number = reader.varint(`round of client ${i}`, 0, 0xffffffff);
      const width = readDouble(reader, `width ${i}`);
      if (width !== 1 && subModels.every((one) => one.width !== width))
        throw new WireError("bad-field", reader.placed(`width ${i}`), `${width} is not one of the run's`);
      return [clientId, { round: number, width }] as const;
    });
    return { rounds, given: new Map(given) };
  },
};

const AS_BEFORE = 0;
const ALL = 1;
const OWN = 2;

export const verdicts: Section<BookState["verdicts"]> = {
  write(writer, { clients, words }) {
    writer.varint(clients.length);
    for (const clientId of clients) writeText(writer, clientId);
    writer.varint(words.length / ROW_WORDS);
    writeWords(writer, words);
  },
  read(reader) {
    const clients = listOf(reader, "clients", (i) => readText(reader, `client ${i}`));
    const words = readUint32s(reader, "reports", ROW_WORDS * readLength(reader, "number of reports"));
    for (let at = 0; at < words.length; at += ROW_WORDS)
      if (words[at]! >= clients.length)
        throw new WireError("bad-field", reader.placed("reports"), `client ${words[at]} at ${at}`);
    return { clients, words };
  },
};

const listOf = <T>(reader: ByteReader, field: string, read: (i: number) => T): readonly T[] =>
  Array.from({ length: readLength(reader, field) }, (_, i) => read(i));
