"""Training steps and parses a second, beside segmentation-models-pytorch and torchvision: same network, size, threads.

    python benchmarks/throughput.py [--task train|parse] [--size 480x360] [--threads 2] [--rounds 3]

A training step: forward, loss at the labels' size, backward, AdamW. A parse: a photograph (uint8) in, a label map of
its size out. Peers are used as their documentation shows; every contestant runs in processes of its own, in turn.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from peers.networks import NAMES, logits_of, mereo_parser, peer
from side_by_side import markdown, measured_in_turn, ratio_in_words, where_it_ran

BATCH, CLASSES = 8, 11


def training_step(name: str, height: int, width: int) -> Callable[[], object]:
    image_BCHW = torch.randint(0, 256, (BATCH, 3, height, width), dtype=torch.uint8)
    label_BHW = torch.randint(0, CLASSES, (BATCH, height, width))
    if name == "mereo":
        from mereo.parser.objective import PixelCrossEntropyConfig, build_objective
        from mereo.training.memory_reuse import keep_freed_memory
        from mereo.training.step_module import StepModule

        keep_freed_memory()
        parser = mereo_parser()
        module = StepModule(parser, build_objective((PixelCrossEntropyConfig(),), parser))
        module = module.to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
        tensors = {"image_BCHW": image_BCHW, "semantic_BHW": label_BHW.int()}

        def loss() -> torch.Tensor:
            return module(tensors)["loss"]
    else:
        network = peer(name, CLASSES).train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
        criterion = torch.nn.CrossEntropyLoss(ignore_index=255)

        def loss() -> torch.Tensor:
            return criterion(logits_of(network(image_BCHW.float() / 127.5 - 1)), label_BHW)

    def step() -> None:
        loss().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def parse(name: str, height: int, width: int) -> Callable[[], object]:
    image_HWC = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if name == "mereo":
        parser = mereo_parser().eval()
        return lambda: parser.parse(image_HWC).semantic
    network = peer(name, CLASSES).eval()

    @torch.inference_mode()
    def answer() -> np.ndarray:
        image_1CHW = torch.from_numpy(image_HWC).permute(2, 0, 1)[None].float() / 127.5 - 1
        # smp takes only multiples of its stride.
        padded_1CHW = torch.nn.functional.pad(image_1CHW, (0, -width % 16, 0, -height % 16))
        return logits_of(network(padded_1CHW))[0, :, :height, :width].argmax(dim=0).int().numpy()

    return answer


def child(task: str, name: str, size: tuple[int, int], threads: int, counts: int) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    run = (training_step if task == "train" else parse)(name, *size)
    times = []
    for _ in range(counts + 2):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    print(json.dumps({"seconds": statistics.median(times[2:])}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=["train", "parse"], default="train")
    parser.add_argument("--size", default="480x360")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, default=5)
    parser.add_argument("--child")
    chosen = parser.parse_args()
    width, height = (int(side) for side in chosen.size.split("x"))
    if chosen.child:
        child(chosen.task, chosen.child, (height, width), chosen.threads, chosen.counts)
        return
    fixed = ["--task", chosen.task, "--size", chosen.size, "--threads", str(chosen.threads)]
    fixed += ["--counts", str(chosen.counts)]
    found = measured_in_turn({name: [*fixed, "--child", name] for name in NAMES}, rounds=chosen.rounds)
    seconds = {name: [one["seconds"] for one in rounds] for name, rounds in found.items()}
    what = f"a training step of batch {BATCH}" if chosen.task == "train" else "a parse"
    print(f"{what} at {chosen.size}, {chosen.threads} threads, {chosen.rounds} rounds; {where_it_ran()}\n")
    rows = [
        [name, f"{1000 * statistics.median(values):.0f}", ratio_in_words(values, seconds["mereo"])]
        for name, values in seconds.items()
    ]
    print(markdown(["", "milliseconds (median)", "time of it / time of mereo"], rows))


if __name__ == "__main__":
    main()
