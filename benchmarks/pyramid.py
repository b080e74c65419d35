"""What a semantic pyramid costs: its targets, fusing its levels, the multiply-adds of its head.

    python benchmarks/pyramid.py [--threads 1] [--counts 20]

Targets of a batch of 8 label maps of 512x512 on cells of 32 to 4 pixels (at most 10 ms). The share of fusing, softmax
and sigmoid included, in a parse of a 480x360 picture by the network of recipes/camvid_pyramid_full.yaml with random
weights (at most 3 %). The head's multiply-adds at the paper's widths as ratio to one 3x3 convolution from 720 to 512
channels on the finest level, 128x128 (at most 1.3, and 1.32 with its unities); they are counted without computing them.
Processor time, so that other programs may run; on one thread it is the clock's where none does.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, where_it_ran

from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.pyramid_fusion import fuse_pyramid
from mereo.heads.semantic_pyramid import SemanticPyramid, SemanticPyramidPrediction
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.scene_parser import SceneParser
from mereo.recipe.recipe import load_recipe
from mereo.regions.cells import pyramid_targets

RECIPE = Path(__file__).parents[1] / "recipes" / "camvid_pyramid_full.yaml"
LIMIT_TARGETS, LIMIT_FUSING, LIMIT_HEAD, LIMIT_WITH_UNITIES = 10.0, 3.0, 1.3, 1.32


def milliseconds(function: Callable[[], object], counts: int) -> list[float]:
    """Of the processor; a call before does not count."""
    found = []
    for _ in range(counts + 1):
        started = time.process_time()
        function()
        found.append(1000 * (time.process_time() - started))
    return found[1:]


def in_words(values: list[float], digits: int = 1) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def targets_ms(counts: int, *, num_classes: int, ignore_label: int) -> list[float]:
    """Blocks of classes as large as things in a street, as int32: what the loader gives."""
    generator = torch.Generator().manual_seed(0)
    coarse_BHW = torch.randint(0, num_classes + 1, (8, 22, 22), generator=generator, dtype=torch.int32)
    coarse_BHW[coarse_BHW == num_classes] = ignore_label
    label_BHW = coarse_BHW.repeat_interleave(24, 1).repeat_interleave(24, 2)[:, 7:519, 5:517].contiguous()
    return milliseconds(lambda: pyramid_targets(label_BHW, [32, 16, 8, 4], ignore_label=ignore_label), counts)


@torch.inference_mode()
def fusing_and_parse_ms(counts: int) -> tuple[list[float], list[float]]:
    torch.manual_seed(0)
    parser: SceneParser = load_recipe(RECIPE).parser.without_weights().build(drawn_taxonomy()).eval()
    image_HW3 = np.array(Image.effect_noise((480, 360), 60).convert("RGB"))
    prediction = parser(prepared_image(parser, image_HW3, (360, 480))).prediction(SemanticPyramidPrediction)

    def fuse() -> None:
        fuse_pyramid(prediction.probability_per_level, prediction.unity_per_level, threshold=prediction.threshold)

    fusing, parsing = [], []
    for _ in range(counts):  # In turn, so that a slow moment slows both.
        parsing += milliseconds(lambda: parser.parse(image_HW3), 1)
        fusing += milliseconds(fuse, 1)
    return fusing, parsing


def head_ratios() -> tuple[float, float]:
    """The semantic head alone, and with the unity head."""
    with FakeTensorMode():
        features = FeatureMaps((torch.empty(1, 720, 128, 128),), (4,))
        convolution = operations(nn.Conv2d(720, 512, 3, padding=1), features.last)
        head = SemanticPyramid(FeatureLayout((720,), (4,)), num_classes=150).eval()
        whole, of_unities = operations(head, features, Frame((512, 512))), operations(head.unity, features.last)
    return (whole - of_unities) / convolution, whole / convolution


def operations(module: nn.Module, *inputs: object) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--counts", type=int, default=20)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    targets = targets_ms(chosen.counts, num_classes=11, ignore_label=255)
    targets_of_many = targets_ms(chosen.counts, num_classes=400, ignore_label=65535)
    fusing, parsing = fusing_and_parse_ms(chosen.counts)
    shares = [100 * fuse / parse for fuse, parse in zip(fusing, parsing)]
    alone, with_unities = head_ratios()
    print(f"{chosen.threads} thread(s), {chosen.counts} repeats, median (least to most); {where_it_ran()}\n")
    rows = [
        ["targets of 8x512x512, 11 classes, ms", in_words(targets), f"{LIMIT_TARGETS:.0f}"],
        ["targets of 8x512x512, 400 classes, ms", in_words(targets_of_many), f"{LIMIT_TARGETS:.0f}"],
        ["fusing a 480x360 picture, ms", in_words(fusing), ""],
        ["its whole parse, ms", in_words(parsing, 0), ""],
        ["fusing's share, %", in_words(shares, 2), f"{LIMIT_FUSING:.0f}"],
        ["semantic head / 3x3 convolution, multiply-adds", f"{alone:.3f}", str(LIMIT_HEAD)],
        ["with the unity head", f"{with_unities:.3f}", str(LIMIT_WITH_UNITIES)],
    ]
    print(markdown(["what", "measured", "at most"], rows))


if __name__ == "__main__":
    main()
