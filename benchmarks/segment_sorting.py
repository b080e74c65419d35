"""Segment sorting's loss and gradient, beside the formula written out; and merging segments into instances.

    python benchmarks/segment_sorting.py [--map 2x64x64x128] [--segments 144] [--labels 20] [--threads 1] [--rounds 5]

Forward and backward of the mean over all pixels, in turn, each in processes of its own: float32 at kappa 10. Processor
time, not the clock's: other work may run beside it. The map is batch, embedding width, height and width; segments and
labels are those of the whole batch. The memory is what the resident set grows by, at most, in one forward and backward
(Linux). Merging is timed on 400 segments of one class until one is left, and with a tenth of them as seeds: the most
that there is to do.
"""

import argparse
import ctypes
import gc
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, measured_in_turn, ratio_in_words, where_it_ran

from mereo.assembly.segment_merging import merge_segments
from mereo.losses.segment_sorting import segment_sorting_loss
from mereo.regions.unit_sphere_segments import grid_labels

CONCENTRATION = 10.0


def written_out(embedding_ND: Tensor, segment_N: Tensor, label_S: Tensor) -> Tensor:
    """Equation 2 with all pixels times all segments, masked as it must be: right, and as short as it gets."""
    sum_SD = embedding_ND.new_zeros(len(label_S), embedding_ND.shape[1]).index_add(0, segment_N, embedding_ND)
    logits_NS = CONCENTRATION * embedding_ND @ F.normalize(sum_SD, dim=1).T
    is_same_NS = label_S[segment_N][:, None] == label_S
    is_own_NS = segment_N[:, None] == torch.arange(len(label_S))
    logits_NS = logits_NS.masked_fill(is_own_NS & (is_same_NS.sum(1, keepdim=True) > 1), -torch.inf)
    loss_N = logits_NS.logsumexp(1) - logits_NS.masked_fill(~is_same_NS, -torch.inf).logsumexp(1)
    return loss_N.mean()


def ours(embedding_ND: Tensor, segment_N: Tensor, label_S: Tensor) -> Tensor:
    return segment_sorting_loss(embedding_ND, segment_N, label_S, concentration=CONCENTRATION, reduction="mean")


def pixels(shape: list[int], num_segments: int, num_labels: int) -> tuple[Tensor, Tensor, Tensor]:
    batch_size, width, height, columns = shape
    generator = torch.Generator().manual_seed(0)
    embedding_ND = F.normalize(torch.randn(batch_size * height * columns, width, generator=generator), dim=1)
    side = math.isqrt(num_segments // batch_size)
    grid_HW = grid_labels(height, columns, rows=side, columns=num_segments // batch_size // side)
    segment_N = torch.cat([grid_HW.flatten() + image * (num_segments // batch_size) for image in range(batch_size)])
    return embedding_ND, segment_N, torch.randint(0, num_labels, (num_segments,), generator=generator)


def kibibytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def grown_mebibytes(call: Callable[[], object]) -> float:
    """What one call adds to the resident set at most; NaN where the system does not say."""
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        return math.nan
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # Room that was freed before would be taken again unseen.
    reset.write_text("5")  # The peak starts anew.
    before = kibibytes("VmRSS")
    call()
    return (kibibytes("VmHWM") - before) / 1024


def child(name: str, chosen: argparse.Namespace) -> None:
    torch.set_num_threads(chosen.threads)
    loss = ours if name == "ours" else written_out
    embedding_ND, segment_N, label_S = pixels(
        [int(size) for size in chosen.map.split("x")], chosen.segments, chosen.labels
    )
    embedding_ND.requires_grad_()

    def step() -> float:
        embedding_ND.grad = None
        value = loss(embedding_ND, segment_N, label_S)
        value.backward()
        return float(value.detach())

    value, seconds = step(), []  # The first does not count.
    for _ in range(chosen.counts):
        started = time.process_time()
        step()
        seconds.append(time.process_time() - started)
    embedding_ND.grad = None
    print(json.dumps({"seconds": statistics.median(seconds), "mebibytes": grown_mebibytes(step), "loss": value}))


def merging_milliseconds(*, has_seeds: bool, segments: int = 400, width: int = 64) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    sum_SD = torch.randn(segments, width, generator=generator)
    is_seed_S = torch.rand(segments, generator=generator) < 0.1 if has_seeds else None
    milliseconds = []
    for _ in range(21):
        started = time.process_time()
        merge_segments(sum_SD, torch.zeros(segments, dtype=torch.long), threshold=-1.0, is_seed_S=is_seed_S)
        milliseconds.append(1000 * (time.process_time() - started))
    return sorted(milliseconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--map", default="2x64x64x128", help="batch, embedding width, height and width")
    parser.add_argument("--segments", type=int, default=144)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", type=int, default=20)
    names = ("written out", "ours")
    parser.add_argument("--child", choices=names, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen)
        return
    settings = ("map", "segments", "labels", "threads", "counts")
    fixed = [f"--{one}={getattr(chosen, one)}" for one in settings]
    found = measured_in_turn({name: [*fixed, "--child", name] for name in names}, rounds=chosen.rounds)
    print(f"embeddings {chosen.map}, {chosen.segments} segments, {chosen.labels} labels; {where_it_ran()}\n")
    rows = [
        [
            name,
            f"{1000 * statistics.median(x['seconds'] for x in one):.1f}",
            f"{statistics.median(x['mebibytes'] for x in one):.1f}",
            f"{one[0]['loss']:.6f}",
        ]
        for name, one in found.items()
    ]
    print(markdown(["loss and gradient", "ms of processor time", "MiB more", "mean loss"], rows))
    for key, word in (("seconds", "processor time"), ("mebibytes", "memory")):
        theirs, own = ([x[key] for x in found[name]] for name in names)
        print(f"\nwritten out takes {ratio_in_words(theirs, own)} times the {word}")
    for has_seeds in (False, True):
        found_ms = merging_milliseconds(has_seeds=has_seeds)
        kind = "with seeds" if has_seeds else "until one is left"
        print(f"\nmerging 400 segments {kind}: {statistics.median(found_ms):.1f} ms of processor time ", end="")
        print(f"({found_ms[0]:.1f} to {found_ms[-1]:.1f})")


if __name__ == "__main__":
    main()
