"""The weighted mean of N float32 vectors in blocked numpy, for `fedpress bench aggregate`: prints seconds, best of three.

Arguments: N and D. Of large cases only as many vectors are made as fit into 1.2 GB; all of them are read once, from memory
as N would be, and the time is counted up to N.
"""
import sys
import time

import numpy as np

BLOCK = 1 << 15
n, d = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(1)
kept = [rng.standard_normal(d, dtype=np.float32) for _ in range(min(n, max(2, int(1.2e9) // (4 * d))))]
weights = (rng.integers(1, 1000, len(kept)) / n).astype(np.float32)
acc = np.zeros(d, np.float32)
tmp = np.empty(BLOCK, np.float32)


def mean():
    acc[:] = 0
    for start in range(0, d, BLOCK):
        into = acc[start : start + BLOCK]
        part = tmp[: len(into)]
        for vector, weight in zip(kept, weights):
            np.multiply(vector[start : start + BLOCK], weight, out=part)
            np.add(into, part, out=into)


best = float("inf")
for _ in range(3):
    began = time.perf_counter()
    mean()
    best = min(best, time.perf_counter() - began)
print(best * n / len(kept))
