import { bitsOf, fieldsOf, Refusal, require } from "./bytes.mjs";
import { POSITIONS } from "./positions.mjs";

/** What docs/wire-format.md says the mask of a tensor is: { mask } (null for all), or { code } of the refusal. */
export function referenceMask(bytes, shape) {
  try {
    return { mask: maskOf(fieldsOf(bytes), shape) };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code };
    throw error;
  }
}

const SLICE = 16;
const LAST_CODER = 7;

function maskOf(fields, shape) {
  const length = shape.reduce((product, size) => product * size, 1);
  const form = fields.uint8();
  require(form <= LAST_CODER || form === SLICE, "bad-codec");
  const { isEmpty, everything, least, read } =
    form === SLICE ? slice(fields, shape) : POSITIONS[form](fields, length);
  if (isEmpty) {
    fields.finish();
    return [];
  }
  const bits = bitsOf(fields.take(fields.left()));
  bits.need(least);
  const mask = read(bits);
  bits.finish();
  if (everything) return null;
  require(mask.length < length, "bad-positions");
  return mask;
}

function slice(fields, shape) {
  const axes = shape.map((size) => {
    const parts = fields.ranged(1, size);
    require(size % parts === 0, "bad-field");
    return { part: size / parts, keep: fields.ranged(1, size / parts) };
  });
  const isOwned = (coordinate) => {
    let rest = coordinate;
    return axes.every((_, i) => {
      const axis = axes.length - 1 - i;
      const at = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
      return at % axes[axis].part < axes[axis].keep;
    });
  };
  const length = shape.reduce((product, size) => product * size, 1);
  return { least: 0, read: () => [...Array(length).keys()].filter(isOwned) };
}
