"""The history of broadcasts. The page's chapter "Histories"."""

import math
import struct

from bits import Bits
from entropy import rans
from fault import check
from fields import Fields

M32 = 0xFFFFFFFF
TABLES, CONTEXTS = 8, 1024


def xxh32(data):
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393

    def turn(x, by):
        return (x << by | x >> (32 - by)) & M32

    words = struct.unpack(f"<{len(data) // 4}I", data)
    lanes = [(p1 + p2) & M32, p2, 0, -p1 & M32]
    whole = len(words) // 4 * 4
    for i in range(whole):
        lanes[i % 4] = turn((lanes[i % 4] + words[i] * p2) & M32, 13) * p1 & M32
    h = sum(turn(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18))) & M32 if whole else p5
    h = (h + len(data)) & M32
    for word in words[whole:]:
        h = turn((h + word * p3) & M32, 17) * p4 & M32
    h = (h ^ h >> 15) * p2 & M32
    h = (h ^ h >> 13) * p3 & M32
    return h ^ h >> 16


def log2(v):
    whole = v.bit_length() - 1
    m = (v << 25) >> whole
    result = whole
    for _ in range(9):
        m = m * m >> 25
        digit = 1 if m >= 1 << 26 else 0
        m >>= digit
        result = 2 * result + digit
    return result


def bucket(v):
    if v == 0:
        return 0
    n = v.bit_length() - 1
    return 1 + 2 * n + (v >> (n - 1) & 1 if n else 0)


def between(value, low, high):
    return min(max(value, low), high)


