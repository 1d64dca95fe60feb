import { type ByteReader, byteReader, byteWriter } from "../../compress/bytes.ts";
import { WireError } from "../../model/error.ts";
import { manifestDigest } from "../../model/manifest.ts";
import { crc32c } from "../../wire/checksum.ts";
import type { BookState } from "../book/state.ts";
import { JournalError, RESTORE } from "../journal/error.ts";
import { owners, round, usual, verdicts } from "./clients.ts";
import { readDigest, writeDigest } from "./fields.ts";
import { chain, control, histories, step, teachers } from "./model.ts";
import type { Known, Section } from "./section.ts";

/** One a part of the state, in the order in which they are written. */
const SECTIONS: { readonly [K in keyof BookState]: Section<BookState[K]> } = {
  round,
  chain,
  step,
  usual,
  control,
  owners,
  teachers,
  verdicts,
  histories,
};

const NAMES = Object.keys(SECTIONS) as readonly (keyof BookState)[];

const MAGIC = new TextEncoder().encode("fedpress-book\n");
const VERSION = 2;
const CRC_BYTES = 4;
/** Of a section's length. */
const LENGTH_BYTES = 6;

/** The state as docs/snapshot.md has it: the same state is the same bytes. */
export function encodeSnapshot(state: BookState, known: Known): Uint8Array {
  const writer = byteWriter(1024);
  writer.bytes(MAGIC);
  writer.uint8(VERSION);
  writeDigest(writer, manifestDigest(known.manifest));
  const write = <K extends keyof BookState>(name: K): void => {
    const section = byteWriter(1024);
    SECTIONS[name].write(section, state[name], known);
    const bytes = section.written();
    writer.wide(BigInt(bytes.length), LENGTH_BYTES);
    writer.bytes(bytes);
  };
  for (const name of NAMES) write(name);
  writer.uint32(crc32c(writer.written()));
  return writer.written();
}

/**
 * Throws JournalError: `foreign` for what is no snapshot or one of another build, `damaged`, or `other-run`. Takes no
 * memory but for what the bytes at hand can fill.
 */
export function decodeSnapshot(bytes: Uint8Array, known: Known, first: BookState): BookState {
  const end = bytes.length - CRC_BYTES;
  if (MAGIC.some((byte, i) => byte !== bytes[i]))
    throw new JournalError("foreign", PLACE, "it is not the state of a run", RESTORE);
  const announced = end < MAGIC.length ? null : byteReader(bytes.subarray(end), PLACE).uint32("checksum");
  if (announced === null || announced !== crc32c(bytes.subarray(0, end)))
    throw new JournalError("damaged", PLACE, "its checksum differs", RESTORE);
  const reader = byteReader(bytes.subarray(MAGIC.length, end), PLACE);
  try {
    const version = reader.uint8("version", 1, VERSION);
    checkRun(readDigest(reader, "manifest"), manifestDigest(known.manifest), "model");
    const state = sectionsIn(reader, version, known, first);
    reader.end();
    const newest = state.chain.digests.length - 1;
    if (state.histories !== null && state.histories.at(-1)!.version !== newest)
      throw new WireError("wrong-base", `${PLACE}/histories`, `none is of version ${newest}`);
    checkRun(state.chain.digests[0]!, first.chain.digests[0]!, "version 0");
    return state;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new JournalError("foreign", error.place, error.message, OTHER_BUILD);
  }
}

function sectionsIn(reader: ByteReader, version: number, known: Known, first: BookState): BookState {
  const read = <K extends keyof BookState>(name: K): BookState[K] => {
    const length = Number(reader.wide(`${name} length`, LENGTH_BYTES, 0n, BigInt(reader.remaining())));
    const section = byteReader(reader.bytes(name, length), reader.placed(name));
    const value = SECTIONS[name].read(section, known, first);
    section.end();
    return value;
  };
  return {
    round: read("round"),
    chain: read("chain"),
    step: read("step"),
    usual: read("usual"),
    control: read("control"),
    owners: read("owners"),
    teachers: read("teachers"),
    verdicts: read("verdicts"),
    // version 1 had none, as no plan had history
    histories: version === 1 && first.histories === null ? null : read("histories"),
  };
}

function checkRun(digest: string, expected: string, what: string): void {
  if (digest === expected) return;
  const detail = `it is of a run with another ${what}: ${digest}, expected ${expected}`;
  throw new JournalError(
    "other-run",
    PLACE,
    detail,
    "give that run's config, or another coordinator.stateDir",
  );
}

const PLACE = "snapshot";
/** Whole, and yet not as this build reads it. */
const OTHER_BUILD = "go on with the config and the build of fedpress that wrote it";
