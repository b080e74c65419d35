"""Segments that disagree are split once, on their own; all others stay."""

import pytest
import torch
import torch.nn.functional as F

from mereo.errors import BadInput
from mereo.regions.dynamic_partitioning import split_noisy_segments
from mereo.regions.unit_sphere_segments import segment_concentration, spherical_kmeans


def two_kinds() -> tuple[torch.Tensor, torch.Tensor]:
    """Segment 0 agrees, segment 1 holds four directions, segment 2 is one pixel."""
    embedding_ND = torch.cat([torch.eye(4)[0].expand(5, -1), torch.eye(4).repeat_interleave(3, 0), torch.eye(4)[3:]])
    return embedding_ND, torch.tensor([0] * 5 + [1] * 12 + [2])


def test_only_what_disagrees_is_split() -> None:
    embedding_ND, label_N = two_kinds()
    found_N = split_noisy_segments(embedding_ND, label_N)
    assert len(found_N.unique()) == 6 and int(found_N.max()) == 5
    assert found_N[:5].unique().tolist() == [0]
    assert all(len(found_N[5 + 3 * part : 8 + 3 * part].unique()) == 1 for part in range(4))
    assert (segment_concentration(embedding_ND, found_N) == 1).all()


def test_as_kmeans_on_its_own_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    embedding_ND = F.normalize(torch.randn(50, 3, generator=generator), dim=1)
    label_N = torch.arange(50) % 2
    found_N = split_noisy_segments(embedding_ND, label_N, threshold=1.0, parts=3)
    for segment in (0, 1):
        own_N = spherical_kmeans(embedding_ND[label_N == segment], torch.arange(25) * 3 // 25)
        together_NN = found_N[label_N == segment][:, None] == found_N[label_N == segment]
        assert torch.equal(together_NN, own_N[:, None] == own_N)
    assert not set(found_N[label_N == 0].tolist()) & set(found_N[label_N == 1].tolist())


def test_a_threshold_of_0_splits_nothing_and_gaps_close() -> None:
    embedding_ND, label_N = two_kinds()
    assert torch.equal(split_noisy_segments(embedding_ND, 5 * label_N, threshold=0), label_N)
    assert split_noisy_segments(embedding_ND[:0], label_N[:0]).tolist() == []


def test_what_kmeans_sees_may_be_more() -> None:
    embedding_ND, label_N = two_kinds()
    at_N = torch.arange(18)
    place_N2 = F.one_hot(((at_N < 2) | (at_N > 8)).long(), 2)  # They part elsewhere than the embeddings.
    clustered_NE = F.normalize(torch.cat([embedding_ND, 3 * place_N2], dim=1), dim=1)
    found_N = split_noisy_segments(embedding_ND, label_N, parts=2, clustered_NE=clustered_NE)
    assert len(found_N[:5].unique()) == 1, "how much a segment agrees is a question to the embeddings alone"
    own_N = spherical_kmeans(clustered_NE[5:17], torch.arange(12) * 2 // 12)
    together_NN = found_N[5:17, None] == found_N[5:17]
    assert torch.equal(together_NN, own_N[:, None] == own_N)
    without_N = split_noisy_segments(embedding_ND, label_N, parts=2)
    assert not torch.equal(together_NN, without_N[5:17, None] == without_N[5:17])


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match="threshold must be from 0 to 1 and parts at least 1"):
        split_noisy_segments(*two_kinds(), threshold=1.5)
