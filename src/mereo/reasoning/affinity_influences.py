"""What each region of a picture got from the others: the messages of class affinity, measured."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mereo.reasoning.class_affinity import AffinityEvidence, ClassAffinity


@dataclass(frozen=True)
class Influence:
    """What one region gave to another. `edge` is its weight in the graph (0 to 1); `strength` is the length of the
    message, relative to that of the region's own features."""

    source: int
    edge: float
    strength: float


@dataclass(frozen=True)
class RegionInfluences:
    """A region of the coarse answer, its share of the picture, and what reached it, the strongest first."""

    class_index: int
    share: float
    support: tuple[Influence, ...]
    suppression: tuple[Influence, ...]


def influences(stage: ClassAffinity, evidence: AffinityEvidence) -> tuple[RegionInfluences, ...]:
    """Of the first picture of the batch."""
    nodes_KC, label_HW = evidence.nodes_BKC[0], evidence.coarse_label_BHW[0]
    count_K = torch.bincount(label_HW.flatten(), minlength=len(nodes_KC))
    length_K = nodes_KC.norm(dim=1)
    strength_KK: dict[str, Tensor | None] = {}
    branches = (("support", stage.support, evidence.positive_BKK), ("suppress", stage.suppress, evidence.negative_BKK))
    for name, branch, edges_BKK in branches:
        if branch is None or edges_BKK is None:
            strength_KK[name] = None
            continue
        message_K = branch.strength.abs() * branch.transform(nodes_KC).norm(dim=1)
        strength_KK[name] = message_K[:, None] * edges_BKK[0] / length_K.clamp(min=1e-12)[None]
    present = [int(index) for index in count_K.argsort(descending=True, stable=True) if count_K[index] > 0]
    return tuple(
        RegionInfluences(
            class_index=target,
            share=float(count_K[target]) / label_HW.numel(),
            support=_incoming(strength_KK["support"], evidence.positive_BKK, target, present),
            suppression=_incoming(strength_KK["suppress"], evidence.negative_BKK, target, present),
        )
        for target in present
    )


def _incoming(
    strength_KK: Tensor | None, edges_BKK: Tensor | None, target: int, present: list[int]
) -> tuple[Influence, ...]:
    """From the others; what a region gives to itself explains nothing."""
    if strength_KK is None or edges_BKK is None:
        return ()
    found = [
        Influence(source, float(edges_BKK[0, source, target]), float(strength_KK[source, target]))
        for source in present
        if source != target
    ]
    return tuple(sorted(found, key=lambda one: -one.strength))
