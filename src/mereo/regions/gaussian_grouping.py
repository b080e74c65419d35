"""Gaussian grouping: nodes of a graph gather into half as many, by expectation and maximisation.

Deep grouping (DGM), equations 1 to 4; and equation 8, the way back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes


@dataclass(frozen=True, eq=False)
class Grouping:
    """`grouping_BRS`: what share of group s region r is; every column of a group that is present sums to 1."""

    grouping_BRS: Tensor
    vertices_BSC: Tensor
    is_present_BS: Tensor


def group_vertices(
    vertices_BRC: Tensor,
    num_groups: int | Sequence[int],
    *,
    bandwidth: float | Tensor = 0.3,
    iterations: int = 5,
    is_present_BR: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Grouping:
    """Groups of vertices that point the same way. Rows of absent regions and columns of absent groups are 0.

    Groups start at vertices: with a generator at random ones, each once; without one at every n-th of those that are
    present. Then `iterations` times: every group takes shares of the regions by exp(-d^2 / bandwidth^2), d the distance
    of normalised vertices, normalised over the regions (equations 1, 3), and moves to the mean of its shares of the
    vertices as they are (equation 2). An image has at most as many groups as regions. A bandwidth may be one number, or
    one an image.
    """
    require_shapes(vertices_BRC=vertices_BRC)
    if (not isinstance(bandwidth, Tensor) and bandwidth <= 0) or iterations < 1:
        raise BadInput(
            f"bandwidth must be above 0 and iterations at least 1, but got {bandwidth} and {iterations}; "
            "e.g. 0.3 and 5."
        )
    if is_present_BR is None:
        is_present_BR = torch.ones(vertices_BRC.shape[:2], dtype=torch.bool, device=vertices_BRC.device)
    require_shapes(vertices_BRC=vertices_BRC, is_present_BR=is_present_BR)
    seed_BS, is_present_BS = _seeds(is_present_BR, num_groups, generator)
    wide = torch.promote_types(vertices_BRC.dtype, torch.float32)
    with torch.autocast(vertices_BRC.device.type, enabled=False):
        vertices = vertices_BRC.to(wide)
        direction_BRC = F.normalize(vertices, dim=2)
        groups_BSC = vertices.gather(1, seed_BS[:, :, None].expand(-1, -1, vertices.shape[2]))
        for _ in range(iterations):
            logits_BRS = _scale(bandwidth) * _nearness(direction_BRC, F.normalize(groups_BSC, dim=2))
            logits_BRS = logits_BRS.masked_fill(~is_present_BR[:, :, None], -torch.inf)
            grouping_BRS = logits_BRS.softmax(dim=1) * is_present_BS[:, None]  # equations 1 and 3
            groups_BSC = grouping_BRS.transpose(1, 2) @ vertices  # equation 2
    return Grouping(grouping_BRS.to(vertices_BRC.dtype), groups_BSC.to(vertices_BRC.dtype), is_present_BS)


def nearest_groups(vertices_BRC: Tensor, grouped: Grouping) -> Tensor:
    """B R: the group whose node points most nearly the way that each vertex does. The nodes are those that equation 2
    leaves, means of these very vertices: a level's vertices lie elsewhere once they have looked at their own map."""
    require_shapes(vertices_BRC=vertices_BRC, vertices_BSC=grouped.vertices_BSC)
    nearness_BRS = _nearness(F.normalize(vertices_BRC, dim=2), F.normalize(grouped.vertices_BSC, dim=2))
    return nearness_BRS.masked_fill(~grouped.is_present_BS[:, None], -torch.inf).argmax(dim=2)


def coarsen_adjacency(adjacency_BRR: Tensor, grouping_BRS: Tensor) -> Tensor:
    """B S S: how strongly groups are neighbours, P^T E P (equation 4). Symmetric where E is."""
    return grouping_BRS.transpose(1, 2) @ adjacency_BRR.to(grouping_BRS.dtype) @ grouping_BRS


