"""Cached superpixels: the same answer, found once for the same pixels; a broken cache is only a slow start."""

import logging
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.regions import superpixel_cache as module
from mereo.regions.superpixel_cache import cached_superpixels
from mereo.regions.superpixels import superpixels

IMAGE_HW3 = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


class Counted:
    """`superpixels`, and how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, image_HW3: np.ndarray, **options: object) -> np.ndarray:
        self.count += 1
        return superpixels(image_HW3, **options)  # type: ignore[arg-type]


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "cache"))
    found = Counted()
    monkeypatch.setattr(module, "superpixels", found)
    module._warn_once.cache_clear()
    return found


def only_file(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "cache" / "superpixels").iterdir()
    return file


def test_found_once(counted: Counted) -> None:
    first_HW, second_HW = cached_superpixels(IMAGE_HW3), cached_superpixels(np.asfortranarray(IMAGE_HW3))
    np.testing.assert_array_equal(first_HW, superpixels(IMAGE_HW3))
    np.testing.assert_array_equal(second_HW, first_HW)
    assert second_HW.dtype == first_HW.dtype == np.int32 and second_HW.flags.writeable
    assert counted.count == 1


def test_what_differs_is_found_anew(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    cached_superpixels(IMAGE_HW3)
    other_HW3 = IMAGE_HW3.copy()
    other_HW3[7, 7, 1] ^= 1
    cached_superpixels(other_HW3)
    cached_superpixels(IMAGE_HW3.reshape(30, 20, 3))
    assert cached_superpixels(IMAGE_HW3, max_regions=5).max() < 5
    cached_superpixels(IMAGE_HW3, method="felzenszwalb")
    monkeypatch.setattr(module, "ALGORITHM_VERSION", module.ALGORITHM_VERSION + 1)
    cached_superpixels(IMAGE_HW3)
    assert counted.count == 6


def test_equal_files_that_are_small(counted: Counted, tmp_path: Path) -> None:
    smooth_HW3 = np.kron(np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6), np.ones((20, 20), np.uint8))
    smooth_HW3 = smooth_HW3[..., None].repeat(3, axis=2)
    cached_superpixels(smooth_HW3)
    file = only_file(tmp_path)
    content = file.read_bytes()
    file.unlink()
    cached_superpixels(smooth_HW3)
    assert file.read_bytes() == content and len(content) < 80 * 120 / 10


def broken(content: bytes) -> list[bytes]:
    flipped = [
        bytes([*content[:at], content[at] ^ 16, *content[at + 1 :]]) for at in (0, 15, 16, 20, 60, -1 % len(content))
    ]
    of_zeros = [content[:16] + zlib.compress(bytes(count)) for count in (0, 4 * 599, 4 * 601, 10**7)]
    return [b"", b"\x89PNG", content[:10], content[:16], content[:-1], content[:40], *flipped, *of_zeros]


def test_a_broken_or_foreign_file_is_made_anew(counted: Counted, tmp_path: Path) -> None:
    expected_HW = cached_superpixels(IMAGE_HW3)
    file = only_file(tmp_path)
    content = file.read_bytes()
    for number, bad in enumerate(broken(content)):
        file.write_bytes(bad)
        np.testing.assert_array_equal(cached_superpixels(IMAGE_HW3), expected_HW)
        assert counted.count == 2 + number, bad[:20]
        assert file.read_bytes() == content


def test_another_pictures_file_is_not_taken(counted: Counted, tmp_path: Path) -> None:
    cached_superpixels(IMAGE_HW3[::-1])
    other = only_file(tmp_path)
    content = other.read_bytes()
    other.unlink()
    cached_superpixels(IMAGE_HW3)
    only_file(tmp_path).write_bytes(content)
    np.testing.assert_array_equal(cached_superpixels(IMAGE_HW3), superpixels(IMAGE_HW3))


def test_a_cache_that_cannot_be_written_is_said_once(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")  # Neither readable nor replaceable, also for an administrator.
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, logger="mereo"):
        for image_HW3 in (IMAGE_HW3, IMAGE_HW3, IMAGE_HW3[::-1]):
            np.testing.assert_array_equal(cached_superpixels(image_HW3), superpixels(image_HW3))
    (said,) = [record.message for record in caplog.records]
    assert "superpixels are found again each time, since" in said and "set MEREO_CACHE" in said


def test_no_image() -> None:
    with pytest.raises(BadInput, match="an image must be an array H x W x 3 uint8"):
        cached_superpixels(np.zeros((3, 3), np.uint8))


def test_it_reads_without_scikit_image_what_scikit_image_found(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_HW = cached_superpixels(IMAGE_HW3, method="slic")
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    np.testing.assert_array_equal(cached_superpixels(IMAGE_HW3, method="slic"), found_HW)
