"""Gaussian grouping: equations 1 to 4 by loops in float64, who may be renamed, and images of several sizes."""

import math

import pytest
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.regions.gaussian_grouping import (
    Grouping,
    coarsen_adjacency,
    group_vertices,
    message_weights,
    nearest_groups,
    spread_of_directions,
)


def vertices_of(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def unit(vertex: Tensor) -> Tensor:
    """A vertex of zeros has no direction and stays where it is."""
    return vertex / vertex.norm() if vertex.any() else vertex


def squared(one: Tensor, other: Tensor) -> float:
    return float((unit(one) - unit(other)).square().sum())


def by_a_loop(vertices: list[Tensor], seeds: list[int], bandwidth: float, iterations: int) -> tuple[Tensor, Tensor]:
    groups = [vertices[seed] for seed in seeds]
    for _ in range(iterations):
        columns = []
        for group in groups:
            shares = [math.exp(-squared(v, group) / bandwidth**2) for v in vertices]
            columns.append([share / sum(shares) for share in shares])
        groups = [sum(share * v for share, v in zip(column, vertices)) for column in columns]
    return torch.tensor(columns, dtype=torch.float64).T, torch.stack(groups)


@pytest.mark.parametrize("bandwidth", [0.3, 0.8])
@pytest.mark.parametrize("iterations", [1, 3])
def test_equations_1_to_3_by_a_loop(bandwidth: float, iterations: int) -> None:
    vertices_BRC = vertices_of(2, 7, 5)
    found = group_vertices(vertices_BRC, 3, bandwidth=bandwidth, iterations=iterations)
    for b in range(2):
        wanted = by_a_loop(list(vertices_BRC[b]), [0, 2, 4], bandwidth, iterations)  # floor(j * 7 / 3)
        torch.testing.assert_close(found.grouping_BRS[b], wanted[0])
        torch.testing.assert_close(found.vertices_BSC[b], wanted[1])
    assert found.is_present_BS.all()


def test_the_nearest_group_by_a_loop_and_never_an_absent_one() -> None:
    """Of the nodes as equation 2 leaves them: a scaled vertex points the same way."""
    vertices_BRC = vertices_of(2, 9, 4)
    found = group_vertices(vertices_BRC, [4, 2], bandwidth=0.4, iterations=3)
    nearest_BR = nearest_groups(vertices_BRC * torch.rand(2, 9, 1, dtype=torch.float64).add(0.1), found)
    for b, count in enumerate((4, 2)):
        for r, vertex in enumerate(vertices_BRC[b]):
            distances = [squared(vertex, node) for node in found.vertices_BSC[b, :count]]
            assert int(nearest_BR[b, r]) == distances.index(min(distances))


def test_equation_4_by_a_loop() -> None:
    grouping_BRS = torch.rand(2, 5, 3, dtype=torch.float64)
    adjacency_BRR = torch.randint(0, 2, (2, 5, 5)).bool()
    adjacency_BRR = adjacency_BRR | adjacency_BRR.transpose(1, 2)
    found_BSS = coarsen_adjacency(adjacency_BRR, grouping_BRS)
    for b in range(2):
        for s in range(3):
            for t in range(3):
                wanted = sum(
                    grouping_BRS[b, i, s] * grouping_BRS[b, j, t]
                    for i in range(5)
                    for j in range(5)
                    if adjacency_BRR[b, i, j]
                )
                torch.testing.assert_close(found_BSS[b, s, t], wanted)
    torch.testing.assert_close(found_BSS, found_BSS.transpose(1, 2))


def test_columns_sum_to_1_and_their_product_does() -> None:
    first = group_vertices(vertices_of(1, 9, 4), 5)
    second = group_vertices(first.vertices_BSC, 3)
    for grouping in (first.grouping_BRS, second.grouping_BRS, first.grouping_BRS @ second.grouping_BRS):
        torch.testing.assert_close(grouping.sum(dim=1), torch.ones_like(grouping[:, 0]))


def test_constant_vertices_stay_constant() -> None:
    vertices_BRC = torch.full((1, 6, 3), 2.5)
    found = group_vertices(vertices_BRC, 2)
    torch.testing.assert_close(found.vertices_BSC, torch.full((1, 2, 3), 2.5))
    torch.testing.assert_close(found.grouping_BRS, torch.full((1, 6, 2), 1 / 6))


def test_one_region() -> None:
    found = group_vertices(torch.randn(1, 1, 4), 1)
    assert found.grouping_BRS.tolist() == [[[1.0]]]


def test_a_batch_of_several_sizes_is_its_images_one_by_one() -> None:
    """Absent regions give and get nothing, and no group starts at them."""
    sizes, wanted = [7, 3, 1], [4, 2, 1]
    vertices_BRC = torch.full((3, 7, 5), 99.0, dtype=torch.float64)
    is_present_BR = torch.zeros(3, 7, dtype=torch.bool)
    places = [torch.tensor([0, 1, 2, 3, 4, 5, 6]), torch.tensor([1, 4, 5]), torch.tensor([6])]
    for b, place in enumerate(places):
        vertices_BRC[b, place] = vertices_of(sizes[b], 5, seed=b)
        is_present_BR[b, place] = True
    vertices_BRC.requires_grad_()
    together = group_vertices(vertices_BRC, wanted, is_present_BR=is_present_BR)
    assert together.is_present_BS.tolist() == [[True] * 4, [True] * 2 + [False] * 2, [True] + [False] * 3]
    assert not together.grouping_BRS[~is_present_BR].any()
    assert not together.grouping_BRS.transpose(1, 2)[~together.is_present_BS].any()
    for b, place in enumerate(places):
        alone = group_vertices(vertices_BRC[b : b + 1, place], wanted[b])
        torch.testing.assert_close(together.grouping_BRS[b, place, : wanted[b]], alone.grouping_BRS[0])
        torch.testing.assert_close(together.vertices_BSC[b, : wanted[b]], alone.vertices_BSC[0])
    (together.vertices_BSC.square().sum() + together.grouping_BRS.square().sum()).backward()
    assert vertices_BRC.grad is not None and vertices_BRC.grad.isfinite().all()
    assert not vertices_BRC.grad[~is_present_BR].any() and vertices_BRC.grad[is_present_BR].any()


def test_renaming_regions_renames_rows_once_the_seeds_are_fixed() -> None:
    vertices_BRC = vertices_of(1, 6, 4)
    order = torch.tensor([0, 4, 2, 5, 1, 3])  # Seeds 0 and 3 of two groups: moved along below.
    first = group_vertices(vertices_BRC, 6)
    second = group_vertices(vertices_BRC[:, order], 6)
    torch.testing.assert_close(second.grouping_BRS, first.grouping_BRS[:, order][:, :, order])
    torch.testing.assert_close(second.vertices_BSC, first.vertices_BSC[:, order])


def test_random_starts_are_different_regions_and_repeat_with_the_generator() -> None:
    vertices_BRC = torch.eye(8)[None]
    found, again, other = (
        group_vertices(vertices_BRC, 8, generator=torch.Generator().manual_seed(seed)).grouping_BRS
        for seed in (1, 1, 2)
    )
    assert torch.equal(found, again) and not torch.equal(found, other)
    assert sorted(found.argmax(dim=1)[0].tolist()) == list(range(8))


def test_gradients_by_differences() -> None:
    torch.autograd.gradcheck(
        lambda v: group_vertices(v, 2, iterations=3).vertices_BSC, vertices_of(1, 4, 3).requires_grad_()
    )


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_the_kind_of_numbers_is_kept(kind: torch.dtype) -> None:
    found = group_vertices(torch.randn(1, 5, 3).to(kind), 2)
    assert found.grouping_BRS.dtype == found.vertices_BSC.dtype == kind


def test_more_groups_than_regions() -> None:
    assert group_vertices(torch.randn(1, 3, 2), 9).grouping_BRS.shape == (1, 3, 3)


def test_wrong_arguments() -> None:
    with pytest.raises(BadInput, match="bandwidth must be above 0 and iterations at least 1, but got 0 and 5"):
        group_vertices(torch.randn(1, 3, 2), 1, bandwidth=0)
    with pytest.raises(BadInput, match="num_groups must be one number of at least 1, or one an image, but got"):
        group_vertices(torch.randn(1, 3, 2), [1, 2])
    with pytest.raises(BadInput, match="every image must have at least one region, but got one without"):
        group_vertices(torch.randn(1, 3, 2), 1, is_present_BR=torch.zeros(1, 3, dtype=torch.bool))


def test_messages_by_a_loop_their_rows_sum_to_1() -> None:
    """Equations 8 and 9."""
    lower_BRC, upper_BSC = vertices_of(1, 5, 4), vertices_of(1, 3, 4, seed=1)
    is_present_BR, is_present_BS = torch.tensor([[True] * 4 + [False]]), torch.tensor([[True, True, False]])
    found_BRS = message_weights(
        lower_BRC, upper_BSC, bandwidth=0.7, is_present_BR=is_present_BR, is_present_BS=is_present_BS
    )
    for i in range(5):
        shares = [math.exp(-squared(lower_BRC[0, i], z) / 0.7**2) for z in upper_BSC[0, :2]]
        wanted = [share / sum(shares) for share in shares] + [0.0] if i < 4 else [0.0] * 3
        torch.testing.assert_close(found_BRS[0, i], torch.tensor(wanted, dtype=torch.float64))


def test_vertices_of_zeros_by_a_loop() -> None:
    """They lie at distance 1 from every direction: as regions, as groups, and as senders of messages."""
    vertices_BRC = vertices_of(1, 7, 5)
    vertices_BRC[0, [1, 2]] = 0.0
    for iterations in (1, 3):  # Group 1 starts at region 2, of zeros.
        found = group_vertices(vertices_BRC, 3, bandwidth=0.8, iterations=iterations)
        wanted = by_a_loop(list(vertices_BRC[0]), [0, 2, 4], 0.8, iterations)
        torch.testing.assert_close(found.grouping_BRS[0], wanted[0])
        torch.testing.assert_close(found.vertices_BSC[0], wanted[1])
    upper_BSC = vertices_of(1, 3, 5, seed=1)
    upper_BSC[0, 1] = 0.0
    present_BR, present_BS = torch.ones(1, 7, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool)
    weight_BRS = message_weights(
        vertices_BRC, upper_BSC, bandwidth=0.7, is_present_BR=present_BR, is_present_BS=present_BS
    )
    nearest_BR = nearest_groups(vertices_BRC, Grouping(weight_BRS, upper_BSC, present_BS))
    for r, vertex in enumerate(vertices_BRC[0]):
        distances = [squared(vertex, node) for node in upper_BSC[0]]
        shares = [math.exp(-distance / 0.7**2) for distance in distances]
        wanted_S = torch.tensor([share / sum(shares) for share in shares], dtype=torch.float64)
        torch.testing.assert_close(weight_BRS[0, r], wanted_S)
        assert int(nearest_BR[0, r]) == distances.index(min(distances))
    assert 1 in nearest_BR[0, [0, 3, 4, 5, 6]].tolist(), "some direction is far from both of the others"


def test_spread_of_directions_by_a_loop() -> None:
    vertices_BRC, is_present_BR = vertices_of(1, 5, 3), torch.tensor([[True, True, False, True, True]])
    directions = [vertices_BRC[0, r] / vertices_BRC[0, r].norm() for r in (0, 1, 3, 4)]
    mean = sum(directions) / 4
    wanted = sum(float((one - mean).square().sum()) for one in directions) / 4
    assert float(spread_of_directions(vertices_BRC, is_present_BR)) == pytest.approx(wanted)
    assert float(spread_of_directions(torch.ones(1, 4, 3), torch.ones(1, 4, dtype=torch.bool))) == pytest.approx(0)
