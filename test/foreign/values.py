"""The value coders. Each reads its head from fields and gives (least, read): bits that a value takes at least, and
read(bits, count) for the values themselves. `zeros` says whether a value may be zero, `agreed` is the plan's number."""

import math

from bits import gamma
from eden import eden
from entropy import rans
from fault import check
from numbers32 import bfloat16_of_bits, float16_of_bits, float32_of_bits, rounded, unsigned_scale


def each(read):
    return lambda bits, count: [read(bits) for _ in range(count)]


def signs(mu):
    def read(bits):
        minus = bits.take(1)
        check(not (minus and mu == 0), "bad-field", "a sign of zero")
        return -mu if minus else mu

    return 1, each(read)


def as_agreed(number, agreed, what):
    check(agreed is None or number == agreed, "bad-codec", f"{what} is {number}, agreed is {agreed}")


def at_most_agreed(number, agreed, what):
    check(agreed is None or number <= agreed, "bad-codec", f"{what} is {number}, agreed is {agreed}")


def ternary(fields, zeros, agreed):
    return signs(unsigned_scale(fields.float32("mu"), "mu"))


def uniform(fields, zeros, agreed):
    b = fields.uint8("bits per value")
    by_rans = b > 128
    check(1 <= b <= 8 or 130 <= b <= 136, "bad-field", f"bits per value is {b}")
    b &= 127
    as_agreed(b, agreed, "bits per value")
    scale = unsigned_scale(fields.float32("scale"), "scale")
    if b == 1:
        return signs(scale)
    top = 2 ** (b - 1) - 1

    def value(code):
        c = code - top
        check(c <= top, "bad-field", f"the number {code} of {b} bits")
        check(scale > 0 or c == 0, "bad-field", "a number of scale zero")
        return rounded(scale * c / top)

    if by_rans:
        return 0, lambda bits, count: [value(code) for code in rans(bits, b, count)]
    return b, each(lambda bits: value(bits.take(b)))


def qsgd(fields, zeros, agreed):
    s = fields.ranged("levels", 1, 32767)
    as_agreed(s, agreed, "levels")
    norm = unsigned_scale(fields.float32("norm"), "norm")
    code = fields.uint8("code")
    check(code <= 1, "bad-field", f"code is {code}")
    lowest = 0 if zeros else 1
    width = (2 * s - lowest).bit_length()

    def value(level, minus):
        check(level <= s, "bad-field", f"level {level} of {s}")
        check(norm > 0 or level == 0, "bad-field", "a level of norm zero")
        return rounded(norm * (-level if minus else level) / s)

    def fixed(bits):
        u = bits.take(width) + lowest
        return value((u + 1) // 2, u > 0 and u % 2 == 0)

    def by_gamma(bits):
        level = gamma(bits, (s + 1).bit_length() - 1, "level") - (1 - lowest)
        return value(level, level > 0 and bits.take(1))

    return (width, each(fixed)) if code == 0 else (1 + lowest, each(by_gamma))


def table(fields, count, what):
    found = []
    for _ in range(count):
        number = fields.float32(what)
        check(number != 0 or math.copysign(1, number) > 0, "bad-field", f"minus zero in {what}")
        check(not found or number > found[-1], "bad-field", f"{what} do not rise")
        found.append(number)
    return found


def codebook(fields, zeros, agreed):
    size = fields.ranged("centroids", 1, 256)
    at_most_agreed(size, agreed, "centroids")
    centroids = table(fields, size, "centroids")
    code = fields.uint8("code")
    check(code <= 1, "bad-field", f"code is {code}")
    width = max((size - 1).bit_length(), 1)

    def value(place):
        check(place < size, "bad-field", f"place {place} of {size}")
        return centroids[place]

    if code == 1:
        return 0, lambda bits, count: [value(place) for place in rans(bits, width, count)]
    return width, each(lambda bits: value(bits.take(width)))


def levels(fields, zeros, agreed):
    size = fields.ranged("magnitudes", 1, 3)
    at_most_agreed(size, agreed, "magnitudes")
    magnitudes = table(fields, size, "magnitudes")
    unsigned_scale(magnitudes[0], "the first magnitude")

    def read(bits):
        minus = bits.take(1)
        place = bits.take(1) if size > 1 else 0
        if place == 1 and size == 3:
            place += bits.take(1)
        magnitude = magnitudes[place]
        check(not (minus and magnitude == 0), "bad-field", "minus zero")
        return -magnitude if minus else magnitude

    return min(size, 2), each(read)


def rotated(fields, zeros, agreed):
    b = fields.uint8("bits per value")
    check(1 <= b <= 4, "bad-field", f"bits per value is {b}")
    as_agreed(b, agreed, "bits per value")
    seed = fields.uint32("seed")
    return b, lambda bits, count: eden(bits, count, b, seed)


TERNARY = 2
EDEN = 8
CODERS = {
    0: lambda fields, zeros, agreed: (32, each(float32_of_bits)),
    1: lambda fields, zeros, agreed: (16, each(float16_of_bits)),
    2: ternary,
    3: uniform,
    4: lambda fields, zeros, agreed: (16, each(bfloat16_of_bits)),
    5: qsgd,
    6: codebook,
    7: levels,
    EDEN: rotated,
}
