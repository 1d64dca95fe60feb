"""Vectors of 64-bit integers, as a tally has them: the page's chapter "Integers"."""

from fault import check
from fields import Fields


def decode_integers(data, length):
    fields = Fields(data)
    form = fields.uint8("form")
    check(form <= 8 or 17 <= form <= 24, "bad-field", f"form is {form}")
    if form == 0:
        fields.finish("a vector of zeros")
        return [0] * length
    width = form % 16
    shift = fields.uint8("shift")
    check(shift <= 63, "bad-field", f"shift is {shift}")
    places = list(range(length))
    bitmap = 0
    if form > 16:
        bitmap = int.from_bytes(fields.take((length + 7) // 8, "bitmap"), "little")
        places = [i for i in range(bitmap.bit_length()) if bitmap >> i & 1]
    coded = fields.take(width * len(places), "integers")
    fields.finish("the integers")
    check(bitmap >> length == 0, "bad-field", "bits beyond the vector")
    vector = [0] * length
    for k, i in enumerate(places):
        vector[i] = int.from_bytes(coded[width * k : width * (k + 1)], "little", signed=True) << shift
    check(form < 16 or all(vector[i] for i in places), "bad-field", "a zero is there")
    check(all(-(2**63) <= n < 2**63 for n in vector), "bad-field", "beyond 64 bits")
    check(form == best_form(vector) and shift == best_shift(vector), "bad-field", "not the one form")
    return vector


def best_shift(vector):
    together = 0
    for n in vector:
        together |= n
    return (together & -together).bit_length() - 1


def best_form(vector):
    if not any(vector):
        return 0
    shift = best_shift(vector)
    width = max(((n if n >= 0 else ~n) >> shift).bit_length() // 8 + 1 for n in vector)
    present = sum(n != 0 for n in vector)
    is_sparse = (len(vector) + 7) // 8 + width * present < width * len(vector)
    return width + (16 if is_sparse else 0)
