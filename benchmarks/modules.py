"""What a context module costs on one map: parameters, multiply-adds, memory and time of each stage, turn by turn.

    python benchmarks/modules.py [--map 1x2048x68x68] [--classes 59] [--threads 1] [--rounds 3] [--counts 1]
    python benchmarks/modules.py --map 1x2048x97x97 --only ...    # the maps of a picture of 769 x 769

Each module with the projection before it and a 1x1 classifier behind it, in a process of its own, in evaluation. The
multiply-adds are those of convolutions and matrix products, counted without computing them. The memory is what the
resident set grows by, at most, in one forward (Linux): activations and the working room of oneDNN. Attention is written
out as in the papers, with its whole matrix; fused kernels would take less.

The rows with "levels" stand on the four maps that an undilated ResNet has where a dilated one has the given map: a
quarter of its side at the top. Their superpixels are 512 square cells.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, measured_in_turn, where_it_ran

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.parser.config import ParserConfig
from mereo.reasoning.class_affinity import ClassAffinity
from mereo.reasoning.deep_grouping import DeepGrouping

WIDE, NARROW = {"stage": "projection", "width": 512}, {"stage": "projection", "width": 512, "kernel_size": 1}
LEVELS, FUSION = {"stage": "feature_levels", "width": 512}, {"stage": "level_fusion", "width": 512}
PATHS: dict[str, list[dict[str, Any]]] = {
    "pyramid pooling (PSPNet)": [{"stage": "pyramid_pooling", "width": 512}],
    "atrous pyramid (DeepLabV3)": [{"stage": "atrous_pyramid", "width": 256}],
    "3x3 + dual attention (DANet)": [WIDE, {"stage": "dual_attention"}],
    "3x3 + object regions (OCR)": [WIDE, {"stage": "object_regions"}],
    "3x3 + criss-cross attention (CCNet)": [WIDE, {"stage": "criss_cross_attention"}],
    "3x3 + object context pooling (OCNet)": [WIDE, {"stage": "object_context_pooling"}],
    "adaptive pyramid context (APCNet)": [{"stage": "adaptive_pyramid_context", "width": 512}],
    "1x1 + class affinity (GRAr)": [NARROW, {"stage": "class_affinity", "back_to_pixels": "sum"}],
    "1x1 + class affinity, joined": [NARROW, {"stage": "class_affinity"}],
    "3x3 (FCN)": [WIDE],
    "3x3 + global reasoning unit (GloRe)": [WIDE, {"stage": "global_reasoning_unit"}],
    "3x3 + concept tokens (SGR)": [WIDE, {"stage": "concept_tokens"}],
    "nothing": [],
    "concept tokens on the map itself": [{"stage": "concept_tokens"}],
    "levels + fusion (UPerNet)": [LEVELS, FUSION],
    "levels + deep grouping + fusion (DGM)": [LEVELS, {"stage": "deep_grouping"}, FUSION],
    "the same without top-down": [LEVELS, {"stage": "deep_grouping", "top_down": False}, FUSION],
}
STRIDE = 8
LEVEL_STRIDES = (4, 8, 16, 32)
SETTLING_SIDE = 8


class Classified(nn.Module):
    """A path and the classifier behind it."""

    def __init__(self, path: list[dict[str, Any]], *, channels: int, num_classes: int) -> None:
        super().__init__()
        layout, stages = FeatureLayout((channels,), (STRIDE,)), []
        self.has_levels = path[:1] == [LEVELS]
        if self.has_levels:
            layout = FeatureLayout(tuple(channels * s // LEVEL_STRIDES[-1] for s in LEVEL_STRIDES), LEVEL_STRIDES)
        self.in_layout = layout
        config = ParserConfig.model_validate({"backbone": {"name": "none"}, "path": path})
        for stage_config in config.path:
            stages.append(stage_config.build(layout, [str(number) for number in range(num_classes)]))
            layout = stages[-1].layout
            if isinstance(stages[-1], ClassAffinity):
                half_KK = torch.randint(0, 1000, (num_classes, num_classes))
                stages[-1].take_counts(half_KK + half_KK.T)
        self.stages = nn.ModuleList(stages)
        self.classify = nn.Conv2d(layout.channels[-1], num_classes, kernel_size=1)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        # One pixel more than a whole number of cells, as 769 is.
        height, width = ((side - 1) * STRIDE + 1 for side in features_BCHW.shape[-2:])
        features, frame = FeatureMaps((features_BCHW,), (STRIDE,)), Frame(image_size=(height, width))
        if self.has_levels:
            sizes = [(-(-height // stride), -(-width // stride)) for stride in LEVEL_STRIDES]
            maps = [
                torch.randn(1, c, *size, device=features_BCHW.device) for c, size in zip(self.in_layout.channels, sizes)
            ]
            features = FeatureMaps(tuple(maps), LEVEL_STRIDES)
            frame = Frame(image_size=(height, width), superpixels_BHW=square_superpixels(height, width))
        for stage in self.stages:
            features = stage(features, frame)
        answer: Tensor = self.classify(features.last)
        return answer


def square_superpixels(height: int, width: int) -> Tensor:
    """1 H W: 16 x 32 cells."""
    row_H, column_W = torch.arange(height) * 16 // height, torch.arange(width) * 32 // width
    return (32 * row_H[:, None] + column_W)[None]


def kibibytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def grown_mebibytes(module: nn.Module, features_BCHW: Tensor) -> float:
    """What one forward adds to the resident set at most; NaN where the system does not say."""
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        module(features_BCHW)
        return math.nan
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # Room that was freed before would be taken again unseen.
    reset.write_text("5")  # The peak starts anew.
    before = kibibytes("VmRSS")
    module(features_BCHW)
    return (kibibytes("VmHWM") - before) / 1024


@torch.inference_mode()
def child(name: str, shape: list[int], num_classes: int, counts: int) -> None:
    torch.manual_seed(0)
    module = Classified(PATHS[name], channels=shape[1], num_classes=num_classes).eval()
    torch.backends.mha.set_fastpath_enabled(False)  # The counter does not see into fused transformer layers.
    # Groups start at regions that are there, which cannot be known without computing.
    is_counted_only = not any(isinstance(stage, DeepGrouping) for stage in module.stages)
    uncomputed = FakeTensorMode(allow_non_fake_inputs=True) if is_counted_only else contextlib.nullcontext()
    with uncomputed, FlopCounterMode(display=False) as counter:
        module(torch.empty(shape))
    torch.backends.mha.set_fastpath_enabled(True)
    module(torch.randn(*shape[:2], SETTLING_SIDE, SETTLING_SIDE))  # Libraries set up what they keep.
    features_BCHW = torch.randn(shape)
    mebibytes, seconds = grown_mebibytes(module, features_BCHW), []
    for _ in range(counts):
        started = time.perf_counter()
        module(features_BCHW)
        seconds.append(time.perf_counter() - started)
    answer = {
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "multiply_adds": counter.get_total_flops() / 2,
        "mebibytes": mebibytes,
        "seconds": statistics.median(seconds),
    }
    print(json.dumps(answer))


def row(name: str, found: list[dict[str, float]]) -> list[str]:
    seconds = sorted(one["seconds"] for one in found)
    return [
        name,
        f"{found[0]['parameters'] / 1e6:.2f}",
        f"{found[0]['multiply_adds'] / 1e9:.1f}",
        f"{statistics.median(one['mebibytes'] for one in found):.0f}",
        f"{statistics.median(seconds):.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--map", default="1x2048x68x68", help="batch, channels, height and width")
    parser.add_argument("--classes", type=int, default=59)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, default=1, help="timed forwards in each process")
    parser.add_argument("--only", nargs="*", choices=list(PATHS), metavar="NAME")
    parser.add_argument("--child", choices=list(PATHS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        torch.set_num_threads(chosen.threads)
        child(chosen.child, [int(size) for size in chosen.map.split("x")], chosen.classes, chosen.counts)
        return
    fixed = ["--map", chosen.map, "--classes", str(chosen.classes)]
    fixed += ["--threads", str(chosen.threads), "--counts", str(chosen.counts)]
    names = chosen.only or list(PATHS)
    found = measured_in_turn({name: [*fixed, "--child", name] for name in names}, rounds=chosen.rounds)
    print(f"a map of {chosen.map}, {chosen.classes} classes, {chosen.rounds} rounds; {where_it_ran()}")
    print(f"{chosen.threads} thread(s) each\n")
    header = ["module, with its classifier", "parameters, million", "multiply-adds, 10^9", "MiB more", "seconds"]
    print(markdown(header, [row(name, one) for name, one in found.items()]))


if __name__ == "__main__":
    main()
