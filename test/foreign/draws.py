"""What is made from a seed: the page's chapter "Draws"."""

MASK = 2**32 - 1


def words(seed):
    """The endless stream of 32-bit words from a seed."""
    state = seed
    while True:
        state = (state + 0x9E3779B9) & MASK
        z = ((state ^ (state >> 16)) * 0x21F0AAAD) & MASK
        z = ((z ^ (z >> 15)) * 0x735A2D97) & MASK
        yield z ^ (z >> 15)


def draw(stream, most):
    """A number in 0 to `most`."""
    size = most + 1
    limit = 2**32 - 2**32 % size
    for word in stream:
        if word < limit:
            return word % size


def choose(seed, count, length):
    """`count` of `length` positions, rising (Floyd)."""
    stream = words(seed)
    taken = set()
    for j in range(length - count, length):
        t = draw(stream, j)
        taken.add(j if t in taken else t)
    return sorted(taken)
