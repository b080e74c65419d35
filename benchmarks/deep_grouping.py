"""Deep grouping's share of a forward pass: MobileNetV2 + UPerNet at 480x360, with the module and without.

    python benchmarks/deep_grouping.py [--size 480x360] [--width 128] [--threads 1] [--rounds 3] [--counts 5]

Both parsers take turns, each in processes of its own, on a photograph whose superpixels are known (they are measured
by themselves: `mereo bench superpixels`). Processor time, so that other work on the machine counts less.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, measured_in_turn, where_it_ran

from mereo.data.drawn_scenes import DrawnScenes
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.features.feature_maps import Frame
from mereo.parser.config import ParserConfig
from mereo.regions.superpixels import superpixels

PATHS: dict[str, list[dict[str, Any]]] = {
    "UPerNet": [],
    "with deep grouping": [{"stage": "deep_grouping"}],
    "without top-down": [{"stage": "deep_grouping", "top_down": False}],
}


@torch.inference_mode()
def child(name: str, chosen: argparse.Namespace) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(chosen.threads)
    width, height = (int(side) for side in chosen.size.split("x"))
    module = [stage | {"width": chosen.width} for stage in PATHS[name]]
    ends = [{"stage": "feature_levels", "width": chosen.width}, {"stage": "level_fusion", "width": chosen.width}]
    content = {"backbone": {"name": "mobilenetv2_100"}, "path": [ends[0], *module, ends[1]]}
    taxonomy = Taxonomy("eleven", LabelTable(tuple("abcdefghijk")))
    parser = ParserConfig.model_validate(content).build(taxonomy).eval()
    sample = DrawnScenes(count=1, seed=0, size=(height, width))[0]
    image_1CHW = torch.as_tensor(np.asarray(sample.image_CHW))[None]
    label_1HW = torch.from_numpy(superpixels(image_1CHW[0].permute(1, 2, 0).numpy(), max_regions=512))[None]
    frame, seconds = Frame((height, width), superpixels_BHW=label_1HW), []
    for _ in range(chosen.counts + 1):  # The first does not count.
        started = time.process_time()
        parser(image_1CHW, frame)
        seconds.append(time.process_time() - started)
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "regions": int(label_1HW.max()) + 1}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="480x360", help="width and height in pixels")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, default=5)
    parser.add_argument("--child", choices=list(PATHS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen)
        return
    fixed = ["--size", chosen.size, "--width", str(chosen.width), "--threads", str(chosen.threads)]
    fixed += ["--counts", str(chosen.counts)]
    found = measured_in_turn({name: [*fixed, "--child", name] for name in PATHS}, rounds=chosen.rounds)
    host = found["UPerNet"]
    print(f"{chosen.size}, width {chosen.width}, {host[0]['regions']:.0f} superpixels; {where_it_ran()}")
    print(f"{chosen.threads} thread(s), processor time of a forward pass, {chosen.rounds} rounds in turn\n")
    rows = []
    for name, ones in found.items():
        shares = sorted((one["seconds"] - own["seconds"]) / one["seconds"] for one, own in zip(ones, host))
        share = "-" if name == "UPerNet" else f"{statistics.median(shares):.0%} ({shares[0]:.0%} to {shares[-1]:.0%})"
        rows.append([name, f"{statistics.median(one['seconds'] for one in ones):.2f}", share])
    print(markdown(["parser", "seconds", "the module's share"], rows))


if __name__ == "__main__":
    main()
