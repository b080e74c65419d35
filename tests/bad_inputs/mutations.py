"""Bytes changed by chance: flipped, set, cut out, doubled, cut off; more often near the start, where headers are."""

import numpy as np

EXTREMES = (0, 1, 127, 128, 255)
HEADER_BYTES = 200


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(random.integers(1, 8))):
        end = min(len(changed), HEADER_BYTES) if random.random() < 0.6 else len(changed)
        at, how = int(random.integers(0, end)), int(random.integers(0, 6))
        if how == 0:
            changed[at] ^= 1 << int(random.integers(0, 8))
        elif how == 1:
            changed[at] = EXTREMES[int(random.integers(0, len(EXTREMES)))]
        elif how == 2:
            changed[at : at + 4] = bytes([EXTREMES[int(random.integers(0, len(EXTREMES)))]]) * 4
        elif how == 3:
            del changed[at : at + int(random.integers(1, 20))]
        elif how == 4:
            source = int(random.integers(0, len(changed)))
            changed[at:at] = changed[source : source + int(random.integers(1, 60))]
        elif random.random() < 0.2:
            del changed[at + 1 :]
        if not changed:
            return b"\0"
    return bytes(changed)
