"""Reads fedpress payloads and update frames as docs/wire-format.md has them, with the standard library only.

Input: JSON on standard input, a list of [kind, hex, lengths]; kind is "payload" (one length) or "update" (a length a
group). Output: a JSON list, for every payload its length, support (null: all) and values as the bits of float32s.
"""

import json
import struct
import sys
from math import comb

MASK = 0xFFFFFFFF


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("truncated")
        self.at += count
        return self.data[self.at - count : self.at]

    def uint8(self):
        return self.take(1)[0]

    def uint32(self):
        return struct.unpack("<I", self.take(4))[0]

    def float32(self):
        return struct.unpack("<f", self.take(4))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.uint8()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


class Bits:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bit(self):
        bit = self.data[self.at >> 3] >> (self.at & 7) & 1
        self.at += 1
        return bit

    def number(self, width):
        return sum(self.bit() << i for i in range(width))

    def zeros(self):
        count = 0
        while self.bit() == 0:
            count += 1
        return count

    def float32(self):
        return struct.unpack("<f", struct.pack("<I", self.number(32)))[0]

    def rice(self, parameter):
        high = self.zeros()
        return (high << parameter) + self.number(parameter)

    def end(self):
        assert len(self.data) == (self.at + 7) // 8
        while self.at < 8 * len(self.data):
            assert self.bit() == 0


def to_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def words(seed):
    state = seed
    while True:
        state = (state + 0x9E3779B9) & MASK
        z = (state ^ (state >> 16)) * 0x21F0AAAD & MASK
        z = (z ^ (z >> 15)) * 0x735A2D97 & MASK
        yield z ^ (z >> 15)


def below(stream, n):
    for word in stream:
        if word < 2**32 - 2**32 % n:
            return word % n


# Every position coder: reads its head, and returns how many positions there are (None: that shows later), whether
# zeros may be sent, and a function that reads the positions from the bits.


def all_positions(head, length):
    return length, True, lambda bits: None


def golomb_rice(head, length):
    count = head.varint()
    if count == 0:
        return 0, False, lambda bits: []
    parameter = head.uint8()

    def read(bits):
        positions, start = [], 0
        for _ in range(count):
            positions.append(start + bits.rice(parameter))
            start = positions[-1] + 1
        return positions

    return count, False, read


def bitmap(head, length):
    return None, False, lambda bits: [i for i in range(length) if bits.bit()]


def seeded(head, length):
    seed, count = head.uint32(), head.varint()

    def read(bits):
        stream, taken = words(seed), set()
        for j in range(length - count, length):
            t = below(stream, j + 1)
            taken.add(j if t in taken else t)
        return sorted(taken)

    return count, True, read


def runs(head, length):
    count, gap_parameter, run_parameter = head.varint(), head.uint8(), head.uint8()

    def read(bits):
        positions, at = [], 0
        for i in range(count):
            at += bits.rice(gap_parameter) + (1 if i > 0 else 0)
            run = bits.rice(run_parameter) + 1
            positions += range(at, at + run)
            at += run
        return positions

    return None, False, read


