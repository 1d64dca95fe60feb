import { fieldsOf, Refusal, require } from "./bytes.mjs";

/**
 * What docs/wire-format.md says a frame is: { kind, payloads }, or { code } of the refusal. Every valid frame has one
 * encoding, so what its other fields say need not be compared. `limits` are the page's.
 */
export function referenceFrame(bytes, limits) {
  try {
    require(bytes.length <= limits.frameBytes, "too-large");
    for (let i = 0; i < Math.min(4, bytes.length); i++)
      require(bytes[i] === "FPRS".charCodeAt(i), "bad-magic");
    require(bytes.length >= 10, "truncated");
    require(bytes[4] === 1, "bad-version");
    const end = bytes.length - 4;
    require(fieldsOf(bytes, end).uint32() === crc32c(bytes.subarray(0, end)), "bad-checksum");
    const kind = bytes[5];
    require(kind in BODIES, "bad-kind");
    const fields = fieldsOf(bytes, 6, end);
    const payloads = BODIES[kind](fields, limits);
    fields.finish();
    return { kind, payloads };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code };
    throw error;
  }
}

const BODIES = {
  1: origin,
  2: update,
  3: delta,
  4: checkpoint,
  5: student,
  6: masks,
  7: tally,
  8: control,
  9: history,
  10: patch,
};

function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255];
  return ~crc >>> 0;
}
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

function origin(fields, limits) {
  nameOf(fields, limits);
  fields.varint();
  fields.take(32);
  return [];
}

function update(fields, limits) {
  fields.varint();
  fields.varint();
  fields.take(8);
  fields.ranged(1, 32768);
  fields.varint();
  fields.float32();
  return payloadsOf(fields, limits);
}

function delta(fields, limits) {
  fields.ranged(1, 2 ** 32);
  fields.take(12);
  return payloadsOf(fields, limits);
}

function checkpoint(fields, limits) {
  fields.varint();
  for (const size of tensorsOf(fields, limits)) {
    require(4 * size <= fields.left(), "truncated");
    for (let i = 0; i < size; i++) fields.float32();
  }
  return [];
}

function student(fields, limits) {
  nameOf(fields, limits);
  const numTensors = tensorsOf(fields, limits).length;
  const placed = new Set();
  const payloads = [];
  for (let groups = countOf(fields, numTensors); groups > 0; groups--) {
    let least = 0;
    for (let left = countOf(fields, numTensors); left > 0; left--) {
      const place = fields.ranged(least, numTensors - 1);
      require(!placed.has(place), "bad-field");
      placed.add(place);
      least = place + 1;
    }
    payloads.push(payloadOf(fields));
  }
  require(placed.size === numTensors, "bad-shape");
  return payloads;
}

function masks(fields, limits) {
  fields.take(4);
  return payloadsOf(fields, limits);
}

function tally(fields, limits) {
  fields.varint();
  fields.varint();
  fields.take(4);
  fields.ranged(1, 2 ** 32);
  const budget = fields.wide(7);
  require(budget >= 1n && budget < 2n ** 53n, "bad-field");
  const total = fields.wide(7);
  require(total >= 1n && total <= budget, "bad-field");
  fields.take(12);
  const payloads = [];
  for (let left = countOf(fields, limits.numTensors); left > 0; left--) {
    require(fields.uint8() <= 200, "bad-field");
    payloads.push(payloadOf(fields));
    const masked = fields.uint8();
    require(masked <= 1, "bad-field");
    if (masked === 1) payloads.push(payloadOf(fields));
  }
  return payloads;
}

function control(fields, limits) {
  fields.ranged(1, 2 ** 32);
  const manifest = fields.take(4);
  const count = countOf(fields, limits.numParams);
  require(4 * count <= fields.left(), "truncated");
  for (let i = 0; i < count; i++) fields.float32();
  return [manifest, count];
}

function history(fields) {
  fields.ranged(1, 2 ** 32);
  fields.take(4);
  return [payloadOf(fields)];
}

function patch(fields) {
  fields.ranged(1, 2 ** 32);
  const manifest = fields.take(4);
  fields.take(4);
  return [manifest, payloadOf(fields), payloadOf(fields)];
}

function countOf(fields, most) {
  const count = fields.ranged(1, most, "too-large");
  require(count <= fields.left(), "truncated");
  return count;
}

const payloadOf = (fields) => fields.take(fields.ranged(1, 2 ** 32));

const payloadsOf = (fields, { numTensors }) =>
  Array.from({ length: countOf(fields, numTensors) }, () => payloadOf(fields));

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function nameOf(fields, { nameBytes }) {
  const bytes = fields.take(fields.ranged(1, nameBytes, "too-large"));
  require(!bytes.some((byte) => byte < 0x20 || byte === 0x7f), "bad-field");
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Refusal("bad-field");
  }
}

/** The tensors' sizes in coordinates. */
function tensorsOf(fields, limits) {
  const names = new Set();
  let total = 0;
  return Array.from({ length: countOf(fields, limits.numTensors) }, () => {
    const name = nameOf(fields, limits);
    require(!names.has(name), "bad-field");
    names.add(name);
    let size = 1;
    for (let rank = fields.ranged(0, limits.rank, "too-large"); rank > 0; rank--) {
      size *= fields.ranged(1, 2 ** 32);
      require(size <= limits.numParams, "too-large");
    }
    total += size;
    require(total <= limits.numParams, "too-large");
    return size;
  });
}