def probability(odds):
    n = between((odds >> 5) + 224, 0, 255)
    o = math.floor(2 ** (16 + n % 16 / 16) + 0.5) * 2 ** (n // 16)
    return 2**16 * o // (2**30 + o)


class History:
    """Of tensors as (name, rows, cols)."""

    def __init__(self, tensors):
        self.tensors = tensors
        self.length = sum(rows * cols for _, rows, cols in tensors)
        self.version = 0
        self.slow, self.fast, self.drift = ([0] * self.length for _ in range(3))
        self.age = [255] * self.length
        self.weights = [2**24] * TABLES
        self.counters = [[0, 0] for _ in range(TABLES * CONTEXTS)]

    def contexts(self):
        """Of every coordinate its contexts, counted through all tables."""
        found, start = [], 0
        for place, (_, rows, cols) in enumerate(self.tensors):
            t = min(place, 15)
            of = self.slow[start : start + rows * cols]
            row = [min(bucket(32 * sum(of[i * cols : (i + 1) * cols]) // cols), 31) for i in range(rows)]
            col = [min(bucket(32 * sum(of[j::cols]) // rows), 31) for j in range(cols)]
            for at in range(rows * cols):
                i = start + at
                s, f, r, c = bucket(self.slow[i]), bucket(self.fast[i]), row[at // cols], col[at % cols]
                a = 15 if self.age[i] == 255 else min(bucket(self.age[i]), 14)
                of_tables = (t, 32 * t + s, 16 * f + a, 32 * t + r, 32 * t + c, 32 * s + r, 32 * s + c, 32 * r + c)
                found.append([CONTEXTS * table + of for table, of in enumerate(of_tables)])
            start += rows * cols
        return found

    def entries(self):
        """What is known of nothing, and of every context beside it."""
        n = sum(self.counters[c][0] for c in range(16))
        m = sum(self.counters[c][1] for c in range(16))
        e = max(1, 6 * (n + 16) // (m + 16))
        base = log2(m + 6) - log2(n + e)
        return base, [
            between(log2(b + 6) - log2(a + e) - base, -4095, 4095) if a + b else 0 for a, b in self.counters
        ]

    def odds(self, base, entries, contexts):
        return base + (sum((w >> 12) * entries[c] for w, c in zip(self.weights, contexts)) >> 14)

    def classes(self):
        base, entries = self.entries()
        return [between((768 - self.odds(base, entries, of)) >> 8, 0, 31) for of in self.contexts()]

    def signs(self):
        """Of every coordinate the sign to expect."""
        found = []
        for drift, slow in zip(self.drift, self.slow):
            most = 5 if abs(drift) >= slow else 3 if 2 * abs(drift) >= slow else 1
            found.append(most + (drift < 0) if drift else 0)
        return found

    def steps(self, delta):
        """Of every coordinate that was sent its step."""
        found, start = {}, 0
        for name, rows, cols in self.tensors:
            support, values = delta.get(name, ([], []))
            total = 0.0
            for value in values:
                total += abs(value)
            for at, value in zip(support, values):
                if value != 0:
                    step = min(math.floor(256 * abs(value) / (total / len(values))), 2048)
                    found[start + at] = -step if value < 0 else step
            start += rows * cols
        return found

    def fold(self, delta):
        sent = self.steps(delta)
        base, entries = self.entries()
        contexts = self.contexts()
        hits = {}
        for i, of in enumerate(contexts):
            is_sent = 1 if i in sent else 0
            error = (is_sent << 16) - probability(self.odds(base, entries, of))
            for table, c in enumerate(of):
                most = 2**27 - 1
                self.weights[table] = between(self.weights[table] + (error * entries[c] >> 10), -most, most)
                hits[c, is_sent] = hits.get((c, is_sent), 0) + 1
        for c, pair in enumerate(self.counters):
            for side in (0, 1):
                pair[side] += 16 * hits.get((c, side), 0) - pair[side] // 32
        for i in range(self.length):
            step = sent.get(i, 0)
            self.slow[i] += abs(step) - self.slow[i] // 8
            self.fast[i] += abs(step) - self.fast[i] // 4
            self.drift[i] += step - int(self.drift[i] / 8)
            self.age[i] = 0 if i in sent else self.age[i] + (self.age[i] < 254)
        self.version = (self.version + 1) % 2**32

    def digest(self):
        def padded(data):
            return data + bytes(-len(data) % 4)

        parts = [
            struct.pack("<I8i", self.version, *self.weights),
            b"".join(struct.pack("<QQ", *pair) for pair in self.counters),
            *(struct.pack(f"<{self.length}H", *plane) for plane in (self.slow, self.fast)),
            struct.pack(f"<{self.length}h", *self.drift),
            bytes(self.age),
        ]
        return xxh32(b"".join(struct.pack("<I", xxh32(padded(part))) for part in parts))


def plane(fields, length):
    code = fields.uint8("code")
    check(code <= 1, "bad-field", f"code is {code}")
    data = fields.take(fields.varint("bytes"), "plane")
    check(code == 1 or len(data) >= length, "truncated", "a plane")
    bits = Bits(data)
    values = rans(bits, 8, length) if code else [bits.take(8) for _ in range(length)]
    bits.finish()
    return values


def read_history(data, tensors):
    history = History(tensors)
    fields = Fields(data)
    history.version = fields.varint("version")
    weights = [fields.uint32("weight") for _ in range(TABLES)]
    history.weights = [w - 2**32 if w >> 31 else w for w in weights]
    check(all(abs(w) < 2**27 for w in history.weights), "bad-field", "a weight")
    counters = []
    while True:
        counters += [0] * fields.ranged("empty", 0, 2 * TABLES * CONTEXTS - len(counters))
        if len(counters) == 2 * TABLES * CONTEXTS:
            break
        count = fields.varint("count") + (fields.ranged("count", 0, 255) << 32)
        check(count > 0, "bad-field", "a counter of 0")
        counters.append(count)
    history.counters = [counters[i : i + 2] for i in range(0, len(counters), 2)]
    planes = [plane(fields, history.length) for _ in range(7)]
    fields.finish("history")
    sums = [[a | b << 8 for a, b in zip(planes[i], planes[i + 1])] for i in (0, 2, 4)]
    check(max(sums[0] + sums[1]) <= 2**14 and max(sums[2]) <= 2**15, "bad-field", "a sum")
    history.slow, history.fast = sums[0], sums[1]
    history.drift = [-(z + 1) // 2 if z & 1 else z // 2 for z in sums[2]]
    history.age = planes[6]
    return history
