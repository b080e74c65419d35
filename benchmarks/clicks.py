"""How long the service works on a click, once the photograph is grouped: its mask, and the form that was asked for.

python benchmarks/clicks.py [--parser everyday] [--clicks 100]
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from side_by_side import markdown, where_it_ran

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.data.drawn_scenes import draw_scene
from mereo.drawing.mask_png import mask_png
from mereo.interaction.clicks import group_photograph
from mereo.parser.weights import load
from mereo.web.mask_answers import compressed_counts
from mereo.web.mask_polygons import polygons
from mereo.web.request_shapes import SentClick
from mereo.web.superpixel_map import mask_of_clicks

SIZES = ((360, 480), (3000, 4000))
MOST_CLICKS = 10
FORMS: dict[str, Callable[[np.ndarray], object]] = {
    "share": lambda mask_HW: (mask_HW.mean(), mask_HW.sum()),
    "rle": compressed_counts,
    "polygon": polygons,
    "png": mask_png,
}


def photograph(height: int, width: int) -> np.ndarray:
    """A drawn scene, enlarged."""
    scene_HW3 = np.asarray(draw_scene(0, 0, size=(360, 480)).image_CHW.permute(1, 2, 0))
    return np.asarray(Image.fromarray(scene_HW3).resize((width, height), Image.Resampling.BICUBIC))


def seconds_of_clicks(photo: GroupedPhotograph, size: tuple[int, int], form: str, count: int) -> list[float]:
    """One to ten clicks at a time, of all levels, a third of them taking away."""
    order, seconds = random.Random(0), []
    for number in range(count):
        clicks = [
            SentClick(x=order.randrange(size[1]), y=order.randrange(size[0]), adds=at % 3 != 2)
            for at in range(1 + number % MOST_CLICKS)
        ]
        start = time.perf_counter()
        FORMS[form](mask_of_clicks(photo, clicks, level=order.randint(1, photo.num_levels)))
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parser", default="everyday")
    parser.add_argument("--clicks", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    loaded, rows = load(arguments.parser), []
    for height, width in SIZES:
        photo = group_photograph(loaded, photograph(height, width))
        for form in FORMS:
            seconds = seconds_of_clicks(photo, (height, width), form, arguments.clicks)
            p95 = statistics.quantiles(seconds, n=20)[-1]
            times = [f"{1000 * one:.1f} ms" for one in (statistics.median(seconds), p95, max(seconds))]
            rows.append([f"{width}x{height}", form, *times])
    print(markdown(["photograph", "asked for", "median", "p95", "longest"], rows))
    print(f"\n{arguments.parser}, {arguments.clicks} times one to {MOST_CLICKS} clicks, on {where_it_ran()}")


if __name__ == "__main__":
    main()
