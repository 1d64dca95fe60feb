"""Whole-byte fields: the page's chapter "Conventions"."""

import math
import struct

from fault import WireError, check


class Fields:
    """Reads fields from `data[at:end]`, front to back."""

    def __init__(self, data, at=0, end=None):
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def left(self):
        return self.end - self.at

    def take(self, count, what):
        check(count <= self.left(), "truncated", f"{what}: {count} bytes, {self.left()} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def uint8(self, what):
        return self.take(1, what)[0]

    def uint32(self, what):
        return int.from_bytes(self.take(4, what), "little")

    def varint(self, what):
        """1 to 5 bytes, the shortest form, at most 2^32 - 1."""
        number = 0
        for place in range(5):
            byte = self.uint8(what)
            number |= (byte & 127) << (7 * place)
            if byte < 128:
                check(byte > 0 or place == 0, "bad-field", f"{what} is not in its shortest form")
                check(number < 2**32, "bad-field", f"{what} is above 2^32-1")
                return number
        raise WireError("bad-field", f"{what} is longer than 5 bytes")

    def ranged(self, what, low, high, code="bad-field"):
        """A varint in low to high; below is `bad-field`, above is `code`."""
        number = self.varint(what)
        check(number >= low, "bad-field", f"{what} is {number}")
        check(number <= high, code, f"{what} is {number}")
        return number

    def wide(self, what, size, low, high):
        """An unsigned number of `size` bytes, in low to high."""
        number = int.from_bytes(self.take(size, what), "little")
        check(low <= number <= high, "bad-field", f"{what} is {number}")
        return number

    def float32(self, what):
        number = struct.unpack("<f", self.take(4, what))[0]
        check(math.isfinite(number), "not-finite", f"{what} is {number}")
        return number

    def name(self, what, name_bytes):
        size = self.ranged(what, 1, name_bytes, "too-large")
        try:
            text = self.take(size, what).decode("utf-8", "strict")
        except UnicodeDecodeError:
            raise WireError("bad-field", f"{what} is not UTF-8") from None
        check(all(c >= " " and c != "\x7f" for c in text), "bad-field", f"{what}: control character")
        return text

    def payload(self, what):
        return self.take(self.ranged(what, 1, 2**32 - 1), what)

    def finish(self, what):
        check(self.at == self.end, "trailing", f"{self.left()} bytes after {what}")
