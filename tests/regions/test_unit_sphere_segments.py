"""Spherical k-means by loops in float64: labels, an objective that never falls, rotated spheres, empty labels."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mereo.errors import BadInput
from mereo.regions.unit_sphere_segments import (
    grid_labels,
    segment_concentration,
    segment_sums,
    spherical_kmeans,
    with_positions,
)


def embeddings_of(count: int, width: int, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, width, dtype=torch.float64, generator=generator), dim=1)


def labels_of(count: int, num_segments: int, *, seed: int = 0) -> Tensor:
    return torch.randint(0, num_segments, (count,), generator=torch.Generator().manual_seed(seed + 1))


def by_a_loop(embeddings: list[list[float]], labels: list[int], iterations: int) -> tuple[list[int], list[float]]:
    """Labels, and after every M-step the sum of cosines to the own prototype."""
    labels, objectives = list(labels), []
    for _ in range(iterations):
        prototypes: dict[int, list[float]] = {}
        for label in set(labels):
            members = [v for v, own in zip(embeddings, labels) if own == label]
            total = [sum(column) for column in zip(*members)]
            length = math.sqrt(sum(x * x for x in total))
            prototypes[label] = [x / length for x in total]

        def cosine(v: list[float], label: int, known: dict[int, list[float]] = prototypes) -> float:
            return sum(x * y for x, y in zip(v, known[label]))

        objectives.append(sum(cosine(v, label) for v, label in zip(embeddings, labels)))
        labels = [max(sorted(prototypes), key=lambda label: cosine(v, label)) for v in embeddings]
    return labels, objectives


@pytest.mark.parametrize("iterations", [0, 1, 3, 10])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_labels_by_a_loop(iterations: int, seed: int) -> None:
    embedding_ND, label_N = embeddings_of(80, 5, seed=seed), labels_of(80, 9, seed=seed)
    wanted, _ = by_a_loop(embedding_ND.tolist(), label_N.tolist(), iterations)
    assert spherical_kmeans(embedding_ND, label_N, iterations=iterations).tolist() == wanted


def test_prototypes_by_a_loop_in_single_precision() -> None:
    embedding_ND, label_N = embeddings_of(200, 8), labels_of(200, 7)
    wanted, _ = by_a_loop(embedding_ND.tolist(), label_N.tolist(), 10)
    found_N = spherical_kmeans(embedding_ND.float(), label_N)
    found_SD = F.normalize(segment_sums(embedding_ND.float(), found_N, 7), dim=1)
    for segment in range(7):
        members_ND = embedding_ND[torch.tensor(wanted) == segment]
        torch.testing.assert_close(found_SD[segment].double(), F.normalize(members_ND.sum(0), dim=0), atol=1e-5, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 8))
def test_the_objective_never_falls(seed: int, count: int, num_segments: int) -> None:
    embedding_ND, label_N = embeddings_of(count, 3, seed=seed), labels_of(count, num_segments, seed=seed)
    objectives = []
    for iterations in range(6):
        found_N = spherical_kmeans(embedding_ND, label_N, iterations=iterations)
        # The sum of the lengths of the sums is the sum of the cosines to the prototypes.
        objectives.append(segment_sums(embedding_ND, found_N, num_segments).norm(dim=1).sum().item())
    assert all(later >= earlier - 1e-9 for earlier, later in zip(objectives, objectives[1:]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_rotated_sphere_has_the_same_segments(seed: int) -> None:
    embedding_ND, label_N = embeddings_of(60, 4, seed=seed), labels_of(60, 6, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    rotation_DD = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64, generator=generator)).Q
    assert torch.equal(spherical_kmeans(embedding_ND, label_N), spherical_kmeans(embedding_ND @ rotation_DD, label_N))


def test_an_empty_label_attracts_nobody() -> None:
    # All point away from each other: the prototype of nobody, 0, would have the greatest cosine of all.
    embedding_ND = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [-0.8, 0.6], [0.8, -0.6]])
    label_N = torch.tensor([3, 3, 1, 1])
    assert set(spherical_kmeans(embedding_ND, label_N).tolist()) <= {1, 3}


def test_one_pixel_and_none() -> None:
    one_ND = torch.tensor([[0.6, 0.8]])
    assert spherical_kmeans(one_ND, torch.tensor([4])).tolist() == [4]
    assert spherical_kmeans(one_ND[:0], torch.tensor([], dtype=torch.long)).tolist() == []
    assert segment_concentration(one_ND, torch.tensor([1])).tolist() == [1.0, 1.0]


def test_in_pieces_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding_ND, label_N = embeddings_of(100, 4), labels_of(100, 6)
    whole_N = spherical_kmeans(embedding_ND, label_N)
    monkeypatch.setattr("mereo.regions.unit_sphere_segments.SCORES_AT_ONCE", 7)
    assert torch.equal(spherical_kmeans(embedding_ND, label_N), whole_N)


def test_half_precision_computes_in_single() -> None:
    embedding_ND, label_N = embeddings_of(100, 4).bfloat16(), labels_of(100, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found_N = spherical_kmeans(embedding_ND, label_N)
    assert torch.equal(found_N, spherical_kmeans(embedding_ND.float(), label_N))


def test_concentration_by_a_loop() -> None:
    embedding_ND, label_N = embeddings_of(30, 4), labels_of(30, 5)
    found_S = segment_concentration(embedding_ND, label_N)
    for segment in range(5):
        members_ND = embedding_ND[label_N == segment]
        torch.testing.assert_close(found_S[segment], members_ND.sum(0).norm() / len(members_ND))


def test_identical_embeddings_have_concentration_1() -> None:
    embedding_ND = embeddings_of(1, 64).float().expand(1000, -1)
    assert segment_concentration(embedding_ND, torch.zeros(1000, dtype=torch.long)).item() == pytest.approx(1, abs=1e-6)


def test_the_grid_cuts_evenly() -> None:
    label_HW = grid_labels(10, 7, rows=3, columns=2)
    counts = torch.bincount(label_HW.flatten())
    assert len(counts) == 6 and counts.min() >= 9 and counts.max() <= 16
    assert grid_labels(1, 1, rows=8, columns=8).tolist() == [[0]]


def test_positions_keep_length_1_and_crops_their_place() -> None:
    whole_BDHW = F.normalize(torch.randn(2, 5, 8, 12, dtype=torch.float64), dim=1)
    placed_BEHW = with_positions(whole_BDHW)
    torch.testing.assert_close(placed_BEHW.norm(dim=1), torch.ones(2, 8, 12, dtype=torch.float64))
    y, x = 2.5 / 8, 7.5 / 12
    place_2 = torch.tensor([y, x], dtype=torch.float64) / math.sqrt(1 + y**2 + x**2)
    torch.testing.assert_close(placed_BEHW[1, 5:, 2, 7], place_2, atol=1e-6, rtol=0)
    crop_BEhw = with_positions(whole_BDHW[:, :, 3:7, 2:6], offset=(3, 2), size=(8, 12))
    torch.testing.assert_close(crop_BEhw, placed_BEHW[:, :, 3:7, 2:6])


def test_what_is_refused() -> None:
    embedding_ND = embeddings_of(2, 3)
    with pytest.raises(BadInput, match="iterations must be at least 0"):
        spherical_kmeans(embedding_ND, torch.tensor([0, 1]), iterations=-1)
    with pytest.raises(BadInput, match="labels must be whole numbers from 0 up"):
        spherical_kmeans(embedding_ND, torch.tensor([0, -1]))
    with pytest.raises(BadInput, match="a grid must have at least one row"):
        grid_labels(4, 4, rows=0, columns=2)
