"""The bit stream of a payload: low bit first, and the padding at its end."""

from fault import WireError, check


class Bits:
    """Reads bits from `data`; `at` is the place of the next one."""

    def __init__(self, data):
        self.data = data
        self.at = 0
        self.end = 8 * len(data)

    def need(self, count, what):
        """Refuse as truncated unless `count` more bits are left."""
        check(count <= self.end - self.at, "truncated", f"{what}: {count} bits, {self.end - self.at} left")

    def take(self, width):
        """An unsigned number of `width` bits, its low bit first."""
        self.need(width, "bits")
        first, shift = divmod(self.at, 8)
        self.at += width
        chunk = int.from_bytes(self.data[first : (self.at + 7) // 8], "little")
        return (chunk >> shift) & ((1 << width) - 1)

    def zeros(self, most, code, what):
        """How many zeros come before a one, which is read too; more than `most` is `code`, at once."""
        count = 0
        while self.take(1) == 0:
            count += 1
            if count > most:
                raise WireError(code, f"{what}: {count} zero bits")
        return count

    def finish(self):
        """No byte follows the last one begun, which is filled up with zeros."""
        check(self.end - self.at < 8, "trailing", f"{(self.end - self.at) // 8} bytes after the values")
        check(self.take(self.end - self.at) == 0, "bad-field", "padding of ones")


def gamma(bits, most, what):
    """Elias's gamma code: k zeros, a one, the k low bits; more than `most` zeros are bad-field."""
    k = bits.zeros(most, "bad-field", what)
    return (1 << k) + bits.take(k)
