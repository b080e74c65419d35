"""Milliseconds of a drawn scene of 320x240 on one core, by kind.

python benchmarks/drawn_scenes.py
"""

import statistics
import time

import torch

from mereo.data.drawn_scenes import KINDS, draw_scene


def milliseconds(kind: str, index: int) -> float:
    started = time.perf_counter()
    draw_scene(5, index, kind=kind)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    torch.set_num_threads(1)
    for kind in KINDS:
        milliseconds(kind, 0)  # The first one also makes the noise tiles.
        print(f"{kind:<8} {statistics.median(milliseconds(kind, index) for index in range(12)):.0f} ms (median of 12)")


if __name__ == "__main__":
    main()
