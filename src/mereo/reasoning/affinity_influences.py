"""What each region of a picture got from the others: the messages of class affinity, measured."""

from dataclasses import dataclass

import torch

from mereo.reasoning.class_affinity import AffinityEvidence, ClassAffinity

# The edges and the strengths of one branch, by source and target; None: the branch is switched off.
Given = tuple[list[list[float]], list[list[float]]] | None


@dataclass(frozen=True)
class Influence:
    """What one region gave to another. `edge` is its weight in the graph (0 to 1); `strength` is the length of the
    message, relative to that of the region's own features."""

    source: int
    edge: float
    strength: float


@dataclass(frozen=True)
class RegionInfluences:
    """A region of the coarse answer, its share of the picture, and what reached it from others, the strongest first."""

    class_index: int
    share: float
    support: tuple[Influence, ...]
    suppression: tuple[Influence, ...]


def influences(stage: ClassAffinity, evidence: AffinityEvidence) -> tuple[RegionInfluences, ...]:
    """Of the first picture of the batch."""
    nodes_KC, label_HW = evidence.nodes_BKC[0], evidence.coarse_label_BHW[0]
    count_K = torch.bincount(label_HW.flatten(), minlength=len(nodes_KC))
    length_K = nodes_KC.norm(dim=1)
    # As lists: thousands of numbers that are asked for one by one would each wait for the device.
    given_by: dict[str, Given] = {}
    branches = (("support", stage.support, evidence.positive_BKK), ("suppress", stage.suppress, evidence.negative_BKK))
    for name, branch, edges_BKK in branches:
        if branch is None or edges_BKK is None:
            given_by[name] = None
            continue
        message_K = branch.strength.abs() * branch.transform(nodes_KC).norm(dim=1)
        strength_KK = message_K[:, None] * edges_BKK[0] / length_K.clamp(min=1e-12)[None]
        given_by[name] = edges_BKK[0].tolist(), strength_KK.tolist()
    order_K, count_of = count_K.argsort(descending=True, stable=True).tolist(), count_K.tolist()
    present = [index for index in order_K if count_of[index] > 0]
    return tuple(
        RegionInfluences(
            class_index=target,
            share=count_of[target] / label_HW.numel(),
            support=_incoming(given_by["support"], target, present),
            suppression=_incoming(given_by["suppress"], target, present),
        )
        for target in present
    )


def _incoming(given: Given, target: int, present: list[int]) -> tuple[Influence, ...]:
    """From the others. What a region gives to itself (its edge f_jj is 1) is left out: the page says so."""
    if given is None:
        return ()
    edge_KK, strength_KK = given
    found = [
        Influence(source, edge_KK[source][target], strength_KK[source][target])
        for source in present
        if source != target
    ]
    return tuple(sorted(found, key=lambda one: -one.strength))
