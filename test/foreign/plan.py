"""Plans and digests: the page's chapter "Plans, groups and digests". Rules are as a config has them."""

import hashlib
import struct

SELECTIONS = (
    "all",
    "topK",
    "threshold",
    "randomK",
    "blocks",
    "lowRank",
    "rows",
    "filters",
    "topK/rate",
    "bytesPerRound",
    "bytesPerRound/rate",
    "secondsPerRound",
    "secondsPerRound/rate",
)
NUMBERED = tuple(name for name in SELECTIONS if name not in ("all", "blocks", "lowRank"))
VALUES = ("float32", "float16", "ternary", "uniform", "stochastic", "bfloat16", "sign", "qsgd", "codebook", "levels", "eden")
CODERS = {
    "float32": 0,
    "float16": 1,
    "ternary": 2,
    "sign": 2,
    "uniform": 3,
    "stochastic": 3,
    "bfloat16": 4,
    "qsgd": 5,
    "codebook": 6,
    "levels": 7,
    "eden": 8,
}


def chosen(spec):
    """Name and argument (or None) of a selection or of values."""
    if isinstance(spec, str):
        return spec, None
    name = next(key for key in spec if key not in ("rounding", "rateDistortion"))
    return ("stochastic" if "rounding" in spec else name), spec[name]


def agreement(codec):
    """What a plan's codec lets a payload be: (value coder, its number, whether low-rank is valid)."""
    name, number = chosen(codec["values"])
    return CODERS[name], None if number == "auto" else number, chosen(codec["select"])[0] == "lowRank"


def varint(number):
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def manifest_lines(tensors):
    """`tensors` are (name, sizes)."""
    return "".join(f"{name} {'x'.join(map(str, sizes))}\n" for name, sizes in tensors).encode()


def manifest_digest(tensors):
    return hashlib.sha256(manifest_lines(tensors)).hexdigest()


def model_digest(tensors, data):
    """`data` are the coordinates of all tensors."""
    return hashlib.sha256(manifest_lines(tensors) + struct.pack(f"<{len(data)}f", *data)).hexdigest()


def selected(spec):
    """As `chosen`; a budget and a selection by rate have names of their own."""
    name, of = chosen(spec)
    by_rate = "/rate" if isinstance(spec, dict) and spec.get("rateDistortion") else ""
    if name == "budget":
        (name, of), = of.items()
    return name + by_rate, of


def rule_bytes(rule):
    text = rule["tensors"].encode()
    selection, of = selected(rule["codec"]["select"])
    values, number = chosen(rule["codec"]["values"])
    out = varint(len(text)) + text + bytes([SELECTIONS.index(selection)])
    if selection in NUMBERED:
        out += struct.pack("<d", of)
    elif selection == "blocks":
        out += bytes([of["keep"], of["of"]])
    elif selection == "lowRank":
        out += varint(of)
    number = 1 if number == "auto" else number
    out += bytes([VALUES.index(values)]) + (b"" if number is None else varint(number))
    return out + bytes([1 if rule["errorFeedback"] else 0])


def plan_digest(rules, tensors):
    out = varint(len(rules)) + b"".join(map(rule_bytes, rules))
    return hashlib.sha256(out + manifest_digest(tensors).encode()).hexdigest()
