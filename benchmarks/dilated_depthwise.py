"""Forward and backward of MobileNetV2's dilated depthwise convolutions on the CPU, ours beside torch's, turn by turn.

python benchmarks/dilated_depthwise.py [--threads 1] [--rounds 7] [--bfloat16]
"""

import argparse
import statistics
import time

import torch
from side_by_side import markdown, ratio_in_words, where_it_ran
from torch import nn

from mereo.features.dilated_depthwise import DilatedDepthwise

BATCH = 8
# Channels, dilation, height, width: output stride 16 at 480x360 and 320x240, output stride 8 at 320x240.
SHAPES = ((960, 2, 23, 30), (960, 2, 15, 20), (384, 2, 30, 40), (960, 4, 30, 40))


def seconds(convolve: nn.Module, features_BCHW: torch.Tensor, above_BCHW: torch.Tensor, *, is_bfloat16: bool) -> float:
    start = time.process_time()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_bfloat16):
        answer = convolve(features_BCHW)
    torch.autograd.grad(answer, [features_BCHW, *convolve.parameters()], above_BCHW.to(answer.dtype))
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bfloat16", action="store_true", help="as training.precision=bf16-mixed")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = []
    for channels, dilation, *size in SHAPES:
        settings = {"padding": dilation, "dilation": dilation, "groups": channels, "bias": False}
        contestants = {"ours": DilatedDepthwise, "torch": nn.Conv2d}
        modules = {name: kind(channels, channels, 3, **settings) for name, kind in contestants.items()}
        features = torch.randn(BATCH, channels, *size).to(memory_format=torch.channels_last).requires_grad_()
        above = torch.randn(BATCH, channels, *size).to(memory_format=torch.channels_last)
        times: dict[str, list[float]] = {name: [] for name in modules}
        for round_number in range(arguments.rounds + 1):
            for name, module in modules.items():
                taken = seconds(module, features, above, is_bfloat16=arguments.bfloat16)
                if round_number:  # The first warms up.
                    times[name].append(taken)
        milliseconds = [f"{1000 * statistics.median(times[name]):.0f} ms" for name in modules]
        spread = ratio_in_words(times["torch"], times["ours"])
        rows.append([f"{channels} channels, dilation {dilation}, at {size[0]}x{size[1]}", *milliseconds, spread])
    print(markdown(["processor time, batch 8", "ours", "torch", "ratio"], rows))
    print(f"\n{arguments.threads} threads on {where_it_ran()}")


if __name__ == "__main__":
    main()
