"""Merging against a loop over all pairs; thresholds, classes, seeds, and the prototype of what has merged."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mereo.assembly.segment_merging import merge_segments, merging_of
from mereo.errors import BadInput


def drawn(count: int, *, classes: int = 3, width: int = 4, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sum_SD = torch.randn(count, width, dtype=torch.float64, generator=generator)
    sum_SD = sum_SD * torch.randint(1, 50, (count, 1), generator=generator)
    class_S = torch.randint(0, classes, (count,), generator=generator)
    return sum_SD, class_S, torch.rand(count, generator=generator) < 0.3


def by_a_loop(sum_SD: Tensor, class_S: Tensor, threshold: float, is_seed_S: Tensor | None = None) -> list[int]:
    """All pairs anew after every merge."""
    sums = {segment: row.tolist() for segment, row in enumerate(sum_SD)}
    members = {segment: [segment] for segment in sums}
    seeds = set() if is_seed_S is None else set(is_seed_S.nonzero()[:, 0].tolist())

    def cosine(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b)) / (math.hypot(*a) * math.hypot(*b))

    while True:
        pairs = [
            (cosine(sums[a], sums[b]), a, b)
            for a in sums
            for b in sums
            if a < b and class_S[a] == class_S[b] and (is_seed_S is None or (a in seeds) != (b in seeds))
        ]
        best = max(pairs, default=None)
        if best is None or (is_seed_S is None and best[0] < threshold):
            break
        kept, gone = (best[2], best[1]) if best[2] in seeds else (best[1], best[2])
        sums[kept] = [x + y for x, y in zip(sums[kept], sums.pop(gone))]
        members[kept] += members.pop(gone)
    return [next(group for group, own in members.items() if segment in own) for segment in range(len(sum_SD))]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 14), st.sampled_from([-1.0, 0.3, 0.85]))
def test_against_all_pairs_every_time(seed: int, count: int, threshold: float) -> None:
    sum_SD, class_S, _ = drawn(count, seed=seed)
    assert merge_segments(sum_SD, class_S, threshold=threshold).tolist() == by_a_loop(sum_SD, class_S, threshold)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 14))
def test_seeds_against_all_pairs_every_time(seed: int, count: int) -> None:
    sum_SD, class_S, is_seed_S = drawn(count, seed=seed)
    found = merge_segments(sum_SD, class_S, threshold=0.85, is_seed_S=is_seed_S).tolist()
    assert found == by_a_loop(sum_SD, class_S, 0.85, is_seed_S)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 14), st.sampled_from([None, -1.0, 0.3, 0.85]))
def test_the_steps_are_those_that_a_loop_would_take(seed: int, count: int, threshold: float | None) -> None:
    """Without a threshold: with seeds. Each step merges the nearest pair of that moment; the next one is refused."""
    sum_SD, class_S, is_seed_S = drawn(count, seed=seed)
    seeds = is_seed_S if threshold is None else None
    merging = merging_of(sum_SD, class_S, threshold=threshold or 0.0, is_seed_S=seeds)
    sums, root_S = {one: sum_SD[one] for one in range(count)}, torch.arange(count)

    def cosines() -> dict[tuple[int, int], float]:
        return {
            (a, b): float(F.cosine_similarity(sums[a], sums[b], dim=0))
            for a in sums
            for b in sums
            if a < b and class_S[a] == class_S[b] and (seeds is None or is_seed_S[a] != is_seed_S[b])
        }

    for merge in merging.merges:
        found = cosines()
        pair = (min(merge.kept, merge.gone), max(merge.kept, merge.gone))
        assert found[pair] == pytest.approx(merge.cosine) == max(found.values())
        assert is_seed_S[merge.kept] if seeds is not None else merge.kept == pair[0]
        sums[merge.kept] = sums[merge.kept] + sums.pop(merge.gone)
        root_S[root_S == merge.gone] = merge.kept
    assert root_S.tolist() == merging.group_S.tolist()
    left = cosines()
    if merging.refused is None:
        assert not left
    else:
        refused = merging.refused
        assert left[min(refused.kept, refused.gone), max(refused.kept, refused.gone)] == pytest.approx(refused.cosine)
        assert refused.cosine == pytest.approx(max(left.values())) and refused.cosine < (threshold or 0.0)


def test_above_1_nothing_merges() -> None:
    sum_SD = torch.ones(5, 3) * torch.arange(1, 6)[:, None]
    class_S = torch.zeros(5, dtype=torch.long)
    assert merge_segments(sum_SD, class_S, threshold=1 - 1e-9).tolist() == [0] * 5
    assert merge_segments(sum_SD, class_S, threshold=1 + 1e-9).tolist() == [0, 1, 2, 3, 4]


def test_classes_do_not_mix() -> None:
    assert merge_segments(torch.ones(4, 2), torch.tensor([1, 2, 1, 2]), threshold=0).tolist() == [0, 1, 0, 1]


def test_the_merged_prototype_is_that_of_the_pixels() -> None:
    # 0 and 1 merge first. Weighted by pixels they point almost as 0 does, which 2 is near to; their mean is not.
    angles = torch.tensor([0.0, 0.5, -0.6]).double()
    sum_SD = torch.stack([angles.cos(), angles.sin()], dim=1) * torch.tensor([[100.0], [1.0], [1.0]])
    zeros_S = torch.zeros(3, dtype=torch.long)
    assert merge_segments(sum_SD, zeros_S, threshold=math.cos(0.61)).tolist() == [0, 0, 0]
    assert merge_segments(F.normalize(sum_SD, dim=1), zeros_S, threshold=math.cos(0.61)).tolist() == [0, 0, 2]


def test_seeds_take_everything_of_their_class_and_nothing_else() -> None:
    sum_SD, class_S, is_seed_S = drawn(40, classes=4, seed=3)
    is_seed_S &= class_S != 2
    group_S = merge_segments(sum_SD, class_S, threshold=2.0, is_seed_S=is_seed_S)
    for segment, group in enumerate(group_S.tolist()):
        assert class_S[group] == class_S[segment]
        if is_seed_S[class_S == class_S[segment]].any():
            assert is_seed_S[group]
        else:
            assert group == segment  # Nobody's: the caller sees that it is no seed.
    # Two seeds never become one.
    assert len(group_S[is_seed_S].unique()) == int(is_seed_S.sum())


def test_without_a_seed_nothing_merges_and_nothing_at_all() -> None:
    nobody_S = torch.zeros(3, dtype=torch.bool)
    found_S = merge_segments(torch.ones(3, 2), torch.zeros(3, dtype=torch.long), threshold=0, is_seed_S=nobody_S)
    assert found_S.tolist() == [0, 1, 2]
    assert merge_segments(torch.ones(0, 2), torch.zeros(0, dtype=torch.long), threshold=0).tolist() == []


def test_a_segment_whose_embeddings_cancel() -> None:
    sum_SD = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.1]])
    assert merge_segments(sum_SD, torch.zeros(3, dtype=torch.long), threshold=0.85).tolist() == [0, 1, 1]


def test_the_sums_stay_as_they_are() -> None:
    sum_SD, class_S, _ = drawn(10)
    before_SD = sum_SD.clone()
    merge_segments(sum_SD, class_S, threshold=0)
    assert torch.equal(sum_SD, before_SD)


def test_nan_is_refused() -> None:
    with pytest.raises(BadInput, match="sums of embeddings must be finite"):
        merge_segments(torch.tensor([[torch.nan, 1.0]]), torch.tensor([0]), threshold=0.5)
