"""Forward and backward of MobileNetV2's dilated and strided depthwise convolutions on the CPU, beside torch's, in turn.

python benchmarks/depthwise.py [--threads 1] [--rounds 7] [--bfloat16]
"""

import argparse
import statistics
import time

import torch
from side_by_side import markdown, ratio_in_words, where_it_ran
from torch import nn

from mereo.features.dilated_depthwise import DilatedDepthwise
from mereo.features.strided_depthwise import StridedDepthwise
from mereo.training.memory_reuse import keep_freed_memory

BATCH = 8
# Channels, dilation, stride, height, width. Dilated: output stride 16 at 480x360 and 320x240, output stride 8 at
# 320x240. Strided (a faster way in bfloat16 alone): the first blocks at 480x360, and the last one at 320x240.
SHAPES = (
    (960, 2, 1, 23, 30),
    (960, 2, 1, 15, 20),
    (384, 2, 1, 30, 40),
    (960, 4, 1, 30, 40),
    (96, 1, 2, 180, 240),
    (144, 1, 2, 90, 120),
    (192, 1, 2, 45, 60),
    (576, 1, 2, 15, 20),
)


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
    keep_freed_memory()  # As training does.
    rows = []
    for channels, dilation, stride, *size in SHAPES:
        if stride > 1 and not arguments.bfloat16:
            continue  # The same as torch's.
        settings = {"stride": stride, "padding": dilation, "dilation": dilation, "groups": channels, "bias": False}
        contestants = {"ours": DilatedDepthwise if dilation > 1 else StridedDepthwise, "torch": nn.Conv2d}
        modules = {name: kind(channels, channels, 3, **settings) for name, kind in contestants.items()}
        kind_of_number = torch.bfloat16 if arguments.bfloat16 else torch.float32
        features = torch.randn(BATCH, channels, *size).to(kind_of_number, memory_format=torch.channels_last)
        features.requires_grad_()
        with torch.no_grad():
            above = torch.randn_like(modules["torch"](features.float()))
        times: dict[str, list[float]] = {name: [] for name in modules}
        for round_number in range(arguments.rounds + 1):
            for name, module in modules.items():
                taken = seconds(module, features, above, is_bfloat16=arguments.bfloat16)
                if round_number:  # The first warms up.
                    times[name].append(taken)
        milliseconds = [f"{1000 * statistics.median(times[name]):.0f} ms" for name in modules]
        spread = ratio_in_words(times["torch"], times["ours"])
        kind = f"dilation {dilation}" if dilation > 1 else f"stride {stride}"
        rows.append([f"{channels} channels, {kind}, at {size[0]}x{size[1]}", *milliseconds, spread])
    print(markdown(["processor time, batch 8", "ours", "torch", "ratio"], rows))
    print(f"\n{arguments.threads} threads on {where_it_ran()}")


if __name__ == "__main__":
    main()
