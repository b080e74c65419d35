"""Matching of concepts and components: brute force, exact numbers, the costs by a loop."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mereo.errors import BadInput
from mereo.losses.component_matching import match_components, matching_costs

costs = st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(0, 4).map(lambda x: round(x, 3)))
)


@given(costs, st.integers(1, 8))
@settings(max_examples=200, deadline=None)
def test_the_first_pairs_are_the_cheapest_assignment(cost_KM: np.ndarray, total: int) -> None:
    concepts, components = match_components(cost_KM, total=total)
    num_concepts, num_components = cost_KM.shape
    num_first = min(num_components, total, num_concepts)
    assert sorted(components[:num_first].tolist()) == list(range(num_first))
    cheapest = min(
        sum(cost_KM[concept, component] for component, concept in enumerate(chosen))
        for chosen in permutations(range(num_concepts), num_first)
    )
    assert cost_KM[concepts[:num_first], components[:num_first]].sum() == pytest.approx(cheapest)


@given(costs, st.integers(1, 8))
@settings(max_examples=200, deadline=None)
def test_the_rest_are_the_cheapest_of_the_others(cost_KM: np.ndarray, total: int) -> None:
    concepts, components = match_components(cost_KM, total=total)
    num_first = min(cost_KM.shape[1], total, len(cost_KM))
    assert len(concepts) == len(components) == min(total, len(cost_KM))
    assert len(set(concepts.tolist())) == len(concepts), "a concept was given twice"
    kept_KM = cost_KM[:, :num_first]
    others = sorted(set(range(len(cost_KM))) - set(concepts[:num_first].tolist()))
    best = sorted(kept_KM[others].min(axis=1).tolist()) if others else []
    chosen = kept_KM[concepts[num_first:], components[num_first:]].tolist()
    assert sorted(chosen) == best[: len(chosen)]


def test_each_of_the_others_has_its_best_component() -> None:
    cost_KM = np.array([[0.0, 9.0], [9.0, 0.0], [3.0, 1.0], [2.0, 5.0]])
    concepts, components = match_components(cost_KM, total=4)
    assert dict(zip(concepts.tolist(), components.tolist())) == {0: 0, 1: 1, 2: 1, 3: 0}


def test_more_components_than_matches_keep_the_first() -> None:
    concepts, components = match_components(np.eye(4)[::-1] * -1, total=2)
    assert sorted(zip(components.tolist(), concepts.tolist())) == [(0, 3), (1, 2)]


def test_nothing_to_match() -> None:
    concepts, components = match_components(torch.zeros(5, 0), total=3)
    assert len(concepts) == len(components) == 0


def test_costs_that_are_no_numbers() -> None:
    with pytest.raises(BadInput, match="must be finite numbers, but got others; pass probabilities and masks"):
        match_components(np.array([[math.nan]]), total=1)
    with pytest.raises(BadInput, match="total must be at least 1 match, but got 0"):
        match_components(np.zeros((1, 1)), total=0)


def test_costs_by_a_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    probability_KHW = torch.rand(4, 3, 5, dtype=torch.float64, generator=generator)
    mask_MHW = torch.rand(3, 3, 5, generator=generator) > 0.5
    cost_KM = matching_costs(probability_KHW, mask_MHW, dice_weight=0.7)
    for k in range(4):
        for m in range(3):
            pairs = list(zip(probability_KHW[k].flatten().tolist(), mask_MHW[m].flatten().tolist()))
            focal = sum(
                -0.25 * (1 - p) ** 2 * math.log(p) if inside else -0.75 * p**2 * math.log(1 - p) for p, inside in pairs
            ) / len(pairs)
            overlap = sum(p for p, inside in pairs if inside)
            mass = sum(p for p, _ in pairs) + sum(inside for _, inside in pairs)
            assert cost_KM[k, m].item() == pytest.approx(focal + 0.7 * (1 - (2 * overlap + 1) / (mass + 1)))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_costs_of_certain_masks_are_finite(value: float) -> None:
    cost_KM = matching_costs(torch.full((2, 4, 4), value), torch.eye(4)[None].bool())
    assert cost_KM.isfinite().all() and (cost_KM >= 0).all()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_costs_are_the_same_under_autocast(kind: torch.dtype) -> None:
    """The second concept sees nothing: its surprise, summed over 10,000 pixels, is more than float16 can hold."""
    probability_KHW = torch.rand(2, 100, 100, generator=torch.Generator().manual_seed(0))
    probability_KHW[1] = 0
    mask_MHW = torch.ones(2, 100, 100)
    mask_MHW[0, :33, 10:] = 0
    with torch.autocast("cpu", kind):
        cost_KM = matching_costs(probability_KHW, mask_MHW)
    assert torch.equal(cost_KM, matching_costs(probability_KHW, mask_MHW)) and cost_KM.dtype == torch.float32
