"""A payload: one vector. The page's chapter "Payloads"."""

import positions
import values
from bits import Bits
from fault import check
from fields import Fields
from numbers32 import rounded


def finished(fields, place, coder, agreed, zeros):
    """The end of a payload: (positions, values) as `place` and the value coder's head tell."""
    least, read = values.CODERS[coder](fields, zeros, agreed)
    if place.signed:
        least = 0
    bits = Bits(fields.take(fields.left(), "bits"))
    bits.need(place.least + (place.count or 0) * least, "positions and values")
    support, of_values = place.read(bits) if place.signed else (place.read(bits), bits)
    bits.need(len(support) * least, "values")
    found = read(of_values, len(support))
    bits.finish()
    return support, found


def low_rank(fields, length, coder, agreed):
    rank = fields.ranged("rank", 1, 32)
    rows = fields.ranged("rows", 1, length)
    check(length % rows == 0, "bad-shape", f"{rows} rows of {length} coordinates")
    cols = length // rows
    count = rank * (rows + cols)
    check(count < length, "bad-field", f"{count} numbers for {length} coordinates")
    place = positions.everything(fields, count)
    _, factors = finished(fields, place, coder, agreed, True)
    p, q = factors[: rank * rows], factors[rank * rows :]
    product = []
    for i in range(rows):
        for j in range(cols):
            total = 0.0
            for k in range(rank):
                total += p[i * rank + k] * q[j * rank + k]
            product.append(rounded(total))
    return None, product


def decode_payload(data, length, coder, agreed, low_rank_valid, prior=None):
    """(positions, values) of a payload for a vector of `length`, positions None for all. `coder` and `agreed` are the
    plan's value coder and its number, None for any; `low_rank_valid` says whether its selection is lowRank, `prior` is what the history knows."""
    fields = Fields(data)
    coders = fields.uint8("coders")
    by_value, by_position = coders & 15, coders >> 4
    check(by_value in values.CODERS, "bad-codec", f"value coder {by_value}")
    check(coder is None or by_value == coder, "bad-codec", f"value coder {by_value}, agreed is {coder}")
    is_low_rank = by_position == positions.LOW_RANK
    is_signed = by_position == positions.HISTORY_SIGNS
    is_history = is_signed or by_position == positions.HISTORY
    check(is_low_rank or is_history or by_position in positions.CODERS, "bad-codec", f"position coder {by_position}")
    if is_low_rank:
        check(low_rank_valid, "bad-codec", "low-rank is not agreed")
        return low_rank(fields, length, by_value, agreed)
    check(not is_signed or by_value == values.TERNARY, "bad-codec", f"value coder {by_value} is not of signs")
    place = (
        positions.history(fields, length, prior, is_signed)
        if is_history
        else positions.CODERS[by_position](fields, length)
    )
    if place.count == 0:
        fields.finish("an empty support")
        return [], []
    zeros = place.zeros or by_value == values.EDEN
    support, found = finished(fields, place, by_value, agreed, zeros)
    if place.everything:
        return None, found
    check(zeros or all(found), "bad-field", "a value is zero")
    sent = [(i, v) for i, v in zip(support, found) if v != 0]
    return [i for i, _ in sent], [v for _, v in sent]
