"""The mask of a tensor: the page's chapter "Kind 6: masks"."""

import hashlib
import struct
from math import prod

import positions
from bits import Bits
from fault import check
from fields import Fields
from plan import manifest_digest

SLICE = 16
LAST_CODER = 7


def sliced(fields, shape):
    """The coordinates of a slice."""
    axes = []
    for size in shape:
        parts = fields.varint("parts")
        check(parts > 0 and size % parts == 0, "bad-field", f"{parts} parts of {size}")
        axes.append((size // parts, fields.ranged("keep", 1, size // parts)))
    owned = [0]
    for size, (part, keep) in zip(shape, axes):
        owned = [at * size + i for at in owned for i in range(size) if i % part < keep]
    return owned


def decode_mask(data, shape):
    """The owned coordinates of a tensor, None for all."""
    fields = Fields(data)
    length = prod(shape)
    form = fields.uint8("form")
    check(form <= LAST_CODER or form == SLICE, "bad-codec", f"form {form}")
    everything = False
    if form == SLICE:
        owned = sliced(fields, shape)
        fields.finish("a slice")
    else:
        place = positions.CODERS[form](fields, length)
        bits = Bits(fields.take(fields.left(), "bits"))
        bits.need(place.least, "positions")
        owned = place.read(bits)
        bits.finish()
        everything = place.everything
    if everything:
        return None
    check(len(owned) < length, "bad-positions", "all coordinates, not written as all")
    return owned


def masks_digest(masks, manifest):
    """`masks` are [name, owned or None] in the manifest's order."""
    digest = hashlib.sha256(manifest_digest(manifest).encode())
    for (_, owned), (_, shape) in zip(masks, manifest):
        digest.update(struct.pack("<I", prod(shape) if owned is None else len(owned)))
        if owned is not None:
            digest.update(struct.pack(f"<{len(owned)}I", *owned))
    return digest.hexdigest()