def elias_fano(head, length):
    count = head.varint()
    width = min(24, (length // count).bit_length() - 1)

    def read(bits):
        lows = [bits.number(width) for _ in range(count)]
        positions, high = [], 0
        for low in lows:
            high += bits.zeros()
            positions.append((high << width) + low)
        return positions

    return count, False, read


def blocks(head, length):
    keep, of = head.uint8(), head.uint8()

    def read(bits):
        positions = []
        for start in range(0, length, of):
            m = min(of, length - start)
            n = min(keep, m)
            index = bits.number((comb(m, n) - 1).bit_length())
            places = []
            for i in range(n, 0, -1):
                place = max(p for p in range(m) if comb(p, i) <= index)
                index -= comb(place, i)
                places.append(start + place)
            positions += reversed(places)
        return positions

    return None, True, read


class RangeDecoder:
    def __init__(self, data):
        self.data, self.at, self.range, self.code = data, 0, 2**32 - 1, 0
        self.contexts = {}
        for _ in range(4):
            self.take()

    def take(self):
        self.code = self.code * 256 + (self.data[self.at] if self.at < len(self.data) else 0)
        self.at += 1

    def split(self, bound):
        if self.code < bound:
            self.range, bit = bound, 1
        else:
            self.range, self.code, bit = self.range - bound, self.code - bound, 0
        while self.range < 2**24:
            self.range *= 256
            self.take()
        return bit

    def even(self):
        return self.split(self.range >> 1)

    def bin(self, context):
        p, m = self.contexts.get(context, (2**30, 0))
        bit = self.split((self.range >> 15) * min(max(p >> 16, 1), 32767))
        change = 2 * ((2**31 if bit else 0) - p)
        step = abs(change) // (2 * m + 3)
        self.contexts[context] = (p + (step if change > 0 else -step), min(m + 1, 16384))
        return bit


def range_gaps(head, length):
    count, num_bytes = head.varint(), head.varint()

    def read(bits):
        decoder = RangeDecoder([bits.number(8) for _ in range(num_bytes)])
        positions, start, size = [], 0, 1
        for _ in range(count):
            n = 0
            while decoder.bin((0, size, n)) == 0:
                n += 1
            value = 1
            for _ in range(n):
                value = 2 * value + (decoder.bin((1, n, value)) if value < 8 else decoder.even())
            start += value
            positions.append(start - 1)
            size = 0 if n < 3 else 1 if n < 6 else 2
        return positions

    return count, False, read


def low_rank(head, length):
    rank, rows = head.varint(), head.varint()
    cols = length // rows

    def expand(factors):
        p, q = factors[: rows * rank], factors[rows * rank :]
        matrix = []
        for i in range(rows):
            for j in range(cols):
                total = 0.0
                for k in range(rank):
                    total += p[i * rank + k] * q[j * rank + k]
                matrix.append(to_float32(total) + 0.0)
        return matrix

    def read(bits):
        return None

    read.expand = expand
    return rank * (rows + cols), True, read


def units(head, length):
    by_rows, by_bitmap, matrices = head.uint8() == 0, head.uint8() == 1, []
    while sum(rows * cols for rows, cols in matrices) < length:
        rows = head.varint()
        matrices.append((rows, head.varint()))
    total = sum(rows if by_rows else cols for rows, cols in matrices)
    _, _, read_list = (bitmap if by_bitmap else golomb_rice)(head, total)

    def read(bits):
        sent, positions, start, first = set(read_list(bits)), [], 0, 0
        for rows, cols in matrices:
            for i in range(rows):
                for j in range(cols):
                    if first + (i if by_rows else j) in sent:
                        positions.append(start + i * cols + j)
            start += rows * cols
            first += rows if by_rows else cols
        return positions

    return None, True, read


POSITIONS = [
    all_positions,
    golomb_rice,
    bitmap,
    seeded,
    runs,
    elias_fano,
    blocks,
    range_gaps,
    low_rank,
    units,
]


def rans(bits, width, count):
    def frequency():
        k = bits.zeros()
        return 2**k + bits.number(k) - 1

    table = [frequency() for _ in range(2**width)]
    starts = [sum(table[:code]) for code in range(len(table))]
    assert sum(table) == 4096
    states, codes = [bits.number(32), bits.number(32)], []
    for i in range(count):
        x = states[i % 2]
        share = x % 4096
        code = max(c for c in range(len(table)) if table[c] and starts[c] <= share)
        x = table[code] * (x // 4096) + share - starts[code]
        states[i % 2] = x if x >= 2**16 else x * 2**16 + bits.number(16)
        codes.append(code)
    assert states == [2**16, 2**16]
    return codes

# Every value coder: reads its head and returns a function that reads `count` values from the bits.


def float32(head, zeros):
    return lambda bits, count: [bits.float32() for _ in range(count)]


def float16(head, zeros):
    return lambda bits, count: [
        struct.unpack("<e", struct.pack("<H", bits.number(16)))[0] for _ in range(count)
    ]


def bfloat16(head, zeros):
    return lambda bits, count: [
        struct.unpack("<f", struct.pack("<I", bits.number(16) << 16))[0] for _ in range(count)
    ]


def ternary(head, zeros):
    mu = head.float32()
    return lambda bits, count: [-mu if bits.bit() else mu for _ in range(count)]


def uniform(head, zeros):
    width = head.uint8()
    if width == 1:
        return ternary(head, zeros)
    is_rans, width = width > 128, width % 128
    scale, top = head.float32(), 2 ** (width - 1) - 1

    def read(bits, count):
        codes = rans(bits, width, count) if is_rans else [bits.number(width) for _ in range(count)]
        return [to_float32(scale * (code - top) / top) + 0.0 for code in codes]

    return read


def qsgd(head, zeros):
    s, norm, code = head.varint(), head.float32(), head.uint8()
    base = 0 if zeros else 1

    def read_level(bits):
        if code == 0:
            u = bits.number((2 * s - base).bit_length()) + base
            return (u + 1) // 2 if u % 2 else -(u // 2)
        k = bits.zeros()
        level = 2**k + bits.number(k) - (1 - base)
        return -level if level > 0 and bits.bit() else level

    return lambda bits, count: [to_float32(norm * read_level(bits) / s) + 0.0 for _ in range(count)]


def codebook(head, zeros):
    table = [head.float32() for _ in range(head.varint())]
    width = max(1, (len(table) - 1).bit_length())
    is_rans = head.uint8() == 1

    def read(bits, count):
        codes = rans(bits, width, count) if is_rans else [bits.number(width) for _ in range(count)]
        return [table[code] for code in codes]

    return read


def levels(head, zeros):
    table = [head.float32() for _ in range(head.varint())]

    def read_value(bits):
        minus, place = bits.bit(), 0
        if len(table) > 1 and bits.bit():
            place = 1 + (bits.bit() if len(table) == 3 else 0)
        return -table[place] if minus else table[place]

    return lambda bits, count: [read_value(bits) for _ in range(count)]


CENTROIDS = [
    [3268],
    [1855, 6187],
    [1004, 3097, 5505, 8814],
    [526, 1589, 2690, 3860, 5145, 6627, 8475, 11193],
]


def walsh_hadamard(data):
    h = 1
    while h < len(data):
        for i in range(len(data)):
            if not i & h:
                data[i], data[i + h] = data[i] + data[i + h], data[i] - data[i + h]
        h *= 2


def eden(head, zeros):
    width, stream = head.uint8(), words(head.uint32())

    def signs(data, drawn):
        for i in range(len(data)):
            if drawn[i // 32] >> (i % 32) & 1:
                data[i] = -data[i]

    def read(bits, count):
        values = []
        while len(values) < count:
            left = count - len(values)
            d = 64 if left < 64 else min(65536, 1 << (left.bit_length() - 1))
            scale = bits.float32()
            q = []
            for _ in range(d):
                code = bits.number(width)
                centroid = CENTROIDS[width - 1][code >> 1]
                q.append(-centroid if code & 1 else centroid)
            first = [next(stream) for _ in range(d // 32)]
            second = [next(stream) for _ in range(d // 32)]
            walsh_hadamard(q)
            signs(q, second)
            walsh_hadamard(q)
            signs(q, first)
            values += [to_float32(scale * z / d) + 0.0 for z in q[:left]]
        return values

    return read


VALUES = [float32, float16, ternary, uniform, bfloat16, qsgd, codebook, levels, eden]


def decode_payload(data, length):
    head = Bytes(data)
    coders = head.uint8()
    count, zeros, read_positions = POSITIONS[coders >> 4](head, length)
    if count == 0:
        return {"length": length, "support": [], "values": []}
    read_values = VALUES[coders & 15](head, zeros)
    bits = Bits(data[head.at :])
    support = read_positions(bits)
    expand = getattr(read_positions, "expand", None)
    values = read_values(bits, count if expand else length if support is None else len(support))
    bits.end()
    if expand:
        values = expand(values)
    if support is not None:
        sent = [(p, v) for p, v in zip(support, values) if v != 0]
        support, values = [p for p, _ in sent], [v for _, v in sent]
    patterns = [struct.unpack("<I", struct.pack("<f", value))[0] for value in values]
    return {"length": length, "support": support, "values": patterns}


def crc32c(data):
    crc = MASK
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ MASK


def decode_update(data, lengths):
    frame = Bytes(data[:-4])
    assert struct.unpack("<I", data[-4:])[0] == crc32c(data[:-4])
    assert frame.take(6) == b"FPRS\x01\x02"
    frame.varint(), frame.varint()  # round, baseVersion
    frame.take(8)  # manifest, plan
    frame.varint(), frame.varint()  # numExamples, numSteps
    frame.float32()  # trainLoss
    assert frame.varint() == len(lengths)
    decoded = [decode_payload(frame.take(frame.varint()), length) for length in lengths]
    assert frame.at == len(frame.data)
    return decoded


def main():
    results = []
    for kind, text, lengths in json.load(sys.stdin):
        data = bytes.fromhex(text)
        results += decode_update(data, lengths) if kind == "update" else [decode_payload(data, lengths[0])]
    json.dump(results, sys.stdout)


main()
