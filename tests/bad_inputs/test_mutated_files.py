"""Whatever chance makes of a sound file, reading it gives a result or `BadInput`: no other error, no warning, no word
from a C library.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_coco import write_coco
from bad_images import WHOLE
from good_images import GOOD_IMAGES
from mutations import mutated
from picture_making import saved
from PIL import Image

from mereo.data.formats.coco_panoptic_json import read_panoptic_json
from mereo.data.label_reading import read_ids, read_raw_label
from mereo.data.pictures.image_reading import decode_image, image_size
from mereo.errors import BadInput

# Small, so that a chance header cannot ask for the work of a large picture.
MAX_PIXELS = 1_000_000
NUM_SEEDS = 40
IMAGES: dict[str, Callable[[np.random.Generator], bytes]] = WHOLE | {
    name: lambda random, name=name: GOOD_IMAGES[name](random).content  # type: ignore[misc]
    for name in (
        *("ycck jpeg", "two pictures in one jpeg", "jpeg, exif of noise", "JPEG of exif 6", "PNG of exif 5"),
        *(
            "16-bit rgba png",
            "palette png, each index its alpha",
            "animated png by hand",
            "animated webp",
            "animated gif",
        ),
        *(
            "rgba webp",
            "fax tiff",
            "tiff, jpeg",
            "tiff, tiles",
            "tiff, planes",
            "tiff of 64 bits",
            "float tiff with NaN",
        ),
        *("cmyk tiff", "TIFF of exif 7", "palette bmp", "1-bit bmp"),
    )
}
LABELS = {
    "png": lambda ids_HW: saved(Image.fromarray(ids_HW), "PNG"),
    "palette png": lambda ids_HW: saved(Image.fromarray(ids_HW).quantize(8), "PNG"),
    "16-bit tiff": lambda ids_HW: saved(Image.fromarray(ids_HW.astype(np.uint16)), "TIFF", compression="tiff_lzw"),
    "bmp": lambda ids_HW: saved(Image.fromarray(ids_HW), "BMP"),
    "gif": lambda ids_HW: saved(Image.fromarray(ids_HW), "GIF"),
}


def result_or_bad_input(read: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read(*arguments, **options)
        except BadInput as error:
            assert "\n" not in str(error) and len(str(error)) < 1500
            return None


@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    num_read = 0
    for seed in range(NUM_SEEDS):
        random = np.random.default_rng(seed)
        content = mutated(IMAGES[name](np.random.default_rng(seed % 3)), random)
        image_HW3 = result_or_bad_input(decode_image, content, max_pixels=MAX_PIXELS)
        if image_HW3 is not None:
            num_read += 1
            assert image_HW3.dtype == np.uint8 and image_HW3.ndim == 3 and image_HW3.shape[2] == 3
        (tmp_path / "a").write_bytes(content)
        size = result_or_bad_input(image_size, tmp_path / "a")
        assert image_HW3 is None or size == image_HW3.shape[:2]
    assert num_read < NUM_SEEDS, "nothing was broken at all"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", LABELS)
def test_labels(name: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ids_HW = np.random.default_rng(0).integers(0, 5, (20, 30)).astype(np.uint8)
    whole, path = LABELS[name](ids_HW), tmp_path / "a.png"
    for seed in range(NUM_SEEDS):
        path.write_bytes(mutated(whole, np.random.default_rng(seed)))
        for is_colour_coded in (False, True):
            raw_HW = result_or_bad_input(read_raw_label, path, is_colour_coded=is_colour_coded, max_pixels=MAX_PIXELS)
            assert raw_HW is None or (raw_HW.ndim == 2 and raw_HW.dtype.kind in "ui")
        result_or_bad_input(read_ids, path, max_pixels=MAX_PIXELS)
    assert capfd.readouterr() == ("", "")


def test_coco_json(tmp_path: Path) -> None:
    content = json.dumps(write_coco(tmp_path / "data")).encode()
    path = tmp_path / "data" / "panoptic.json"
    for seed in range(200):
        path.write_bytes(mutated(content, np.random.default_rng(seed)))
        result_or_bad_input(read_panoptic_json, path)
