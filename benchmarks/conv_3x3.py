"""Forward and backward of one 3x3 convolution on the CPU, ours beside torch's, turn by turn in one process.

python benchmarks/conv_3x3.py [--threads 2] [--rounds 7]
"""

import argparse
import statistics
import time

import torch
from side_by_side import markdown, where_it_ran
from torch import nn

from mereo.features.conv_3x3 import Conv3x3

BATCH = 8
# Input channels, output channels, height, width at 320x240: UPerNet's fusion and its levels, FCN's projection.
SHAPES = ((512, 128, 60, 80), (128, 128, 60, 80), (128, 128, 30, 40), (832, 128, 15, 20), (320, 128, 15, 20))


def seconds(convolve: nn.Module, features_BCHW: torch.Tensor, above_BOHW: torch.Tensor) -> float:
    start = time.perf_counter()
    torch.autograd.grad(convolve(features_BCHW), [features_BCHW, *convolve.parameters()], above_BOHW)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    for channels, width, *size in SHAPES:
        ours = Conv3x3(channels, width).to(memory_format=torch.channels_last)
        theirs = nn.Conv2d(channels, width, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
        features = torch.randn(BATCH, channels, *size).to(memory_format=torch.channels_last).requires_grad_()
        above = torch.randn(BATCH, width, *size).to(memory_format=torch.channels_last)
        times: dict[str, list[float]] = {"ours": [], "torch": []}
        for round_number in range(arguments.rounds + 1):
            for name, module in (("ours", ours), ("torch", theirs)):
                taken = seconds(module, features, above)
                if round_number:  # The first warms up.
                    times[name].append(taken)
        ratios = sorted(b / a for a, b in zip(times["ours"], times["torch"], strict=True))
        milliseconds = [f"{1000 * statistics.median(times[name]):.0f} ms" for name in ("ours", "torch")]
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        rows.append([f"{channels} to {width} at {size[0]}x{size[1]}", *milliseconds, spread])
    print(markdown(["convolution, batch 8", "ours", "torch", "ratio"], rows))
    print(f"\n{arguments.threads} threads on {where_it_ran()}")


if __name__ == "__main__":
    main()
