import type { ByteReader, ByteWriter } from "../compress/bytes.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import { manifestOf } from "../model/manifest.ts";
import { MAX_NUM_EXAMPLES } from "../model/message.ts";
import { sizeOf, type Tensor } from "../model/tensor.ts";
import {
  readCount,
  readManifest,
  readName,
  readPayloadBytes,
  readPayloads,
  writeManifest,
  writeName,
  writePayloadBytes,
  writePayloads,
} from "./fields.ts";
import type {
  CheckpointFrame,
  ControlFrame,
  DeltaFrame,
  Frame,
  HistoryFrame,
  MasksFrame,
  OriginFrame,
  PatchFrame,
  StudentFrame,
  StudentGroup,
  TallyFrame,
  TallyTensor,
  UpdateFrame,
} from "./kinds.ts";
import type { Limits } from "./limits.ts";

/** What stands between head and checksum, by kind. */
interface Body<F extends Frame> {
  /** Pinned in docs/wire-format.md, never reused. */
  readonly id: number;
  readonly write: (writer: ByteWriter, frame: F) => void;
  readonly read: (reader: ByteReader, limits: Limits) => F;
}

const MAX_UINT32 = 0xffffffff;

const origin: Body<OriginFrame> = {
  id: 1,
  write(writer, { zoo, seed, digest }) {
    assert(/^[0-9a-f]{64}$/.test(digest), "a digest is 64 hex digits");
    writeName(writer, zoo);
    writer.varint(seed);
    for (let at = 0; at < 64; at += 8) writer.shortDigest(Number.parseInt(digest.slice(at, at + 8), 16));
  },
  read: (reader, limits) => ({
    kind: "origin",
    zoo: readName(reader, "zoo", limits),
    seed: reader.varint("seed", 0, MAX_UINT32),
    digest: hexOf(reader.bytes("digest", 32)),
  }),
};

const update: Body<UpdateFrame> = {
  id: 2,
  write(writer, frame) {
    assert(frame.numExamples >= 1 && frame.numExamples <= MAX_NUM_EXAMPLES, "numExamples is 1 to 2^15");
    writer.varint(frame.round);
    writer.varint(frame.baseVersion);
    writer.shortDigest(frame.manifest);
    writer.shortDigest(frame.plan);
    writer.varint(frame.numExamples);
    writer.varint(frame.numSteps);
    writer.float32(frame.trainLoss);
    writePayloads(writer, frame.payloads);
  },
  read: (reader, limits) => ({
    kind: "update",
    round: reader.varint("round", 0, MAX_UINT32),
    baseVersion: reader.varint("baseVersion", 0, MAX_UINT32),
    manifest: reader.shortDigest("manifest"),
    plan: reader.shortDigest("plan"),
    numExamples: reader.varint("numExamples", 1, MAX_NUM_EXAMPLES),
    numSteps: reader.varint("numSteps", 0, MAX_UINT32),
    trainLoss: reader.float32("trainLoss"),
    payloads: readPayloads(reader, limits),
  }),
};

const delta: Body<DeltaFrame> = {
  id: 3,
  write(writer, frame) {
    assert(frame.version >= 1, "a delta leads to version 1 or later");
    writer.varint(frame.version);
    writer.shortDigest(frame.manifest);
    writer.shortDigest(frame.plan);
    writer.shortDigest(frame.digest);
    writePayloads(writer, frame.payloads);
  },
  read: (reader, limits) => ({
    kind: "delta",
    version: reader.varint("version", 1, MAX_UINT32),
    manifest: reader.shortDigest("manifest"),
    plan: reader.shortDigest("plan"),
    digest: reader.shortDigest("digest"),
    payloads: readPayloads(reader, limits),
  }),
};

