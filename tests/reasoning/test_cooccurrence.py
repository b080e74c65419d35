"""Counts of classes together, and equation 1: by hand, by loops, and as files; other files are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.reasoning import cooccurrence_of_samples
from mereo.reasoning.cooccurrence import (
    Cooccurrence,
    class_affinity,
    count_cooccurrence,
    supporters_and_opponents,
)
from mereo.reasoning.cooccurrence_file import read_cooccurrence, write_cooccurrence
from mereo.reasoning.cooccurrence_of_samples import cooccurrence_of

# Aeroplane, sky, grass: every aeroplane has sky, but most skies have none.
COUNTS_KK = torch.tensor([[5, 5, 1], [5, 50, 20], [1, 20, 30]])
NAMES = ("aeroplane", "sky", "grass")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6), st.integers(1, 5), st.integers(0, 1000))
def test_counts_are_those_of_loops(num_maps: int, num_classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = [torch.randint(-1, num_classes, (2, 3), generator=generator) for _ in range(num_maps)]
    maps = [torch.where(one < 0, 255, one) for one in maps]
    counts = count_cooccurrence(maps, num_classes)
    for i in range(num_classes):
        for j in range(num_classes):
            assert counts[i, j] == sum(bool((one == i).any() and (one == j).any()) for one in maps)


@pytest.mark.parametrize("wrong", [-1, 3, 254])
def test_other_ids_are_refused(wrong: int) -> None:
    with pytest.raises(BadInput, match=r"labels must be 0 to 2 or 255, but got .* in label map 1; mend"):
        count_cooccurrence([torch.zeros(2, 2), torch.tensor([[0, wrong]])], 3)


def test_equation_1_by_hand() -> None:
    """f_ij = t_ij / (sum_k t_kj - t_jj); the transpose of the sums for `source`."""
    by_target = class_affinity(COUNTS_KK)
    torch.testing.assert_close(
        by_target,
        torch.tensor([[1, 5 / 25, 1 / 21], [5 / 6, 1, 20 / 21], [1 / 6, 20 / 25, 1]], dtype=torch.float64),
    )
    by_source = class_affinity(COUNTS_KK, normalise="source")
    # "Aeroplane strongly supports sky, sky only weakly supports aeroplane."
    assert by_source[0, 1] == pytest.approx(5 / 6) and by_source[1, 0] == pytest.approx(5 / 25)
    torch.testing.assert_close(by_source, by_target.T)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_sums_over_sources(num_classes: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    half = torch.randint(0, 4, (num_classes, num_classes), generator=generator).triu()
    counts = half + half.T
    for normalise, axis in (("target", 0), ("source", 1)):
        affinity = class_affinity(counts, normalise=normalise)
        assert affinity.isfinite().all() and torch.equal(affinity.diagonal(), torch.ones(num_classes).double())
        others = affinity.sum(axis) - 1
        meets_others = (counts.sum(0) - counts.diagonal()) > 0
        torch.testing.assert_close(others, meets_others.double())


def test_the_upper_half_supports_and_the_lower_half_opposes() -> None:
    affinity_KK = class_affinity(COUNTS_KK).numpy()
    assert supporters_and_opponents(affinity_KK, 0, among=range(3)) == ([1], [2])
    assert supporters_and_opponents(affinity_KK, 1, among=range(3)) == ([2], [0])
    column = np.array([0.1, 0.3, 1.0, 0.2, 0.25, 0.05, 0.1])
    affinity_KK = np.tile(column[:, None], (1, 7))
    assert supporters_and_opponents(affinity_KK, 2, among=range(7)) == ([1, 4, 3], [5, 6, 0])
    assert supporters_and_opponents(affinity_KK, 2, among=[5, 1, 0]) == ([1, 0], [5])
    assert supporters_and_opponents(affinity_KK, 2, among=[2]) == ([], [])


@pytest.mark.parametrize("num_that_meet", range(6))
def test_a_class_that_never_meets_another_is_its_opponent(num_that_meet: int) -> None:
    affinity_KK = np.eye(6)
    affinity_KK[:num_that_meet, 5] = 1 / max(1, num_that_meet)
    supporters, opponents = supporters_and_opponents(affinity_KK, 5, among=range(6))
    assert sorted(supporters + opponents) == [0, 1, 2, 3, 4] and len(supporters) == min(3, num_that_meet)
    assert all(affinity_KK[source, 5] > 0 for source in supporters)


def test_files_round_trip(tmp_path: Path) -> None:
    counted = Cooccurrence(COUNTS_KK, NAMES, 60, "the train split")
    path = write_cooccurrence(tmp_path / "affinity.safetensors", counted)
    again = read_cooccurrence(path)
    assert torch.equal(again.counts_KK, COUNTS_KK) and (again.class_names, again.num_images) == (NAMES, 60)
    content = json.loads((tmp_path / "affinity.json").read_text())
    assert content["classes"] == list(NAMES) and content["counts"] == COUNTS_KK.tolist() and content["images"] == 60
    assert content["source"] == "the train split" and again.source == str(path)
    before = path.read_bytes()
    assert write_cooccurrence(path, counted).read_bytes() == before
    with pytest.raises(BadInput, match="counts must be saved as NAME.safetensors, but got .*a.json; a NAME.json comes"):
        write_cooccurrence(tmp_path / "a.json", counted)


def test_other_classes_are_refused() -> None:
    counted = Cooccurrence(COUNTS_KK, NAMES, 60, "x.safetensors")
    counted.require_classes(NAMES)
    with pytest.raises(BadInput, match="but got 'sky' where the parser has 'sea' in x.safetensors; count anew"):
        counted.require_classes(("aeroplane", "sea", "grass"))
    with pytest.raises(BadInput, match="but got '3 classes' where the parser has '2 classes'"):
        counted.require_classes(NAMES[:2])


@pytest.mark.parametrize(
    ("tensors", "facts", "words"),
    [
        ({"cooccurrence": COUNTS_KK}, None, "must be written by `mereo data affinity`"),
        ({"cooccurrence": COUNTS_KK}, "[1]", "must be written by `mereo data affinity`"),
        ({"cooccurrence": COUNTS_KK}, {"classes": ["a", "b", "c"], "images": 1}, "must be written by"),
        ({"cooccurrence": COUNTS_KK}, {"format": "mereo-cooccurrence-1", "classes": [1, 2, 3], "images": 1}, "written"),
        ({"cooccurrence": COUNTS_KK}, "{", "must be JSON"),
        ({"other": COUNTS_KK}, {}, "one whole number for every two named classes"),
        ({"cooccurrence": COUNTS_KK[:2]}, {}, "one whole number for every two named classes"),
        ({"cooccurrence": COUNTS_KK.float()}, {}, "one whole number for every two named classes"),
        ({"cooccurrence": -COUNTS_KK}, {}, "symmetric and at most those of either class"),
        ({"cooccurrence": COUNTS_KK.triu().contiguous()}, {}, "symmetric and at most those of either class"),
        ({"cooccurrence": COUNTS_KK.clone().fill_diagonal_(0)}, {}, "symmetric and at most those of either class"),
    ],
)
def test_broken_files_are_refused(tensors: dict, facts: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    whole = {"format": "mereo-cooccurrence-1", "classes": list(NAMES), "images": 1}
    text = facts if isinstance(facts, str) else json.dumps(whole if facts == {} else facts)
    save_file(tensors, path, metadata=None if facts is None else {"mereo": text})
    with pytest.raises(BadInput, match=words):
        read_cooccurrence(path)


def test_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"not this")
    for name in ("a", "absent"):
        with pytest.raises(BadInput, match="class counts of `mereo data affinity` must be a safetensors file, but got"):
            read_cooccurrence(tmp_path / name)


class Few:
    """Three maps; `reads` counts how often they were asked for."""

    taxonomy, fingerprint, reads = Taxonomy("t", LabelTable(("a", "b"))), "few", 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        self.reads += 1
        semantic = None if self.fingerprint == "none" else as_mask(np.array([[0, index % 2 or 255]]))
        return Sample(name=str(index), image_CHW=as_image(np.zeros((1, 2, 3), np.uint8)), semantic_HW=semantic)


def test_samples_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path))
    samples, seen = Few(), []
    counted = cooccurrence_of(samples, progress=lambda done, total: seen.append((done, total)))
    assert counted.counts_KK.tolist() == [[3, 1], [1, 1]] and counted.num_images == 3
    assert counted.class_names == ("a", "b") and seen == [(1, 3), (2, 3), (3, 3)]
    again = cooccurrence_of(samples, source="few of train")
    assert torch.equal(again.counts_KK, counted.counts_KK) and samples.reads == 3
    assert (counted.source, again.source) == ("", "few of train")
    (cached,) = (tmp_path / "cooccurrence").iterdir()
    for broken in ("{", '{"counts": [[1, 2], [3, 1]]}', '{"counts": [[1.5]]}', '{"counts": [[1], [1, 2]]}', "[]"):
        cached.write_text(broken)
        assert torch.equal(cooccurrence_of(samples).counts_KK, counted.counts_KK)
    assert samples.reads == 3 + 5 * 3


def test_samples_without_labels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path))
    samples = Few()
    samples.fingerprint = "none"
    with pytest.raises(BadInput, match="samples must have semantic labels, but got none in 0; check the folder"):
        cooccurrence_of(samples)
    monkeypatch.setattr(cooccurrence_of_samples, "count_cooccurrence", lambda *a, **k: torch.zeros(2, 2).long())
    with pytest.raises(BadInput, match="training labels must hold at least one labelled pixel, but got none"):
        cooccurrence_of(Few())
