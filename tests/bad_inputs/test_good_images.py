"""Every unusual picture that can be shown is read as it is shown, and parsed."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from bad_images import WRONG_SUFFIXES
from good_images import GOOD_IMAGES
from picture_making import GoodImage
from PIL import Image
from ran_command import Mereo

from mereo.data.pictures.image_reading import image_size, read_image

SEEDS = (0, 1, 2)


def made(name: str, seed: int = 0) -> GoodImage:
    return GOOD_IMAGES[name](np.random.default_rng(seed))


@pytest.mark.parametrize("name", GOOD_IMAGES)
def test_it_is_read_as_it_is_shown(name: str, tmp_path: Path) -> None:
    for seed in SEEDS:
        good = made(name, seed)
        path = tmp_path / f"{seed}.{good.suffix}"
        path.write_bytes(good.content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            image_HW3 = read_image(path)
            assert image_size(path) == image_HW3.shape[:2] == good.shown_HW3.shape[:2]
        assert image_HW3.dtype == np.uint8 and image_HW3.flags.c_contiguous
        assert np.abs(image_HW3.astype(int) - good.shown_HW3).max() <= good.tolerance


@pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")
@pytest.mark.parametrize("name", ["cmyk jpeg", "ycck jpeg", "progressive jpeg", "webp", "16-bit rgb png", "jpeg"])
def test_another_decoder_shows_the_same(name: str, tmp_path: Path) -> None:
    """torchvision has decoders of its own."""
    import torch

    pytest.importorskip("torchvision.io", reason="a torchvision that still decodes pictures")
    from torchvision.io import ImageReadMode, decode_image

    good = made(name)
    (tmp_path / "a").write_bytes(good.content)
    content = torch.frombuffer(bytearray(good.content), dtype=torch.uint8)
    other_HW3 = decode_image(content, mode=ImageReadMode.RGB).permute(1, 2, 0).numpy().astype(int)
    other_HW3 = other_HW3 // 257 if other_HW3.max() > 255 else other_HW3
    assert np.abs(read_image(tmp_path / "a").astype(int) - other_HW3).max() <= 2


@pytest.mark.parametrize(("name", "suffix"), WRONG_SUFFIXES.items())
def test_the_content_counts_not_the_name(name: str, suffix: str, tmp_path: Path) -> None:
    good = made(name)
    (tmp_path / f"a.{suffix}").write_bytes(good.content)
    image_HW3 = read_image(tmp_path / f"a.{suffix}")
    assert np.abs(image_HW3.astype(int) - good.shown_HW3).max() <= good.tolerance


def test_all_of_them_are_parsed_in_one_go(mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    shown = {}
    for number, name in enumerate(GOOD_IMAGES):
        good = made(name)
        shown[f"{number:03}.{good.suffix}"] = good.shown_HW3
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{number:03}.{good.suffix}").write_bytes(good.content)
    ran = mereo("parse", tmp_path / "in", "--parser", tiny_file, "--out", tmp_path / "out", "--device", "cpu")
    assert (ran.code, ran.err) == (0, "")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["skipped"] == [] and [Path(one["image"]).name for one in report["images"]] == sorted(shown)
    for one in report["images"]:
        height, width = shown[Path(one["image"]).name].shape[:2]
        assert (one["width"], one["height"]) == (width, height)
        with Image.open(tmp_path / "out" / one["files"]["labels"]) as labels:
            assert labels.size == (width, height)
