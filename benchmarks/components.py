"""Components of a label map (1024x2048): areas of all, masks of the large ones on a 64x128 grid, beside scikit-image.

    python benchmarks/components.py [--size 1024x2048] [--classes 11] [--rounds 3] [--counts 20]

One core. The map is drawn: pieces of all sizes, as in a street. scikit-image labels all classes at once; areas are
counted.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, measured_in_turn, ratio_in_words, where_it_ran

from mereo.regions.connected_components import class_components

IGNORED = 255


def street_like(size: tuple[int, int], num_classes: int) -> np.ndarray:
    """Smooth noise cut into classes, with small pieces on top and a border that is ignored."""
    from scipy import ndimage

    random = np.random.default_rng(0)
    coarse = ndimage.zoom(random.random((size[0] // 128, size[1] // 128)), 128, order=1)[: size[0], : size[1]]
    label_HW = (coarse * num_classes).astype(np.uint8)
    for _ in range(300):
        y, x, side = random.integers(size[0]), random.integers(size[1]), random.integers(2, 40)
        label_HW[y : y + side, x : x + side] = random.integers(num_classes)
    label_HW[-40:] = IGNORED
    return label_HW


def child(name: str, chosen: argparse.Namespace) -> None:
    from skimage.measure import label

    label_HW = street_like(tuple(int(n) for n in chosen.size.split("x")), chosen.classes)
    grid, seconds = (label_HW.shape[0] // 16, label_HW.shape[1] // 16), []
    for _ in range(chosen.counts + 1):  # The first does not count.
        started = time.perf_counter()
        if name == "ours":
            areas = class_components(label_HW, ignore_label=IGNORED, size=grid).area_M
        else:
            areas = np.bincount(label(label_HW, background=IGNORED, connectivity=2).ravel())[1:]
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "largest": int(areas.max())}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1024x2048")
    parser.add_argument("--classes", type=int, default=11)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, default=20)
    parser.add_argument("--child", choices=["ours", "scikit-image"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen)
        return
    fixed = [f"--{name}={getattr(chosen, name)}" for name in ("size", "classes", "counts")]
    found = measured_in_turn(
        {name: [*fixed, "--child", name] for name in ("ours", "scikit-image")}, rounds=chosen.rounds
    )
    print(f"a map of {chosen.size}, {chosen.classes} classes, one core; {where_it_ran()}\n")
    rows = [
        [name, f"{1000 * statistics.median(x['seconds'] for x in one):.1f}", str(one[0]["largest"])]
        for name, one in found.items()
    ]
    print(markdown(["labeller", "milliseconds", "largest component, pixels"], rows))
    theirs, ours = ([x["seconds"] for x in found[name]] for name in ("scikit-image", "ours"))
    print(f"\nscikit-image takes {ratio_in_words(theirs, ours)} times as long")


if __name__ == "__main__":
    main()
