"""Numbers: float32 rounding, and the patterns of 16 and 32 bits."""

import math
import struct

from fault import WireError, check


def rounded(number):
    """A float64 rounded to float32, a zero made positive; beyond float32 it is not-finite."""
    try:
        near = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        raise WireError("not-finite", f"{number} is beyond float32") from None
    return near if near != 0 else 0.0


def unpacked(form, pattern, size):
    number = struct.unpack(form, pattern.to_bytes(size, "little"))[0]
    check(math.isfinite(number), "not-finite", f"a value is {number}")
    return number


def float32_of_bits(bits):
    return unpacked("<f", bits.take(32), 4)


def float16_of_bits(bits):
    return unpacked("<e", bits.take(16), 2)


def bfloat16_of_bits(bits):
    return unpacked("<f", bits.take(16) << 16, 4)


def unsigned_scale(number, what):
    """A scale, norm or magnitude: neither negative nor minus zero."""
    check(math.copysign(1, number) > 0, "bad-field", f"{what} is {number}")
    return number
