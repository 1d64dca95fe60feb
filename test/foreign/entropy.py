"""The two entropy decoders: range coder (positions) and rANS (values)."""

from bits import gamma
from fault import check


class RangeDecoder:
    """Bins from `data`; contexts are made as they are met."""

    def __init__(self, data):
        self.data = data
        self.read = 0
        self.range = 2**32 - 1
        self.code = 0
        self.low = 0  # modulo 2^32
        self.contexts = {}
        for _ in range(4):
            self.code = self.code * 256 + self._byte()

    def _byte(self):
        self.read += 1
        return self.data[self.read - 1] if self.read <= len(self.data) else 0

    def _split(self, bound):
        one = self.code < bound
        if one:
            self.range = bound
        else:
            self.range -= bound
            self.code -= bound
            self.low = (self.low + bound) % 2**32
        return 1 if one else 0

    def _refill(self):
        while self.range < 2**24:
            self.range *= 256
            self.low = self.low * 256 % 2**32
            self.code = self.code * 256 + self._byte()

    def even(self):
        bin_ = self._split(self.range >> 1)
        self._refill()
        return bin_

    def begin(self, context, share, seen):
        """A context that is not new: `share` of 32 were ones."""
        self.contexts[context] = (share << 26, seen)

    def bin(self, context):
        p, m = self.contexts.get(context, (2**30, 0))
        bin_ = self._split((self.range >> 15) * min(max(p >> 16, 1), 32767))
        away = (2**31 if bin_ else 0) - p
        step = 2 * abs(away) // (2 * m + 3)
        self.contexts[context] = (p + (step if away >= 0 else -step), min(m + 1, 16384))
        self._refill()
        return bin_

    def at(self, q):
        """A bin with a probability of its own."""
        bin_ = self._split((self.range >> 15) * q)
        self._refill()
        return bin_

    def is_round(self):
        """Whether what is left is the number with the most zero bits at its end."""
        step = 32
        while -(-self.low >> step) << step >= self.low + self.range:
            step -= 1
        return -(-self.low >> step) << step == self.low + self.code

    def finish(self):
        check(self.read >= len(self.data), "trailing", f"{len(self.data) - self.read} bytes of range code")
        check(not self.data or self.data[-1] != 0, "bad-field", "range code ends in a zero byte")


def rans(bits, width, count):
    """`count` codes of `width` bits."""
    starts, frequencies = [], []
    total = 0
    for _ in range(2**width):
        f = gamma(bits, 12, "frequency") - 1
        starts.append(total)
        frequencies.append(f)
        total += f
        check(total <= 4096, "bad-field", f"frequencies add up to {total}")
    check(total == 4096, "bad-field", f"frequencies add up to {total}")
    of_share = [code for code, f in enumerate(frequencies) for _ in range(f)]
    states = [bits.take(32), bits.take(32)]
    check(min(states) >= 2**16, "bad-field", "a state is below 2^16")
    codes = []
    for i in range(count):
        x = states[i % 2]
        share = x % 4096
        code = of_share[share]
        x = frequencies[code] * (x // 4096) + share - starts[code]
        if x < 2**16:
            x = x * 2**16 + bits.take(16)
        states[i % 2] = x
        codes.append(code)
    check(states == [2**16, 2**16], "bad-field", "a state is not 2^16 in the end")
    return codes
