"""The position coders. Each has a head, read from fields, and gives (least, read, zeros):
the bits that its positions take at least, the number of its values if the head has it, how to read the positions."""

import math

from draws import choose
from entropy import RangeDecoder
from fault import check


class Positions:
    """What a head says: `least` bits for positions, `count` values (None until they are read), whether zeros are valid, and
    whether what is read are positions and the bits of the values."""

    def __init__(self, least, count, read, zeros=False, everything=False, signed=False):
        self.least = least
        self.count = count
        self.read = read
        self.zeros = zeros
        self.everything = everything
        self.signed = signed


def counted(fields, length, least=1):
    count = fields.varint("count")
    check(count >= least, "bad-field", "count is 0")
    check(count <= length, "bad-positions", f"{count} positions of {length}")
    return count


def parameter(fields, what):
    r = fields.uint8(what)
    check(r <= 24, "bad-field", f"{what} is {r}")
    return r


def inside(position, length):
    check(position < length, "bad-positions", f"position {position} of {length}")
    return position


def rice(bits, r, start, length):
    """The place that a gap leads to from `start`."""
    most = max(length - 1 - start, 0) >> r
    high = bits.zeros(most, "bad-positions", "gap")
    return inside(start + (high << r) + bits.take(r), length)


def everything(fields, length):
    return Positions(0, length, lambda bits: list(range(length)), zeros=True, everything=True)


def golomb_rice(fields, length):
    count = counted(fields, length, least=0)
    if count == 0:
        return Positions(0, 0, lambda bits: [])
    r = parameter(fields, "parameter")

    def read(bits):
        found, start = [], 0
        for _ in range(count):
            found.append(rice(bits, r, start, length))
            start = found[-1] + 1
        return found

    return Positions(count * (1 + r), count, read)


def bitmap(fields, length):
    def read(bits):
        found = [i for i in range(length) if bits.take(1)]
        check(found, "bad-positions", "an empty bitmap")
        return found

    return Positions(length, None, read)


def seed(fields, length):
    start = fields.uint32("seed")
    count = counted(fields, length)
    return Positions(0, count, lambda bits: choose(start, count, length), zeros=True)


def runs(fields, length):
    count = counted(fields, length)
    gap = parameter(fields, "gap parameter")
    run = parameter(fields, "run parameter")

    def read(bits):
        found, start = [], 0
        for _ in range(count):
            begin = rice(bits, gap, start, length)
            end = rice(bits, run, begin, length)  # the run's last place
            found.extend(range(begin, end + 1))
            start = end + 2
        return found

    return Positions(count * (2 + gap + run), None, read)


