"""Superpixels of a 480x360 photograph beside SLIC, Felzenszwalb's and higra's watersheds: time, and borders found.

    python benchmarks/superpixels.py [--images 100] [--size 480x360] [--regions 512] [--rounds 3] [--counts 10]

One thread each, in turn, processor time beside the clock's: other programs may run. The limits are 250 ms and a recall
of .86: the share of border pixels that people drew (bsds500/val, all annotators) with one of the answer's within two
pixels. SLIC and Felzenszwalb's are scikit-image's as they come (compactness 10; scale 100, smallest region 50), the
watershed hierarchies higra's by area and by dynamics on the gradient that ours begins with, cut at as many regions.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, measured_in_turn, ratio_in_words, where_it_ran

from mereo.data.formats.stacked_annotators import StackedAnnotatorSamples
from mereo.metrics.region_borders import BorderCounts, border_counts
from mereo.regions.superpixels import superpixels
from mereo.regions.watershed_superpixels import gradient_magnitude

LIMIT_SECONDS, LIMIT_RECALL, NEAR_PIXELS = 0.25, 0.86, 2.0
Segmenter = Callable[[np.ndarray, int], np.ndarray]


def slic(image_HW3: np.ndarray, num_regions: int) -> np.ndarray:
    from skimage.segmentation import slic

    return slic(image_HW3, n_segments=num_regions, compactness=10, start_label=0)


def felzenszwalb(image_HW3: np.ndarray, num_regions: int) -> np.ndarray:
    from skimage.segmentation import felzenszwalb

    return felzenszwalb(image_HW3, scale=100, min_size=50)


def watershed_hierarchy(image_HW3: np.ndarray, num_regions: int, *, kind: str) -> np.ndarray:
    import higra
    from scipy import ndimage

    colour_HW3 = ndimage.gaussian_filter(np.sqrt(image_HW3.astype(np.float32) / 255), (0.8, 0.8, 0))
    graph = higra.get_4_adjacency_graph(image_HW3.shape[:2])
    steepness_P = gradient_magnitude(colour_HW3).ravel().astype(np.float64)
    edge_weights = higra.weight_graph(graph, steepness_P, higra.WeightFunction.mean)
    tree, heights = getattr(higra, f"watershed_hierarchy_by_{kind}")(graph, edge_weights)
    return higra.labelisation_horizontal_cut_from_num_regions(tree, heights, num_regions, mode="at_most")


SEGMENTERS: dict[str, Segmenter] = {
    "ours": lambda image_HW3, num_regions: superpixels(image_HW3, max_regions=num_regions),
    "SLIC": slic,
    "Felzenszwalb": felzenszwalb,
    "watershed by area": lambda image_HW3, num_regions: watershed_hierarchy(image_HW3, num_regions, kind="area"),
    "watershed by dynamics": lambda image_HW3, n: watershed_hierarchy(image_HW3, n, kind="dynamics"),
}


def photograph(size: str) -> np.ndarray:
    from sklearn.datasets import load_sample_image

    width, height = (int(side) for side in size.split("x"))
    return np.array(Image.fromarray(load_sample_image("china.jpg")).resize((width, height)))


def borders_found(segment: Segmenter, chosen: argparse.Namespace) -> tuple[float, float]:
    """Recall over all annotators of all pictures, and the mean number of regions."""
    samples = StackedAnnotatorSamples(chosen.data, split="val")
    total, numbers = BorderCounts(0, 0, 0, 0), []
    for index in range(min(chosen.images, len(samples))):
        sample = samples[index]
        label_HW = segment(sample.image_CHW.permute(1, 2, 0).numpy(), chosen.regions)
        (counts,) = border_counts(label_HW[None], sample.annotators_AHW.numpy(), distance_pixels=NEAR_PIXELS)
        total, numbers = total + counts, [*numbers, len(np.unique(label_HW))]
    return total.recall, statistics.mean(numbers)


def child(name: str, chosen: argparse.Namespace) -> None:
    segment, image_HW3, clock, processor = SEGMENTERS[name], photograph(chosen.size), [], []
    for _ in range(chosen.counts + 1):  # The first does not count.
        started, started_processor = time.perf_counter(), time.process_time()
        segment(image_HW3, chosen.regions)
        processor.append(time.process_time() - started_processor)
        clock.append(time.perf_counter() - started)
    answer = {"clock": statistics.median(clock[1:]), "processor": statistics.median(processor[1:])}
    if chosen.images:
        answer["recall"], answer["regions"] = borders_found(segment, chosen)
    print(json.dumps(answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="480x360")
    parser.add_argument("--regions", type=int, default=512)
    parser.add_argument("--images", type=int, default=100, help="of bsds500/val, for the recall")
    parser.add_argument("--data", default="../shared/data/bsds500")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, default=10)
    parser.add_argument("--child", choices=list(SEGMENTERS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen)
        return
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[library] = "1"
    fixed = [f"--{name}={getattr(chosen, name)}" for name in ("size", "regions", "counts", "data")]
    timed = {name: [*fixed, "--images=0", "--child", name] for name in SEGMENTERS}
    found = measured_in_turn(timed, rounds=chosen.rounds)
    if chosen.images:
        fixed += ["--counts=1", f"--images={chosen.images}"]
        once = {name: [*fixed, "--child", name] for name in SEGMENTERS}
        recalls = {name: one[0] for name, one in measured_in_turn(once, rounds=1).items()}
    print(f"{chosen.size}, at most {chosen.regions} regions, one thread, {chosen.rounds} rounds; {where_it_ran()}\n")
    ours, rows = [one["processor"] for one in found["ours"]], []
    for name, runs in found.items():
        times = [f"{1000 * statistics.median(one[key] for one in runs):.0f}" for key in ("processor", "clock")]
        ratio = "1" if name == "ours" else ratio_in_words([one["processor"] for one in runs], ours)
        borders = [f"{recalls[name]['recall']:.3f}", f"{recalls[name]['regions']:.0f}"] if chosen.images else []
        rows.append([name, *times, ratio, *borders])
    header = ["superpixels", "ms of processor", "ms", "times ours", "recall", "regions"]
    print(markdown(header[: len(rows[0])], rows))
    milliseconds = 1000 * statistics.median(ours)
    print(f"\nours takes {milliseconds:.0f} ms of at most {1000 * LIMIT_SECONDS:.0f}", end="")
    print(f" and finds {recalls['ours']['recall']:.3f} of at least {LIMIT_RECALL}" if chosen.images else "")


if __name__ == "__main__":
    main()
