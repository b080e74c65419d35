"""Borders found and borders right: against a loop over pixels, and against one-to-one matching."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from mereo.errors import BadInput
from mereo.metrics.region_borders import BorderCounts, border_counts, border_pixels, tolerance_pixels


def some_maps(seed: int, count: int, height: int, width: int, regions: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.random((count, regions, 2)) * (height, width)
    rows, columns = np.indices((height, width))
    distance = [[(rows - y) ** 2 + (columns - x) ** 2 for y, x in one] for one in centres]
    return np.array(distance).argmin(axis=1)


def places(label_HW: np.ndarray) -> np.ndarray:
    height, width = label_HW.shape
    found = [
        (y, x)
        for y in range(height)
        for x in range(width)
        if (x + 1 < width and label_HW[y, x] != label_HW[y, x + 1])
        or (y + 1 < height and label_HW[y, x] != label_HW[y + 1, x])
    ]
    return np.array(found).reshape(-1, 2)


def distances(one_N2: np.ndarray, other_M2: np.ndarray) -> np.ndarray:
    return np.sqrt(((one_N2[:, None] - other_M2[None]) ** 2).sum(axis=2))


@given(
    st.integers(0, 10**6),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 6),
    st.sampled_from([0.0, 1.0, 1.5, 3.0]),
)
@settings(max_examples=50, deadline=None)
def test_by_a_loop(seed: int, height: int, width: int, regions: int, reach: float) -> None:
    label_LHW, annotators_AHW = some_maps(seed, 2, height, width, regions), some_maps(seed + 1, 3, height, width, 3)
    drawn = [places(label_HW) for label_HW in annotators_AHW]
    for label_HW, counts in zip(label_LHW, border_counts(label_LHW, annotators_AHW, distance_pixels=reach)):
        answered = places(label_HW)
        near = [distances(one, answered) <= reach for one in drawn]
        assert counts == BorderCounts(
            found=sum(int(one.any(axis=1).sum()) for one in near),
            drawn=sum(map(len, drawn)),
            right=int(np.concatenate(near).any(axis=0).sum()) if len(answered) else 0,
            answered=len(answered),
        )


@given(st.integers(0, 10**6), st.integers(4, 16), st.integers(4, 16), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_one_to_one_matching_finds_no_more(seed: int, height: int, width: int, regions: int) -> None:
    """What the docstring says of BSDS's benchmark: with the most pairs that one-to-one allows."""
    label_LHW, annotators_AHW = some_maps(seed, 1, height, width, regions), some_maps(seed + 1, 1, height, width, 3)
    (counts,) = border_counts(label_LHW, annotators_AHW, distance_pixels=2)
    near_NM = distances(places(annotators_AHW[0]), places(label_LHW[0])) <= 2
    matched = int((maximum_bipartite_matching(csr_array(near_NM)) >= 0).sum()) if near_NM.size else 0
    assert matched <= min(counts.found, counts.right)


def test_the_same_map_and_a_shifted_one() -> None:
    label_HW = (np.arange(40) // 20)[None].repeat(30, axis=0)
    shifted_HW = (np.arange(40) // 23)[None].repeat(30, axis=0)  # Its border lies 3 pixels to the right.
    for reach, found in ((0, 0), (2.9, 0), (3, 30)):
        (counts,) = border_counts(shifted_HW[None], label_HW[None], distance_pixels=reach)
        assert counts == BorderCounts(found, 30, found, 30)
    (same,) = border_counts(label_HW[None], label_HW[None], distance_pixels=0)
    assert (same.precision, same.recall, same.f_measure) == (1, 1, 1)


def test_the_tolerance_is_a_share_of_the_diagonal() -> None:
    label_HW = (np.arange(400) // 200)[None].repeat(300, axis=0)
    shifted_HW = (np.arange(400) // 203)[None].repeat(300, axis=0)
    assert tolerance_pixels(300, 400) == 3.75
    (counts,) = border_counts(shifted_HW[None], label_HW[None])
    assert counts.recall == 1
    (counts,) = border_counts(shifted_HW[None] * 0 + (np.arange(400) // 204), label_HW[None])
    assert counts.recall == 0


def test_no_border_at_all() -> None:
    flat_HW, split_HW = np.zeros((4, 4), int), np.arange(16).reshape(4, 4) // 8
    (counts,) = border_counts(flat_HW[None], split_HW[None])
    assert (counts.precision, counts.recall, counts.f_measure) == (1, 0, 0)
    (counts,) = border_counts(split_HW[None], flat_HW[None])
    assert (counts.precision, counts.recall, counts.f_measure) == (0, 1, 0)
    assert BorderCounts(0, 4, 0, 4).f_measure == 0


def test_counts_add_up() -> None:
    total = BorderCounts(1, 2, 3, 4) + BorderCounts(3, 6, 1, 4)
    assert total == BorderCounts(4, 8, 4, 8) and total.f_measure == 0.5


def test_borders_are_one_pixel_wide() -> None:
    label_HW = np.array([[0, 0, 1], [2, 2, 2]])
    assert border_pixels(label_HW).tolist() == [[True, True, True], [False, False, False]]


def test_wrong_arguments() -> None:
    with pytest.raises(BadInput, match="an image must have at least one annotator, but got none; leave it out"):
        border_counts(np.zeros((1, 2, 2)), np.zeros((0, 2, 2)))
    with pytest.raises(BadInput, match="distance_pixels must be at least 0, but got -1; e.g. 2"):
        border_counts(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), distance_pixels=-1)