const checkpoint: Body<CheckpointFrame> = {
  id: 4,
  write(writer, { version, params }) {
    writer.varint(version);
    writeManifest(writer, manifestOf(params));
    for (const [name, { shape, data }] of params) {
      assert(data.length === sizeOf(shape), `${name} has its size`);
      writeFloats(writer, data);
    }
  },
  read(reader, limits) {
    const version = reader.varint("version", 0, MAX_UINT32);
    const { tensors } = readManifest(reader, limits);
    const params = new Map<string, Tensor>();
    for (const { name, shape } of tensors) {
      const field = `${name} data`;
      params.set(name, {
        shape,
        data: floatsOf(reader.bytes(field, 4 * sizeOf(shape)), reader.placed(field)),
      });
    }
    return { kind: "checkpoint", version, params };
  },
};

const student: Body<StudentFrame> = {
  id: 5,
  write(writer, { architecture, manifest, groups }) {
    assert(groups.length > 0, "a student has groups");
    writeName(writer, architecture);
    writeManifest(writer, manifest);
    writer.varint(groups.length);
    for (const { tensors, payload } of groups) {
      writer.varint(tensors.length);
      for (const index of tensors) writer.varint(index);
      writePayloadBytes(writer, payload);
    }
  },
  read(reader, limits) {
    const architecture = readName(reader, "architecture", limits);
    const manifest = readManifest(reader, limits);
    const numTensors = manifest.tensors.length;
    const grouped = new Set<number>();
    const groups: StudentGroup[] = [];
    const numGroups = readCount(reader, "groups", numTensors);
    for (let i = 0; i < numGroups; i++) groups.push(readGroup(reader, `group ${i}`, numTensors, grouped));
    if (grouped.size < numTensors)
      throw new WireError("bad-shape", reader.placed("groups"), `${grouped.size} of ${numTensors} tensors`);
    return { kind: "student", architecture, manifest, groups };
  },
};

const masks: Body<MasksFrame> = {
  id: 6,
  write(writer, frame) {
    writer.shortDigest(frame.manifest);
    writer.varint(frame.masks.length);
    for (const mask of frame.masks) writePayloadBytes(writer, mask);
  },
  read(reader, limits) {
    const manifest = reader.shortDigest("manifest");
    const count = readCount(reader, "masks", limits.numTensors);
    return {
      kind: "masks",
      manifest,
      masks: Array.from({ length: count }, (_, i) => readPayloadBytes(reader, `mask ${i}`)),
    };
  },
};

const MAX_WEIGHT_SUM = 2n ** 53n - 1n;
const MAX_STEPS = 2n ** 96n - 1n;
const EXPONENT_ZERO = 100;

const tally: Body<TallyFrame> = {
  id: 7,
  write(writer, frame) {
    assert(frame.numUpdates > 0 && frame.tensors.length > 0, "a tally has updates and tensors");
    writer.varint(frame.round);
    writer.varint(frame.baseVersion);
    writer.shortDigest(frame.manifest);
    writer.varint(frame.numUpdates);
    writer.wide(BigInt(frame.weightBudget), 7);
    writer.wide(BigInt(frame.total), 7);
    writer.wide(frame.steps, 12);
    writer.varint(frame.tensors.length);
    for (const { exponent, sums, owners } of frame.tensors) {
      writer.uint8(EXPONENT_ZERO + exponent);
      writePayloadBytes(writer, sums);
      writer.uint8(owners === null ? 0 : 1);
      if (owners !== null) writePayloadBytes(writer, owners);
    }
  },
  read(reader, limits) {
    const round = reader.varint("round", 0, MAX_UINT32);
    const baseVersion = reader.varint("baseVersion", 0, MAX_UINT32);
    const manifest = reader.shortDigest("manifest");
    const numUpdates = reader.varint("numUpdates", 1, MAX_UINT32);
    const weightBudget = reader.wide("weightBudget", 7, 1n, MAX_WEIGHT_SUM);
    const total = reader.wide("total", 7, 1n, weightBudget);
    const steps = reader.wide("steps", 12, 0n, MAX_STEPS);
    const count = readCount(reader, "tensors", limits.numTensors);
    const tensors = Array.from({ length: count }, (_, i): TallyTensor => {
      const exponent = reader.uint8(`tensor ${i} exponent`, 0, 2 * EXPONENT_ZERO) - EXPONENT_ZERO;
      const sums = readPayloadBytes(reader, `tensor ${i} sums`);
      const masked = reader.uint8(`tensor ${i} masked`, 0, 1);
      return { exponent, sums, owners: masked ? readPayloadBytes(reader, `tensor ${i} owners`) : null };
    });
    return {
      kind: "tally",
      round,
      baseVersion,
      manifest,
      numUpdates,
      weightBudget: Number(weightBudget),
      total: Number(total),
      steps,
      tensors,
    };
  },
};

