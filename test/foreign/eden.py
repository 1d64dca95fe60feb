"""The value coder eden: quantized in a rotated basis."""

from fault import check
from numbers32 import float32_of_bits, rounded, unsigned_scale
from draws import words

MAGNITUDES = {
    1: (3268,),
    2: (1855, 6187),
    3: (1004, 3097, 5505, 8814),
    4: (526, 1589, 2690, 3860, 5145, 6627, 8475, 11193),
}


def block_sizes(count):
    """The blocks that `count` values are cut into."""
    left = count
    while left > 0:
        size = 64 if left < 64 else min(1 << (left.bit_length() - 1), 65536)
        yield size, min(size, left)
        left -= size


def walsh_hadamard(z):
    h = 1
    while h < len(z):
        for start in range(0, len(z), 2 * h):
            for i in range(start, start + h):
                z[i], z[i + h] = z[i] + z[i + h], z[i] - z[i + h]
        h *= 2


def turn(z, signs):
    for i in range(len(z)):
        if signs[i // 32] >> (i % 32) & 1:
            z[i] = -z[i]


def eden(bits, count, width, seed):
    """`count` values of `width` bits each, and a scale a block."""
    stream = words(seed)
    values = []
    for d, used in block_sizes(count):
        scale = unsigned_scale(float32_of_bits(bits), "scale of a block")
        bits.need(d * width, "block")
        codes = [bits.take(width) for _ in range(d)]
        check(scale > 0 or not any(codes), "bad-field", "codes in a block of scale zero")
        first = [next(stream) for _ in range(d // 32)]
        second = [next(stream) for _ in range(d // 32)]
        z = [(-1 if code & 1 else 1) * MAGNITUDES[width][code >> 1] for code in codes]
        walsh_hadamard(z)
        turn(z, second)
        walsh_hadamard(z)
        turn(z, first)
        values.extend(rounded(scale * z[i] / d) for i in range(used))
    return values