def message_weights(
    lower_BRC: Tensor,
    upper_BSC: Tensor,
    *,
    bandwidth: float | Tensor = 0.3,
    is_present_BR: Tensor,
    is_present_BS: Tensor,
) -> Tensor:
    """B R S: what share of its message a lower node takes from each upper one (equations 8, 9).

    The affinity of `group_vertices`, normalised over the senders: every ROW of a node that is present sums to 1.
    """
    require_shapes(lower_BRC=lower_BRC, upper_BSC=upper_BSC, is_present_BR=is_present_BR, is_present_BS=is_present_BS)
    nearness_BRS = _nearness(F.normalize(lower_BRC, dim=2), F.normalize(upper_BSC, dim=2))
    logits_BRS = (_scale(bandwidth) * nearness_BRS).masked_fill(~is_present_BS[:, None], -torch.inf)
    return logits_BRS.softmax(dim=2) * is_present_BR[:, :, None]


def spread_of_directions(vertices_BRC: Tensor, is_present_BR: Tensor) -> Tensor:
    """B: mean squared distance of the normalised vertices to their mean; 0 where all point the same way."""
    require_shapes(vertices_BRC=vertices_BRC, is_present_BR=is_present_BR)
    direction_BRC = F.normalize(vertices_BRC, dim=2) * is_present_BR[:, :, None]
    count_B1 = is_present_BR.sum(dim=1, keepdim=True)
    mean_B1C = direction_BRC.sum(dim=1, keepdim=True) / count_B1[:, :, None]
    squared_BR = (direction_BRC - mean_B1C).square().sum(dim=2) * is_present_BR
    return squared_BR.sum(dim=1) / count_B1[:, 0]


def _nearness(direction_BRC: Tensor, direction_BSC: Tensor) -> Tensor:
    """B R S: 1 - d^2 / 2 of normalised vertices: the cosine of two directions. A vertex of zeros has none and stays 0
    when it is normalised, so it lies at distance 1 from each of them and at 0 from others of zeros."""
    cosine_BRS = direction_BRC @ direction_BSC.transpose(1, 2)
    is_zero_BR, is_zero_BS = (~direction.any(dim=2) for direction in (direction_BRC, direction_BSC))
    zeros_BRS = is_zero_BR[:, :, None].to(cosine_BRS.dtype) + is_zero_BS[:, None].to(cosine_BRS.dtype)
    return cosine_BRS + zeros_BRS / 2


def _scale(bandwidth: float | Tensor) -> float | Tensor:
    """What a nearness counts in the exponent of exp(-d^2 / bandwidth^2); what all have alike drops out of a softmax."""
    return 2 / bandwidth[:, None, None] ** 2 if isinstance(bandwidth, Tensor) else 2 / bandwidth**2


def _seeds(
    is_present_BR: Tensor, num_groups: int | Sequence[int], generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """The region at which each group starts (0 for absent groups), and which groups are present."""
    batch_size = len(is_present_BR)
    wanted = [num_groups] * batch_size if isinstance(num_groups, int) else list(num_groups)
    if len(wanted) != batch_size or min(wanted, default=0) < 1:
        raise BadInput(
            f"num_groups must be one number of at least 1, or one an image, but got {num_groups} for {batch_size} "
            "images; use half the number of regions."
        )
    seeds = []
    for is_present_R, number in zip(is_present_BR, wanted):
        present_N = is_present_R.nonzero()[:, 0]
        if len(present_N) == 0:
            raise BadInput("every image must have at least one region, but got one without; check its superpixels.")
        count = min(number, len(present_N))
        if generator is None:
            places = torch.arange(count, device=present_N.device) * len(present_N) // count
        else:
            places = torch.randperm(len(present_N), generator=generator)[:count].to(present_N.device)
        seeds.append(present_N[places])
    most = max(len(seed_N) for seed_N in seeds)
    seed_BS = torch.stack([F.pad(seed_N, (0, most - len(seed_N))) for seed_N in seeds])
    counts_B1 = torch.tensor([[len(seed_N)] for seed_N in seeds], device=seed_BS.device)
    return seed_BS, torch.arange(most, device=seed_BS.device) < counts_B1
