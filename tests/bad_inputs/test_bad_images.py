"""Every file that is no picture costs one line, and nothing but itself."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from bad_images import BAD_IMAGES
from good_images import GOOD_IMAGES
from ran_command import Mereo

from mereo.data.pictures.image_reading import decode_image, image_size, read_image
from mereo.errors import BadInput

GOOD = ("jpeg", "rgba png", "cmyk jpeg", "animated gif", "16-bit grey tiff", "JPEG of exif 6")
# A few that fail at different places: no format, header, decoder, libtiff, before decoding.
ALONE = ("0 bytes", "text", "png cut late", "tif cut early", "lzw tif of noise", "heic", "png of 3 bits")


def write_bad(folder: Path, name: str, seed: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.jpg"
    path.write_bytes(BAD_IMAGES[name][0](np.random.default_rng(seed)))
    return path


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_it_is_refused_with_its_name_and_a_reason(name: str, tmp_path: Path) -> None:
    match = BAD_IMAGES[name][1]
    for seed in range(5):
        path = write_bad(tmp_path, name, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(BadInput, match=match) as caught:
                read_image(path)
            with pytest.raises(BadInput, match=match):
                decode_image(path.read_bytes(), name="the upload")
            # The header may be whole; nothing but an error of ours may come of it.
            try:
                image_size(path)
            except BadInput:
                pass
        text = str(caught.value)
        assert str(path) in text and "\n" not in text and len(text) < 400 and text.endswith(".")


@pytest.mark.parametrize("options", [[], ["--tile", "auto"]], ids=["whole", "tiles"])
def test_among_good_ones_each_bad_one_is_a_line_and_the_good_ones_are_parsed(
    options: list[str], mereo: Mereo, tiny_file: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in BAD_IMAGES:
        write_bad(folder, name)
    for name in GOOD:
        good = GOOD_IMAGES[name](np.random.default_rng(0))
        # Names that sort between the bad ones, first and last.
        (folder / f"{name}.{good.suffix}").write_bytes(good.content)
    ran = mereo("parse", folder, "--parser", tiny_file, "--out", out, "--device", "cpu", *options)
    assert ran.code == 4
    report = json.loads((out / "report.json").read_text())
    assert report["is_finished"] and {Path(one["image"]).stem for one in report["images"]} == set(GOOD)
    reasons = {Path(one["image"]).stem: one["reason"] for one in report["skipped"]}
    assert set(reasons) == set(BAD_IMAGES)
    for name, (_, match) in BAD_IMAGES.items():
        assert re.search(match, reasons[name]), (name, reasons[name])
    lines = ran.err.splitlines()
    assert len(lines) == len(BAD_IMAGES)
    for name in BAD_IMAGES:
        assert sum(line.startswith(f"skipped {folder / name}.jpg: an image must ") for line in lines) == 1
    assert f"{len(GOOD)} images parsed" in ran.out and f", {len(BAD_IMAGES)} skipped" in ran.out
    page = (out / "index.html").read_text()
    assert "0 bytes.jpg" in page


@pytest.mark.parametrize("name", ALONE)
def test_alone_it_ends_with_2_and_one_line(name: str, mereo: Mereo, tiny_file: Path, tmp_path: Path) -> None:
    path, out = write_bad(tmp_path, name), tmp_path / "out"
    ran = mereo("parse", path, "--parser", tiny_file, "--out", out, "--device", "cpu")
    assert ran.code == 2
    *skipped, last = ran.err.splitlines()
    assert len(skipped) <= 1 and last.startswith("mereo: at least one image must be readable, but got 1 that are not")
    assert re.search(BAD_IMAGES[name][1], last)
    assert not out.exists(), "nothing is written where nothing was parsed"


@pytest.mark.slow
def test_a_process_of_its_own_says_no_more(tiny_file: Path, tmp_path: Path) -> None:
    """Not even C libraries, which write past Python."""
    for name in ALONE:
        write_bad(tmp_path / "in", name)
    good = GOOD_IMAGES["jpeg, exif of noise"](np.random.default_rng(0))
    (tmp_path / "in" / "good.jpg").write_bytes(good.content)
    command = ["parse", "in", "--parser", str(tiny_file), "--out", "out", "--device", "cpu"]
    process = subprocess.run(
        [sys.executable, "-m", "mereo", *command], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 4, process.stderr
    lines = process.stderr.splitlines()
    assert len(lines) == len(ALONE) and all(line.startswith("skipped in/") for line in lines), lines
    assert len(process.stdout.splitlines()) == 3
