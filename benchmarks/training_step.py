"""Seconds of a training step: as the allocator comes, keeping freed memory, keeping it in huge pages; as ratios.

    python benchmarks/training_step.py [--size 480x360] [--rounds 3]

Each measurement is a process of its own, since an allocator's settings cannot be taken back; the three alternate.
"""

import argparse
import statistics
import subprocess
import sys

CHILD = """
import sys, time, torch
from mereo.data.batches import Batch
from mereo.data.taxonomy_file import load_taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.objective import PixelCrossEntropyConfig, build_objective
from mereo.training.memory_reuse import keep_freed_memory
from mereo.training.step_module import StepModule
way, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if way != "as it comes" and not keep_freed_memory(in_huge_pages=way == "in huge pages"):
    raise SystemExit("this C library has no such switch")
torch.set_num_threads(2)
torch.manual_seed(0)
config = {"backbone": {"name": "mobilenetv2_100", "output_stride": 16}, "path": [{"stage": "projection", "width": 128}]}
parser = ParserConfig.model_validate(config).build(load_taxonomy("camvid"))
module = StepModule(parser, build_objective((PixelCrossEntropyConfig(),), parser)).to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
tensors = {"image_BCHW": torch.randint(0, 256, (8, 3, height, width), dtype=torch.uint8)}
tensors["semantic_BHW"] = torch.randint(0, 11, (8, height, width), dtype=torch.int32)
seconds = []
for _ in range(6):
    started = time.perf_counter()
    module(tensors)["loss"].backward()
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - started)
print(sorted(seconds[1:])[2])
"""


WAYS = ("as it comes", "keeping freed memory", "in huge pages")


def measured(way: str, size: tuple[int, int]) -> float:
    command = [sys.executable, "-c", CHILD, way, *map(str, size)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--size", default="480x360")
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    width, height = (int(side) for side in chosen.size.split("x"))
    rounds = [[measured(way, (width, height)) for way in WAYS] for _ in range(chosen.rounds)]
    first = [times[0] for times in rounds]
    for way, seconds in zip(WAYS, zip(*rounds)):
        ratio = statistics.median(before / after for before, after in zip(first, seconds))
        print(f"{way:<22} {statistics.median(seconds):.2f} s a step (median of {chosen.rounds}), ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
