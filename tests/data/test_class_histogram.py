"""Pixels of each class, counted once; a broken cache is only a slow start."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mereo.data import cached_counts as module
from mereo.data.class_histogram import class_histogram, class_weights, count_pixels
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadEnvironment, BadInput

MAPS = [np.array([[0, 0, 1], [255, 255, 0]]), np.array([[2, 2, 2], [1, 255, 0]])]
COUNTS = [4, 2, 3, 0]


class CountedSamples:
    """Two maps, and how often any was asked for."""

    def __init__(self, maps: list[np.ndarray | None], fingerprint: str = "one") -> None:
        self.taxonomy = Taxonomy("test", LabelTable(("a", "b", "c", "d")))
        self.maps, self.fingerprint, self.num_reads = maps, fingerprint, 0

    @property
    def names(self) -> list[str]:
        return [f"map {index}" for index in range(len(self.maps))]

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: int) -> Sample:
        self.num_reads += 1
        label_HW = self.maps[index]
        image = as_image(np.zeros((2, 3, 3), dtype=np.uint8))
        return Sample(f"map {index}", image, semantic_HW=None if label_HW is None else as_mask(label_HW))


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def only_file(folder: Path) -> Path:
    (file,) = (folder / "histograms").iterdir()
    return file


def test_counting_leaves_the_ignored_out() -> None:
    assert count_pixels(CountedSamples([*MAPS])).tolist() == COUNTS


def test_an_unlabelled_sample_is_named() -> None:
    with pytest.raises(BadInput, match="samples must have semantic labels, but got none in map 1; check the folder"):
        count_pixels(CountedSamples([MAPS[0], None]))


def test_a_label_beyond_the_classes_is_not_dropped() -> None:
    with pytest.raises(BadInput, match="labels must be 0 to 3 or ignored, but got 0 to 4 in map 1; mend the reader"):
        count_pixels(CountedSamples([MAPS[0], np.array([[4, 0, 0], [0, 0, 0]])]))


def test_the_second_time_nothing_is_read() -> None:
    first, second = CountedSamples([*MAPS]), CountedSamples([*MAPS])
    assert class_histogram(first).tolist() == class_histogram(second).tolist() == COUNTS
    assert (first.num_reads, second.num_reads) == (2, 0)


def test_other_files_or_another_taxonomy_are_counted_anew() -> None:
    class_histogram(CountedSamples([*MAPS]))
    other_files, other_taxonomy = CountedSamples([*MAPS], fingerprint="two"), CountedSamples([*MAPS])
    other_taxonomy.taxonomy = replace(other_taxonomy.taxonomy, objects=LabelTable(("a", "b", "c", "e")))
    for samples in (other_files, other_taxonomy):
        assert class_histogram(samples).tolist() == COUNTS and samples.num_reads == 2


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"counts": 4}', b'{"counts": [1, 2]}', b'{"counts": "abcd"}',
        b'{"counts": [1, 2, 3, null]}', b'{"counts": [1, 2, 3, -4]}', b'{"counts": [1, 2, 3, 4.5]}',
        b'{"counts": [[1], [2], [3], [4]]}',
    ],
)  # fmt: skip
def test_a_broken_cache_is_counted_again_and_mended(empty_cache: Path, content: bytes) -> None:
    class_histogram(CountedSamples([*MAPS]))
    only_file(empty_cache).write_bytes(content)
    again, after = CountedSamples([*MAPS]), CountedSamples([*MAPS])
    assert class_histogram(again).tolist() == COUNTS and again.num_reads == 2
    assert class_histogram(after).tolist() == COUNTS and after.num_reads == 0


def test_a_cache_that_cannot_be_read(empty_cache: Path) -> None:
    class_histogram(CountedSamples([*MAPS]))
    file = only_file(empty_cache)
    file.unlink()
    file.mkdir()  # Neither readable nor replaceable, also for an administrator.
    assert class_histogram(CountedSamples([*MAPS])).tolist() == COUNTS


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: object, indent: None) -> None:
        raise BadEnvironment("read-only")

    monkeypatch.setattr(module, "write_json", refuse)
    assert class_histogram(CountedSamples([*MAPS])).tolist() == COUNTS


@pytest.mark.parametrize(
    ("pixels", "power", "weights"),
    [
        # 100 ** -0.5 = 0.1 and 400 ** -0.5 = 0.05, mean 0.075.
        ([100, 400, 0], 0.5, [4 / 3, 2 / 3, 1.0]),
        ([100, 400, 0], 0.0, [1.0, 1.0, 1.0]),
        # 1/1, 1/2, 1/4: mean 7/12.
        ([1, 2, 4], 1.0, [12 / 7, 6 / 7, 3 / 7]),
        ([7], 0.3, [1.0]),
    ],
)
def test_weights_by_hand(pixels: list[int], power: float, weights: list[float]) -> None:
    weight_K = class_weights(torch.tensor(pixels), power=power)
    assert weight_K.dtype == torch.float32
    torch.testing.assert_close(weight_K, torch.tensor(weights))


def test_weights_of_many_pixels_keep_their_digits() -> None:
    weight_K = class_weights(torch.tensor([10**15, 10**15 + 1, 1]), power=1.0)
    assert torch.isfinite(weight_K).all() and weight_K.mean().item() == pytest.approx(1.0)


def test_weights_of_nothing() -> None:
    with pytest.raises(BadInput, match="training labels must hold at least one labelled pixel, but got none; check"):
        class_weights(torch.zeros(3, dtype=torch.int64), power=0.5)
