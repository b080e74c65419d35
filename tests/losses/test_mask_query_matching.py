"""The matching finds the cheapest pairs among all that there are."""

from itertools import permutations

import pytest
import torch

from mereo.losses.mask_agreement import pairwise_cross_entropy, pairwise_focal_loss
from mereo.losses.mask_query_matching import PairwiseMaskLoss, TermWeights, matched_pairs, matching_cost


@pytest.mark.parametrize(("num_queries", "num_true"), [(4, 3), (3, 3), (2, 4), (5, 0)])
def test_no_other_pairs_are_cheaper(num_queries: int, num_true: int) -> None:
    torch.manual_seed(num_queries)
    cost_QM = torch.randn(num_queries, num_true)
    query_N, true_N = matched_pairs(cost_QM)
    assert len(query_N) == len(true_N) == min(num_queries, num_true)
    assert len(set(query_N.tolist())) == len(set(true_N.tolist())) == len(query_N)
    wide_QM = cost_QM if num_queries >= num_true else cost_QM.T
    cheapest = min(
        sum(float(wide_QM[q, m]) for m, q in enumerate(order))
        for order in permutations(range(len(wide_QM)), wide_QM.shape[1])
    )
    assert float(cost_QM[query_N, true_N].sum()) == pytest.approx(cheapest, abs=1e-6)


def test_what_is_no_number_is_the_last_choice() -> None:
    cost_QM = torch.tensor([[float("nan"), 1.0], [5.0, float("inf")], [float("nan"), float("nan")]])
    assert [one.tolist() for one in matched_pairs(cost_QM)] == [[0, 1], [1, 0]]


def test_a_perfect_query_is_chosen_for_its_class_and_its_mask() -> None:
    true_MP = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 0]])
    logits_QP = torch.tensor([[-9.0, -9, 9, -9], [9, 9, -9, -9], [9, 9, -9, -9]])
    class_logits_QK1 = torch.tensor([[0.0, 9, 0], [0, 0, 9], [9, 0, 0]])
    cost_QM = matching_cost(
        class_logits_QK1,
        logits_QP,
        torch.tensor([0, 1]),
        true_MP,
        torch.ones(4),
        weights=TermWeights(),
        pairwise_mask_loss=pairwise_focal_loss,
    )
    query_N, true_N = matched_pairs(cost_QM)
    assert dict(zip(true_N.tolist(), query_N.tolist())) == {0: 2, 1: 0}
    assert float(cost_QM[2, 0]) == pytest.approx(-1, abs=1e-2)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("pairwise_mask_loss", [pairwise_focal_loss, pairwise_cross_entropy])
def test_costs_are_the_same_under_autocast(pairwise_mask_loss: PairwiseMaskLoss, kind: torch.dtype) -> None:
    """The first query is sure and wrong on 10,000 pixels: float16 cannot hold the sum."""
    generator = torch.Generator().manual_seed(0)
    logits_QP = torch.randn(3, 10_000, generator=generator)
    logits_QP[0] = -30
    true_MP = (torch.rand(2, 10_000, generator=generator) > 0.3).float()
    true_MP[0] = 1
    class_logits_QK1 = torch.randn(3, 4, generator=generator)
    costs = []
    for is_enabled in (False, True):
        with torch.autocast("cpu", kind, enabled=is_enabled):
            costs.append(
                matching_cost(
                    class_logits_QK1,
                    logits_QP,
                    torch.tensor([0, 2]),
                    true_MP,
                    torch.ones(10_000),
                    weights=TermWeights(),
                    pairwise_mask_loss=pairwise_mask_loss,
                )
            )
    assert torch.equal(*costs) and costs[1].dtype == torch.float32 and bool(costs[1].isfinite().all())
