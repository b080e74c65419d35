"""Concepts matched to components (K = 512, 30 components, 64x64), beside Hugging Face's MaskFormer matcher.

    python benchmarks/concept_matching.py [--concepts 512] [--components 30] [--side 64] [--threads 1] [--sigmoid]

Costs of all pairs and the cheapest assignment, of the same masks, in turn, each in processes of its own. Ours also
hands out the rest of L = 64 concepts. Ours starts from probabilities, which a forward pass has made, the peer from
logits; with --sigmoid ours pays for that, too. The cost of the assignments is compared under the peer's own cost.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from side_by_side import markdown, measured_in_turn, ratio_in_words, where_it_ran

from mereo.losses.component_matching import match_components, matching_costs


def masks(num_concepts: int, num_components: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits_KHW = torch.randn(num_concepts, side, side, generator=generator)
    owner_HW = torch.randint(0, num_components, (side, side), generator=generator)
    return logits_KHW, (owner_HW == torch.arange(num_components)[:, None, None]).float()


@torch.no_grad()
def child(name: str, chosen: argparse.Namespace) -> None:
    from transformers.models.maskformer.modeling_maskformer import (
        MaskFormerHungarianMatcher,
        pair_wise_dice_loss,
        pair_wise_sigmoid_focal_loss,
    )

    torch.set_num_threads(chosen.threads)
    logits_KHW, mask_MHW = masks(chosen.concepts, chosen.components, chosen.side)
    num_components = len(mask_MHW)
    peer = MaskFormerHungarianMatcher(cost_class=0.0)
    labels, classes = torch.arange(num_components), torch.zeros(1, len(logits_KHW), num_components)
    probability_KHW, seconds = logits_KHW.sigmoid(), []
    for _ in range(chosen.counts + 1):  # The first does not count.
        started = time.perf_counter()
        if name == "ours":
            if chosen.sigmoid:
                probability_KHW = logits_KHW.sigmoid()
            concepts, components = match_components(matching_costs(probability_KHW, mask_MHW), total=64)
        else:
            [(concepts, components)] = peer(logits_KHW[None], classes, [mask_MHW], [labels])
        seconds.append(time.perf_counter() - started)
    cost_KM = pair_wise_sigmoid_focal_loss(logits_KHW.flatten(1), mask_MHW.flatten(1))
    cost_KM += pair_wise_dice_loss(logits_KHW.flatten(1), mask_MHW.flatten(1))
    cost = float(cost_KM[concepts[:num_components], components[:num_components]].double().sum())
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "cost": cost}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--concepts", type=int, default=512)
    parser.add_argument("--components", type=int, default=30)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, default=20)
    parser.add_argument("--sigmoid", action="store_true", help="ours starts from logits, too")
    parser.add_argument("--child", choices=["ours", "Hugging Face"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen)
        return
    fixed = [f"--{name}={getattr(chosen, name)}" for name in ("concepts", "components", "side", "threads", "counts")]
    fixed += ["--sigmoid"] if chosen.sigmoid else []
    found = measured_in_turn(
        {name: [*fixed, "--child", name] for name in ("ours", "Hugging Face")}, rounds=chosen.rounds
    )
    print(f"{chosen.concepts} concepts, {chosen.components} components, {chosen.side}x{chosen.side}; {where_it_ran()}")
    print(f"{chosen.threads} thread(s), {chosen.rounds} rounds of {chosen.counts}\n")
    rows = [
        [name, f"{1000 * statistics.median(x['seconds'] for x in one):.1f}", f"{one[0]['cost']:.6f}"]
        for name, one in found.items()
    ]
    print(markdown(["matcher", "milliseconds", "cost of the assignment"], rows))
    theirs, ours = ([x["seconds"] for x in found[name]] for name in ("Hugging Face", "ours"))
    print(f"\nHugging Face takes {ratio_in_words(theirs, ours)} times as long")


if __name__ == "__main__":
    main()
