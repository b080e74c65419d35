"""`mereo parse --tile`: small and huge pictures, TIFFs in bands, and `--on-bad stop`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import random_image, tiny_parser

from mereo.commands import main as command_line
from mereo.commands import parse as command
from mereo.parser.weights import save_parser

MEASURED = """
import resource, sys
from mereo.commands.main import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
sys.exit(code)
"""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Any:
    parser = tiny_parser()
    monkeypatch.setattr(command, "open_parser", lambda name, device: parser)
    return parser


def run(*arguments: object) -> int:
    return command_line.run(["parse", *map(str, arguments)])


def report_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def draw_tiff(path: Path, image_HWC: np.ndarray) -> Path:
    tifffile.imwrite(path, image_HWC, tile=(64, 64), compression="zlib", photometric="rgb")
    return path


def test_a_tiff_beyond_the_cap_comes_out_as_a_tiff(tiny: Any, tmp_path: Path) -> None:
    image_HWC = random_image(300, 410)
    path = draw_tiff(tmp_path / "a.tif", image_HWC)
    assert run(path, "--out", tmp_path / "out", "--tile", 128, "--max-pixels", 1000) == 0
    (image,) = report_of(tmp_path / "out")["images"]
    whole = tiny.parse(image_HWC, tile=128)
    with Image.open(tmp_path / "out" / image["files"]["labels"]) as picture:
        assert picture.format == "TIFF" and np.array_equal(np.asarray(picture), whole.semantic)
    assert (image["width"], image["height"]) == (410, 300)
    assert [(one["name"], one["area_pixels"], tuple(one["box_xyxy"])) for one in image["segments"]] == [
        (segment.name, segment.area_pixels, segment.box_xyxy) for segment in whole.segments
    ]
    assert "a.tif" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert Image.open(tmp_path / "out" / image["files"]["overlay"]).size == (410, 300)


def test_the_overview_of_a_large_picture_is_reduced(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mereo.drawing.large_parse_files.MAX_OVERLAY_SIDE", 100)
    image_HWC = random_image(330, 217)
    path = draw_tiff(tmp_path / "a.tif", image_HWC)
    assert run(path, "--out", tmp_path / "out", "--tile", 128, "--max-pixels", 1000) == 0
    (image,) = report_of(tmp_path / "out")["images"]
    with Image.open(tmp_path / "out" / image["files"]["photograph"]) as picture:
        assert picture.size == (55, 83)  # A fourth, rounded up.
        expected = np.asarray(Image.fromarray(image_HWC).reduce(4)).astype(int)
        assert np.abs(np.asarray(picture).astype(int) - expected).mean() < 6  # JPEG.


def test_small_pictures_are_parsed_in_tiles_too(tiny: Any, tmp_path: Path) -> None:
    image_HWC = random_image(200, 300)
    Image.fromarray(image_HWC).save(tmp_path / "a.png")
    assert run(tmp_path / "a.png", "--out", tmp_path / "out", "--tile", "96") == 0
    (image,) = report_of(tmp_path / "out")["images"]
    with Image.open(tmp_path / "out" / image["files"]["labels"]) as picture:
        assert np.array_equal(np.asarray(picture), tiny.parse(image_HWC, tile=96).semantic)


@pytest.mark.parametrize("tile", ["0", "63", "large", "-1", "1.5"])
def test_wrong_tiles(tile: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(tmp_path / "a.png", "--out", tmp_path / "out", f"--tile={tile}") == 2
    assert capsys.readouterr().err.startswith("mereo: --tile must be a number of pixels from 64 up or auto, but got")


def test_a_bad_tiff_in_bands_is_skipped_and_leaves_nothing(
    tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = draw_tiff(tmp_path / "bad.tif", random_image(300, 300))
    path.write_bytes(path.read_bytes()[:-3000])
    Image.fromarray(random_image(20, 20)).save(tmp_path / "good.png")
    assert run(tmp_path, "--out", tmp_path / "out", "--tile", 64, "--max-pixels", 1000) == 4
    (skipped,) = report_of(tmp_path / "out")["skipped"]
    assert "a TIFF must be complete" in skipped["reason"]
    assert [path.name for path in (tmp_path / "out" / "labels").iterdir()] == ["good.png"]


def test_unsure_pixels_are_hatched_and_written(tiny: Any, tmp_path: Path) -> None:
    image_HWC = random_image(200, 300)
    draw_tiff(tmp_path / "a.tif", image_HWC)
    Image.fromarray(image_HWC).save(tmp_path / "b.png")
    answer = tiny.parse(image_HWC, tile=128, with_confidence=True)
    threshold = round(float(np.median(answer.confidence)), 3)
    unsure_HW = answer.unsure(threshold)
    assert 0.1 < unsure_HW.mean() < 0.9
    options = ["--tile", 128, "--unsure", threshold]
    assert run(tmp_path / "a.tif", "--out", tmp_path / "bands", *options, "--max-pixels", 1000) == 0
    assert run(tmp_path / "b.png", "--out", tmp_path / "whole", *options) == 0
    (of_bands,), (of_whole,) = report_of(tmp_path / "bands")["images"], report_of(tmp_path / "whole")["images"]
    assert of_bands["unsure"] == {"below": threshold, "share": round(float(unsure_HW.mean()), 6)}
    assert of_whole["unsure"] == {"mask": "unsure/b.png", **of_bands["unsure"]}
    with Image.open(tmp_path / "whole" / "unsure" / "b.png") as mask:
        assert np.array_equal(np.asarray(mask), unsure_HW)
    assert run(tmp_path / "b.png", "--out", tmp_path / "other", "--unsure", "1.5") == 2


def test_on_bad_stop_ends_at_the_first_bad_image_and_keeps_what_is_done(
    tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    Image.fromarray(random_image(20, 20)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    Image.fromarray(random_image(20, 20)).save(tmp_path / "c.png")
    assert run(tmp_path, "--out", tmp_path / "out", "--on-bad", "stop") == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and "b.png" in err and "--on-bad stop" in err
    report = report_of(tmp_path / "out")
    assert not report["is_finished"] and [Path(one["image"]).name for one in report["images"]] == ["a.png"]
    assert run(tmp_path / "a.png", tmp_path / "gone.png", "--out", tmp_path / "other", "--on-bad", "stop") == 2
    assert not (tmp_path / "other").exists()
    assert run(tmp_path, "--out", tmp_path / "out", "--on-bad", "skip") == 4


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss has other units elsewhere")
def test_memory_does_not_grow_with_the_height_of_a_tiff(tmp_path: Path) -> None:
    save_parser(tiny_parser(), tmp_path / "tiny.safetensors")
    peaks = []
    for height in (1000, 9000):
        path = draw_tiff(tmp_path / f"{height}.tif", np.zeros((height, 1200, 3), dtype=np.uint8))
        arguments = [str(path), "--out", str(tmp_path / f"out{height}"), "--tile", "256", "--max-pixels", "1000"]
        arguments += ["--parser", str(tmp_path / "tiny.safetensors")]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "parse", *arguments], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout.splitlines()[-1]))
    # The higher picture has 10 million pixels more; the overview alone grows to 4096 rows.
    assert peaks[1] - peaks[0] <= 60, peaks
