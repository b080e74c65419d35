"""Training on maps whose channels lie side by side, on the CPU: joined levels, cross-entropy; beside torch, in turn.

python benchmarks/map_layouts.py [--threads 1] [--rounds 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from side_by_side import markdown, ratio_in_words, where_it_ran

from mereo.features.level_fusion import joined_levels
from mereo.features.pyramid_pooling import resized
from mereo.losses.map_cross_entropy import map_cross_entropy
from mereo.training.memory_reuse import keep_freed_memory

BATCH, WIDTH, SIDES = 8, 128, (64, 32, 16, 8)
CLASSES, SIDE, IGNORED = (19, 59, 150), 256, 255


def plainly_joined(levels: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([resized(level, levels[0].shape[-2:]) for level in levels], dim=1)


def plain_cross_entropy(
    logits: torch.Tensor, label: torch.Tensor, *, ignore_label: int, reduction: str
) -> torch.Tensor:
    return F.cross_entropy(logits, label, ignore_index=ignore_label, reduction=reduction)


def seconds_to_join(join: Callable[[list[torch.Tensor]], torch.Tensor]) -> float:
    """Forward and backward, in bfloat16."""
    levels = [some_map(WIDTH, side).bfloat16().requires_grad_() for side in SIDES]
    above = some_map(WIDTH * len(SIDES), SIDES[0]).bfloat16()
    start = time.process_time()
    torch.autograd.grad(join(levels), levels, above)
    return time.process_time() - start


def seconds_of_loss(loss_of: Callable[..., torch.Tensor], num_classes: int) -> float:
    """With the upsampling before it, forward and backward; a third of the pixels has no label."""
    logits = some_map(num_classes, SIDE // 4).requires_grad_()
    label = torch.randint(0, num_classes, (BATCH, SIDE, SIDE))
    label[:, : SIDE // 3] = IGNORED
    start = time.process_time()
    large = F.interpolate(logits, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    torch.autograd.grad(loss_of(large, label, ignore_label=IGNORED, reduction="sum"), logits)
    return time.process_time() - start


def some_map(channels: int, side: int) -> torch.Tensor:
    return torch.randn(BATCH, channels, side, side).to(memory_format=torch.channels_last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # As training does.
    tasks: dict[str, tuple[Callable[[], float], Callable[[], float]]] = {
        f"{len(SIDES)} levels of width {WIDTH} joined at {SIDES[0]}x{SIDES[0]}, bfloat16": (
            lambda: seconds_to_join(joined_levels),
            lambda: seconds_to_join(plainly_joined),
        )
    }
    for num_classes in CLASSES:
        tasks[f"cross-entropy with {num_classes} classes at {SIDE}x{SIDE}"] = (
            lambda num=num_classes: seconds_of_loss(map_cross_entropy, num),
            lambda num=num_classes: seconds_of_loss(plain_cross_entropy, num),
        )
    rows = []
    for name, contestants in tasks.items():
        times: list[list[float]] = [[], []]
        for round_number in range(arguments.rounds + 1):
            for taken, seconds in zip(times, contestants):
                once = seconds()
                if round_number:  # The first warms up.
                    taken.append(once)
        ours, theirs = times
        rows.append([name, *(f"{1000 * statistics.median(one):.0f} ms" for one in times), ratio_in_words(theirs, ours)])
    print(markdown(["processor time, forward and backward, batch 8", "ours", "torch", "ratio"], rows))
    print(f"\n{arguments.threads} threads on {where_it_ran()}")


if __name__ == "__main__":
    main()
