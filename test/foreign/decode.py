"""A second decoder, written from docs/wire-format.md alone, in the standard library of Python 3.

Reads a JSON list of requests from stdin and prints a list of answers in the form of test/vectors:
{"payload": hex, "length", "codec"?}, {"frame": hex}, {"student": hex} for the vectors in one, {"integers": hex, "length"},
{"mask": hex, "shape"}, {"patch": hex, "origin": patterns} for the patterns that a patch makes of them, {"manifest"}, {"model": params}, {"masks": by tensor, "of": manifest} and
{"plan": rules, "of": manifest} for digests.
{"deltas": [by tensor], "of": manifest} for what histories come to, {"state": hex, "of": manifest} for the digest of one.
Bytes that are not valid are answered by {"refused": code}."""

import json
import math
import struct
import sys

from fault import WireError, check
from frame import decode_frame, student_vectors
from history import History, read_history
from integers import decode_integers
from masks import decode_mask, masks_digest
from patch import patched
from payload import decode_payload
from plan import agreement, manifest_digest, model_digest, plan_digest


def vector(length, support, values):
    patterns = [pattern for (pattern,) in struct.iter_unpack("<I", struct.pack(f"<{len(values)}f", *values))]
    return {"length": length, "support": support, "values": patterns}


def decoded_payload(request):
    codec = request.get("codec")
    length = request["length"]
    agreed = (None, None, True) if codec is None else agreement(codec)
    known = request.get("prior")
    prior = known and (known["digest"], known["classes"], known["signs"])
    return vector(length, *decode_payload(bytes.fromhex(request["payload"]), length, *agreed, prior))


def folded(request):
    """The digest, classes and signs after every delta, the first before any."""
    history = History(matrices(request["of"]))

    def now():
        return {"digest": history.digest(), "classes": history.classes(), "signs": history.signs()}

    found = [now()]
    for delta in request["deltas"]:
        history.fold({name: (part["support"], part["values"]) for name, part in delta.items()})
        found.append(now())
    return found


def matrices(manifest):
    found = []
    for name, shape in manifest_of(manifest):
        cols = shape[-1] if shape else 1
        found.append((name, math.prod(shape) // cols, cols))
    return found


def short(digest):
    return int.from_bytes(digest, "big")


def params(tensors, data):
    found, at = [], 0
    for tensor in tensors:
        found.append([tensor["name"], {"shape": tensor["shape"], "data": data[at : at + tensor["size"]]}])
        at += tensor["size"]
    return found


def frame_json(frame):
    shown = dict(frame)
    for field in ("manifest", "plan", "digest"):
        if field in shown:
            shown[field] = shown[field].hex() if frame["kind"] == "origin" else short(shown[field])
    if "payloads" in shown:
        shown["payloads"] = [payload.hex() for payload in shown["payloads"]]
    if "masks" in shown:
        shown["masks"] = [mask.hex() for mask in shown["masks"]]
    for field in ("state", "support", "planes"):
        if field in shown:
            shown[field] = shown[field].hex()
    if "groups" in shown:
        shown["groups"] = [{**group, "payload": group["payload"].hex()} for group in shown["groups"]]
    if frame["kind"] == "checkpoint":
        shown["params"] = params(shown.pop("tensors"), shown.pop("data"))
    if frame["kind"] == "tally":
        shown["steps"] = str(shown["steps"])
        shown["tensors"] = [
            {**t, "sums": t["sums"].hex(), "owners": t["owners"] and t["owners"].hex()} for t in shown["tensors"]
        ]
    if frame["kind"] == "student":
        shown["manifest"] = {"tensors": [{"name": t["name"], "shape": t["shape"]} for t in shown.pop("tensors")]}
    return shown


def manifest_of(json_manifest):
    return [(tensor["name"], tensor["shape"]) for tensor in json_manifest["tensors"]]


def answer(request):
    if "payload" in request:
        return decoded_payload(request)
    if "deltas" in request:
        return folded(request)
    if "state" in request:
        return read_history(bytes.fromhex(request["state"]), matrices(request["of"])).digest()
    if "frame" in request:
        return frame_json(decode_frame(bytes.fromhex(request["frame"])))
    if "student" in request:
        return [vector(*group) for group in student_vectors(decode_frame(bytes.fromhex(request["student"])))]
    if "patch" in request:
        frame = decode_frame(bytes.fromhex(request["patch"]))
        check(frame["kind"] == "patch", "bad-kind", frame["kind"])
        return patched(frame, request["origin"])
    if "mask" in request:
        return decode_mask(bytes.fromhex(request["mask"]), request["shape"])
    if "masks" in request:
        return masks_digest(request["masks"], manifest_of(request["of"]))
    if "integers" in request:
        return [str(n) for n in decode_integers(bytes.fromhex(request["integers"]), request["length"])]
    if "manifest" in request:
        return manifest_digest(manifest_of(request["manifest"]))
    if "model" in request:
        tensors = [(name, tensor["shape"]) for name, tensor in request["model"]]
        return model_digest(tensors, [value for _, tensor in request["model"] for value in tensor["data"]])
    return plan_digest(request["plan"], manifest_of(request["of"]))


def answered(request):
    try:
        return answer(request)
    except WireError as error:
        return {"refused": error.code}


if __name__ == "__main__":
    json.dump([answered(request) for request in json.load(sys.stdin)], sys.stdout)
