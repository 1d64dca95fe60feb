import { bitsOf, fieldsOf, Refusal, require } from "./bytes.mjs";
import { ransCodes } from "./entropy.mjs";
import { referenceMask } from "./mask.mjs";

/**
 * What docs/wire-format.md says a patch makes of version 0, whose coordinates are given as the patterns of float32s:
 * { patterns }, or { code } of the refusal.
 */
export function referencePatch([support, planes], origin) {
  const { mask, code } = referenceMask(support, [origin.length]);
  if (code !== undefined) return { code };
  try {
    const places = mask ?? [...origin.keys()];
    const before = places.map((at) => origin[at]);
    const patterns = [...origin];
    valuesOf(fieldsOf(planes), before).forEach((pattern, i) => {
      patterns[places[i]] = pattern;
    });
    return { patterns };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code };
    throw error;
  }
}

function valuesOf(fields, before) {
  const form = fields.uint8();
  require(form < 16 || (form >= 64 && form < 128), "bad-field");
  require(before.length > 0 || form === 0, "bad-field");
  const bits = bitsOf(fields.take(fields.left()));
  const planes = [];
  const numPlanes = before.length === 0 ? 0 : form < 64 ? 4 : 6;
  for (let plane = 0; plane < numPlanes; plane++) {
    if (Math.floor(form / 2 ** plane) % 2 === 1) planes.push(ransCodes(bits, 8, before.length));
    else {
      bits.need(8 * before.length);
      planes.push(before.map(() => bits.take(8)));
    }
  }
  bits.finish();
  const numberAt = (i, first, end) =>
    planes.slice(first, end).reduceRight((high, plane) => high * 256 + plane[i], 0);
  const floats = before.map((_, i) => finite(numberAt(i, 0, 4)));
  if (form < 64) return floats;
  return floats.map((added, i) => {
    const reached = finite(patternOf(floatOf(before[i]) + floatOf(added)));
    const missing = numberAt(i, 4, 6);
    return finite(moved(reached, missing % 2 === 0 ? missing / 2 : -(missing + 1) / 2));
  });
}

/** So many float32s on, where -0 comes right before +0. */
function moved(pattern, steps) {
  const place = (pattern < 2 ** 31 ? pattern : 2 ** 31 - 1 - pattern) + steps;
  return place >= 0 ? place : 2 ** 31 - 1 - place;
}

function finite(pattern) {
  require(Math.floor(pattern / 2 ** 23) % 256 < 255, "not-finite");
  return pattern;
}

const single = new DataView(new ArrayBuffer(4));

function floatOf(pattern) {
  single.setUint32(0, pattern);
  return single.getFloat32(0);
}

function patternOf(value) {
  single.setFloat32(0, value);
  return single.getUint32(0);
}
