"""Frames of all kinds: the page's chapter "Frames"."""

from fault import LIMITS, check
from fields import Fields
from payload import decode_payload

MAGIC = b"FPRS"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def counted(body, what, most):
    """How many follow: 1 to `most`, and no more than there are bytes."""
    count = body.ranged(what, 1, most, "too-large")
    check(count <= body.left(), "truncated", f"{count} {what}")
    return count


def payloads(body, limits):
    return [body.payload("payload") for _ in range(counted(body, "payloads", limits["numTensors"]))]


def tensors(body, limits):
    found, names, total = [], set(), 0
    for _ in range(counted(body, "tensors", limits["numTensors"])):
        name = body.name("name", limits["nameBytes"])
        check(name not in names, "bad-field", f"{name} twice")
        names.add(name)
        sizes, product = [], 1
        for _ in range(body.ranged("rank", 0, limits["rank"], "too-large")):
            size = body.ranged("size", 1, 2**32 - 1)
            product *= size
            check(product <= limits["numParams"], "too-large", f"{name} has {product} coordinates")
            sizes.append(size)
        total += product
        check(total <= limits["numParams"], "too-large", f"{total} coordinates")
        found.append({"name": name, "shape": sizes, "size": product})
    return found


def origin(body, limits):
    return {
        "zoo": body.name("zoo", limits["nameBytes"]),
        "seed": body.varint("seed"),
        "digest": body.take(32, "digest"),
    }


def update(body, limits):
    return {
        "round": body.varint("round"),
        "baseVersion": body.varint("baseVersion"),
        "manifest": body.take(4, "manifest"),
        "plan": body.take(4, "plan"),
        "numExamples": body.ranged("numExamples", 1, 32768),
        "numSteps": body.varint("numSteps"),
        "trainLoss": body.float32("trainLoss"),
        "payloads": payloads(body, limits),
    }


def delta(body, limits):
    return {
        "version": body.ranged("version", 1, 2**32 - 1),
        "manifest": body.take(4, "manifest"),
        "plan": body.take(4, "plan"),
        "digest": body.take(4, "digest"),
        "payloads": payloads(body, limits),
    }


def checkpoint(body, limits):
    version = body.varint("version")
    manifest = tensors(body, limits)
    data = []
    for tensor in manifest:
        check(4 * tensor["size"] <= body.left(), "truncated", f"data of {tensor['name']}")
        data.extend(body.float32("data") for _ in range(tensor["size"]))
    return {"version": version, "tensors": manifest, "data": data}


def student(body, limits):
    architecture = body.name("architecture", limits["nameBytes"])
    manifest = tensors(body, limits)
    groups, placed = [], set()
    for _ in range(counted(body, "groups", len(manifest))):
        places = []
        for _ in range(counted(body, "tensors", len(manifest))):
            place = body.varint("tensor")
            check(place < len(manifest), "bad-field", f"tensor {place} of {len(manifest)}")
            check(not places or place > places[-1], "bad-field", "places do not rise")
            check(place not in placed, "bad-field", f"tensor {place} is in two groups")
            placed.add(place)
            places.append(place)
        groups.append({"tensors": places, "payload": body.payload("payload")})
    check(len(placed) == len(manifest), "bad-shape", "a tensor is in no group")
    return {"architecture": architecture, "tensors": manifest, "groups": groups}


def student_vectors(frame):
    """The groups of a student: (length, positions, values) each. Nothing is agreed, so any coder may come."""
    sizes = [tensor["size"] for tensor in frame["tensors"]]
    lengths = [sum(sizes[i] for i in group["tensors"]) for group in frame["groups"]]
    return [(n, *decode_payload(group["payload"], n, None, None, True)) for n, group in zip(lengths, frame["groups"])]


def masks(body, limits):
    return {
        "manifest": body.take(4, "manifest"),
        "masks": [body.payload("mask") for _ in range(counted(body, "masks", limits["numTensors"]))],
    }


def tally(body, limits):
    head = {
        "round": body.varint("round"),
        "baseVersion": body.varint("baseVersion"),
        "manifest": body.take(4, "manifest"),
        "numUpdates": body.ranged("numUpdates", 1, 2**32 - 1),
        "weightBudget": body.wide("weightBudget", 7, 1, 2**53 - 1),
    }
    head["total"] = body.wide("total", 7, 1, head["weightBudget"])
    head["steps"] = body.wide("steps", 12, 0, 2**96 - 1)
    return {**head, "tensors": [tally_tensor(body) for _ in range(counted(body, "tensors", limits["numTensors"]))]}


def tally_tensor(body):
    exponent = body.uint8("exponent")
    check(exponent <= 200, "bad-field", f"exponent is {exponent}")
    sums = body.payload("sums")
    masked = body.uint8("masked")
    check(masked <= 1, "bad-field", f"masked is {masked}")
    return {"exponent": exponent - 100, "sums": sums, "owners": body.payload("owners") if masked else None}


def control(body, limits):
    version = body.ranged("version", 1, 2**32 - 1)
    manifest = body.take(4, "manifest")
    count = counted(body, "values", limits["numParams"])
    check(4 * count <= body.left(), "truncated", f"{count} values")
    return {"version": version, "manifest": manifest, "values": [body.float32("value") for _ in range(count)]}


def history(body, limits):
    return {
        "version": body.ranged("version", 1, 2**32 - 1),
        "manifest": body.take(4, "manifest"),
        "state": body.payload("state"),
    }


def patch(body, _):
    return {
        "version": body.ranged("version", 1, 2**32 - 1),
        "manifest": body.take(4, "manifest"),
        "digest": body.take(4, "digest"),
        "support": body.payload("support"),
        "planes": body.payload("planes"),
    }


KINDS = {
    1: ("origin", origin),
    2: ("update", update),
    3: ("delta", delta),
    4: ("checkpoint", checkpoint),
    5: ("student", student),
    6: ("masks", masks),
    7: ("tally", tally),
    8: ("control", control),
    9: ("history", history),
    10: ("patch", patch),
}


def decode_frame(data, limits=LIMITS):
    """A frame's fields, with its kind's name as `kind`."""
    check(len(data) <= limits["frameBytes"], "too-large", f"{len(data)} bytes")
    check(MAGIC.startswith(data[:4]), "bad-magic", "no frame")
    check(len(data) >= 10, "truncated", f"{len(data)} bytes")
    check(data[4] == 1, "bad-version", f"version {data[4]}")
    check(crc32c(data[:-4]) == int.from_bytes(data[-4:], "little"), "bad-checksum", "CRC-32C")
    check(data[5] in KINDS, "bad-kind", f"kind {data[5]}")
    name, read = KINDS[data[5]]
    body = Fields(data, 6, len(data) - 4)
    found = read(body, limits)
    body.finish("the body")
    return {"kind": name, **found}
