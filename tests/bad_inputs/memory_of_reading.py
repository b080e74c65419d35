"""A process of its own that reads pictures and prints a JSON line for each: outcome, and growth of the peak memory.

Its address space is limited, so that whoever asks for gigabytes fails here instead of taking them.
"""

import json
import resource
import sys
from pathlib import Path

from mereo.data.pictures.image_reading import read_image
from mereo.errors import MereoError

ROOM_BYTES = 1 << 30


def kibibytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def outcome_of(path: str) -> str:
    try:
        return f"read {read_image(path).shape}"
    except MereoError as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    first, *others = sys.argv[1:]
    outcome_of(first)  # Imports what reading needs.
    space = 1024 * kibibytes("VmSize") + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    peak = kibibytes("VmHWM")
    for path in others:
        outcome = outcome_of(path)
        grown, peak = kibibytes("VmHWM") - peak, kibibytes("VmHWM")
        print(json.dumps({"name": Path(path).name, "outcome": outcome, "mebibytes": grown / 1024}))