const control: Body<ControlFrame> = {
  id: 8,
  write(writer, { version, manifest, values }) {
    assert(version >= 1 && values.length > 0, "a control variate is of version 1 or later and has values");
    writer.varint(version);
    writer.shortDigest(manifest);
    writer.varint(values.length);
    writeFloats(writer, values);
  },
  read(reader, limits) {
    const version = reader.varint("version", 1, MAX_UINT32);
    const manifest = reader.shortDigest("manifest");
    const bytes = reader.bytes("values", 4 * readCount(reader, "count", limits.numParams));
    return { kind: "control", version, manifest, values: floatsOf(bytes, reader.placed("values")) };
  },
};

const history: Body<HistoryFrame> = {
  id: 9,
  write(writer, { version, manifest, state }) {
    assert(version >= 1, "a history is of version 1 or later");
    writer.varint(version);
    writer.shortDigest(manifest);
    writePayloadBytes(writer, state);
  },
  read: (reader) => ({
    kind: "history",
    version: reader.varint("version", 1, MAX_UINT32),
    manifest: reader.shortDigest("manifest"),
    state: readPayloadBytes(reader, "state"),
  }),
};

const patch: Body<PatchFrame> = {
  id: 10,
  write(writer, frame) {
    assert(frame.version >= 1, "a patch leads to version 1 or later");
    writer.varint(frame.version);
    writer.shortDigest(frame.manifest);
    writer.shortDigest(frame.digest);
    writePayloadBytes(writer, frame.support);
    writePayloadBytes(writer, frame.planes);
  },
  read: (reader) => ({
    kind: "patch",
    version: reader.varint("version", 1, MAX_UINT32),
    manifest: reader.shortDigest("manifest"),
    digest: reader.shortDigest("digest"),
    support: readPayloadBytes(reader, "support"),
    planes: readPayloadBytes(reader, "planes"),
  }),
};

/** The kinds of frames with their pinned ids; the literal map is the registry. */
export const BODIES: { readonly [K in Frame["kind"]]: Body<Extract<Frame, { kind: K }>> } = {
  origin,
  update,
  delta,
  checkpoint,
  student,
  masks,
  tally,
  control,
  history,
  patch,
};

function readGroup(
  reader: ByteReader,
  field: string,
  numTensors: number,
  grouped: Set<number>,
): StudentGroup {
  const count = readCount(reader, `${field} tensors`, numTensors);
  const tensors: number[] = [];
  for (let i = 0; i < count; i++) {
    const index = reader.varint(`${field} tensor`, (tensors.at(-1) ?? -1) + 1, numTensors - 1);
    if (grouped.has(index))
      throw new WireError("bad-field", reader.placed(`${field} tensor`), `${index} twice`);
    grouped.add(index);
    tensors.push(index);
  }
  return { tensors, payload: readPayloadBytes(reader, `${field} payload`) };
}

function writeFloats(writer: ByteWriter, data: Float32Array): void {
  assert(data.every(Number.isFinite), "floats in a frame are finite");
  const region = writer.region(4 * data.length);
  const view = new DataView(region.buffer, region.byteOffset, region.length);
  for (let i = 0; i < data.length; i++) view.setFloat32(4 * i, data[i]!, true);
}

/** Little-endian float32s, all finite, copied into memory of their own. */
function floatsOf(bytes: Uint8Array, place: string): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data = new Float32Array(bytes.length / 4);
  for (let i = 0; i < data.length; i++) {
    const value = view.getFloat32(4 * i, true);
    if (!Number.isFinite(value)) throw new WireError("not-finite", place, `value ${i}`);
    data[i] = value;
  }
  return data;
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
