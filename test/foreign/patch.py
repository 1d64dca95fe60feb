"""What a patch makes of version 0: the page's chapter "Kind 10: patch"."""

import math
import struct

from bits import Bits
from entropy import rans
from fault import check
from fields import Fields
from masks import decode_mask


def value_of(pattern):
    return struct.unpack("<f", struct.pack("<I", pattern))[0]


def pattern_of(value):
    try:
        return struct.unpack("<I", struct.pack("<f", value))[0]
    except OverflowError:
        return 0x7F800000 if value > 0 else 0xFF800000


def finite(pattern):
    check(math.isfinite(value_of(pattern)), "not-finite", f"pattern {pattern:08x}")
    return pattern


def moved(pattern, steps):
    """So many float32s on, -0 being the one before +0."""
    sign, magnitude = pattern >> 31, pattern & 0x7FFFFFFF
    place = (-1 - magnitude if sign else magnitude) + steps
    return place if place >= 0 else 0x80000000 | (-1 - place)


def values(data, before):
    """The patterns that stand where `before` stood."""
    fields = Fields(data)
    form = fields.uint8("form")
    check(form < 16 or 64 <= form < 128, "bad-field", f"form {form}")
    check(before or form == 0, "bad-field", f"form {form} of no values")
    bits = Bits(fields.take(fields.left(), "bits"))
    count = len(before)
    planes = []
    for plane in range((4 if form < 64 else 6) if before else 0):
        if form >> plane & 1:
            planes.append(rans(bits, 8, count))
        else:
            bits.need(8 * count, "a plane")
            planes.append([bits.take(8) for _ in range(count)])
    bits.finish()
    words = [finite(int.from_bytes(bytes(column[:4]), "little")) for column in zip(*planes)]
    if form < 64:
        return words
    changed = []
    for was, added, low, high in zip(before, words, *planes[4:]):
        missing = low + 256 * high
        steps = -(missing + 1) // 2 if missing % 2 else missing // 2
        reached = finite(pattern_of(value_of(was) + value_of(added)))
        changed.append(finite(moved(reached, steps)))
    return changed


def patched(frame, origin):
    support = decode_mask(frame["support"], [len(origin)])
    places = range(len(origin)) if support is None else support
    after = list(origin)
    for place, pattern in zip(places, values(frame["planes"], [origin[place] for place in places])):
        after[place] = pattern
    return after