def elias_fano(fields, length):
    count = counted(fields, length)
    width = min((length // count).bit_length() - 1, 24)

    def read(bits):
        lows = [bits.take(width) for _ in range(count)]
        found, high = [], 0
        for low in lows:
            high += bits.zeros(((length - 1) >> width) - high, "bad-positions", "high part")
            position = inside((high << width) + low, length)
            check(not found or position > found[-1], "bad-positions", "positions do not rise")
            found.append(position)
        return found

    return Positions(count * (1 + width), count, read)


def blocks(fields, length):
    keep = fields.uint8("keep")
    check(1 <= keep <= 23, "bad-field", f"keep is {keep}")
    of = fields.uint8("of")
    check(keep < of <= 24, "bad-field", f"of is {of}")
    shapes = [(start, min(of, length - start)) for start in range(0, length, of)]

    def width(m):
        return (math.comb(m, min(keep, m)) - 1).bit_length()

    def read(bits):
        found = []
        for start, m in shapes:
            n = min(keep, m)
            number = bits.take(width(m))
            check(number < math.comb(m, n), "bad-positions", f"block {number}")
            places, p = [], m
            for i in range(n, 0, -1):
                p = next(q for q in range(p - 1, -1, -1) if math.comb(q, i) <= number)
                number -= math.comb(p, i)
                places.append(start + p)
            found.extend(reversed(places))
        return found

    count = sum(min(keep, m) for _, m in shapes)
    return Positions(sum(width(m) for _, m in shapes), count, read, zeros=True)


def coded_gap(decoder, before, most):
    """(gap, n) by the range coder; a gap that must be above `most` is bad-positions."""
    s = 1 if before is None or 3 <= before <= 5 else 0 if before < 3 else 2
    n = 0
    while decoder.bin((0, s, n)) == 0:
        n += 1
        check((1 << n) - 1 <= most, "bad-positions", f"a gap of {n} binary digits")
    v = 1
    for place in range(n):
        v = 2 * v + (decoder.bin((1, n, v)) if place < 3 else decoder.even())
    return v - 1, n


def range_coded(fields, length):
    count = counted(fields, length)
    size = fields.ranged("bytes", 0, 120 * count + 4)

    def read(bits):
        decoder = RangeDecoder(bytes(bits.take(8) for _ in range(size)))
        found, start, n = [], 0, None
        for _ in range(count):
            gap, n = coded_gap(decoder, n, length - 1 - start)
            found.append(inside(start + gap, length))
            start = found[-1] + 1
        decoder.finish()
        return found

    return Positions(8 * size, count, read)


def unit_layout(fields, length):
    """The matrices that make up a vector, as (rows, cols)."""
    matrices, left = [], length
    while left > 0:
        rows = fields.ranged("rows", 1, length)
        cols = fields.ranged("cols", 1, length)
        check(len(matrices) < 4096, "too-large", "more than 4096 matrices")
        check(rows * cols <= left, "bad-shape", f"a matrix of {rows} by {cols}, {left} are left")
        matrices.append((rows, cols))
        left -= rows * cols
    return matrices


def units(fields, length):
    axis = fields.uint8("axis")
    check(axis <= 1, "bad-field", f"axis is {axis}")
    code = fields.uint8("code")
    check(code <= 1, "bad-field", f"code is {code}")
    matrices = unit_layout(fields, length)
    sent = (golomb_rice, bitmap)[code](fields, sum(matrix[axis] for matrix in matrices))
    check(sent.count != 0, "bad-field", "no unit")

    def read(bits):
        chosen_units = set(sent.read(bits))
        found, start, first = [], 0, 0
        for rows, cols in matrices:
            for place in range(rows * cols):
                if first + (place % cols if axis else place // cols) in chosen_units:
                    found.append(start + place)
            start += rows * cols
            first += cols if axis else rows
        return found

    return Positions(sent.least, None, read, zeros=True)


def class_count(decoder, sizes, c, left):
    """How many of `left` positions are of class c."""

    def weight(d):
        return sizes[d] * ((46341 if d % 2 else 65536) >> d // 2)

    own = weight(c)
    total = own + sum(weight(d) for d in range(c + 1, 32))
    low, high = max(0, left - sum(sizes[c + 1 :])), min(sizes[c], left)
    if low == high:
        return low
    expected = min(max(math.floor(float(left * own) / total + 0.5) if own else 0, low), high)
    k, j = expected.bit_length() // 2, 0
    while (2 << (k + j)) - (1 << k) <= high - low and not decoder.even():
        j += 1
    u = 1
    for _ in range(k + j):
        u = 2 * u + decoder.even()
    u -= 1 << k
    check(u <= high - low, "bad-positions", f"count {u} of class {c}")
    near = (expected + d * side for d in range(1, sizes[c] + 1) for side in (1, -1))
    return [expected, *(n for n in near if low <= n <= high)][u]


def class_gap(decoder, left, size):
    """The gap before the first of `left` positions among `size` coordinates."""
    most, value = size - left, 0
    x, qs = (1 << 26) - (left << 26) // size, []
    for _ in range(most.bit_length()):
        qs.append(1 << 14 if left == 1 else min(max((x << 15) // ((1 << 26) + x), 1), 32767))
        x = x * x >> 26
    for d in range(most.bit_length() - 1, -1, -1):
        if value + (1 << d) <= most and decoder.at(qs[d]):
            value += 1 << d
    return value


class Bins:
    """Bits that came otherwise than in the bit stream."""

    def __init__(self, bins):
        self.bins = iter(bins)

    def take(self, width):
        return next(self.bins)


def signs(decoder, support, expected):
    """Of every position whether its value is negative."""
    for confidence, share in enumerate((16, 16, 13, 5)):
        decoder.begin(confidence, share, 8)
    found = []
    for at in support:
        confidence, minus = (expected[at] + 1) // 2, expected[at] in (2, 4, 6)
        found.append(decoder.bin(confidence) ^ minus)
    return found


def history(fields, length, prior, signed=False):
    """`prior` is the digest of the history, the classes of the coordinates and the signs to expect, or None. With `signed`
    positions are read together with the bits of the values."""
    count = counted(fields, length)
    digest = fields.uint32("prior")
    size = fields.ranged("bytes", 0, (62 if signed else 60) * count + 260)

    def read(bits):
        check(prior is not None and prior[0] == digest, "prior-mismatch", f"history {digest:08x}")
        decoder = RangeDecoder(bytes(bits.take(8) for _ in range(size)))
        rows = [[i for i, of in enumerate(prior[1]) if of == c] for c in range(32)]
        sizes = [len(row) for row in rows]
        found = []
        for c, row in enumerate(rows):
            if len(found) == count:
                break
            of_class, at = class_count(decoder, sizes, c, count - len(found)), 0
            for i in range(of_class):
                at += class_gap(decoder, of_class - i, len(row) - at)
                found.append(row[at])
                at += 1
        support = sorted(found)
        minus = signs(decoder, support, prior[2]) if signed else None
        decoder.finish()
        check(decoder.is_round(), "bad-field", "range code does not end as an encoder ends it")
        return (support, Bins(minus)) if signed else support

    return Positions(8 * size, count, read, signed=signed)


CODERS = {
    0: everything,
    1: golomb_rice,
    2: bitmap,
    3: seed,
    4: runs,
    5: elias_fano,
    6: blocks,
    7: range_coded,
    9: units,
}
LOW_RANK = 8
HISTORY = 10
HISTORY_SIGNS = 11
