"""Refusals and limits, as the page's chapters "Errors" and "Limits" have them."""


class WireError(Exception):
    """Bytes that the format does not allow; `code` is one of the page's table of errors."""

    def __init__(self, code, what):
        super().__init__(f"{code}: {what}")
        self.code = code


LIMITS = {
    "frameBytes": 67108864,
    "numTensors": 4096,
    "rank": 8,
    "numParams": 16777216,
    "nameBytes": 255,
}


def check(holds, code, what):
    """Raise `code` unless `holds`."""
    if not holds:
        raise WireError(code, what)
