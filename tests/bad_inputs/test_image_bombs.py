"""Decompression bombs: what asks for much is refused by its header, and no bomb costs memory."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_bombs import BOMBS, HARMLESS
from PIL import Image

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
SCRIPT = Path(__file__).with_name("memory_of_reading.py")
MOST_MEBIBYTES = 24


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Every bomb is read by one process, which lives on."""
    folder = tmp_path_factory.mktemp("bombs")
    Image.new("RGB", (9, 9)).save(folder / "first", "TIFF", compression="tiff_lzw")
    names = {**{name: make() for name, (make, _) in BOMBS.items()}, **{name: make() for name, make in HARMLESS.items()}}
    for name, content in names.items():
        (folder / name).write_bytes(content)
    process = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / "first"), *(str(folder / name) for name in names)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0 and process.stderr == "", process.stderr
    return {line["name"]: line for line in map(json.loads, process.stdout.splitlines())}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_for_little_memory(name: str, outcomes: dict[str, dict]) -> None:
    assert re.match(f"(BadInput|TooManyPixels): {BOMBS[name][1]}", outcomes[name]["outcome"]), outcomes[name]
    assert outcomes[name]["mebibytes"] < MOST_MEBIBYTES


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_a_bomb_is_read_for_little_memory(name: str, outcomes: dict[str, dict]) -> None:
    assert outcomes[name]["outcome"].startswith("read "), outcomes[name]
    assert outcomes[name]["mebibytes"] < MOST_MEBIBYTES


def test_small_bombs_are_small() -> None:
    assert max(len(make()) for make, _ in BOMBS.values()) < 500_000


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "F"])
def test_reading_holds_the_picture_and_the_result_and_little_else(mode: str, tmp_path: Path) -> None:
    """4 bytes a pixel in Pillow, 3 in the result; a copy more of either would be seen."""
    side = 2500
    suffix = "tif" if mode == "F" else "png"
    Image.new("RGB", (9, 9)).save(tmp_path / f"first.{suffix}")
    values = np.zeros((side, side), np.float32) if mode == "F" else np.zeros((side, side, 3), np.uint8)
    picture = Image.fromarray(values) if mode == "F" else Image.fromarray(values).convert(mode)
    options = {"transparency": 0} if mode == "P" else {"compress_level": 1} if suffix == "png" else {}
    picture.save(tmp_path / f"large.{suffix}", **options)
    files = [str(tmp_path / f"{name}.{suffix}") for name in ("first", "large")]
    process = subprocess.run([sys.executable, str(SCRIPT), *files], capture_output=True, text=True, check=True)
    line = json.loads(process.stdout)
    assert line["outcome"] == f"read ({side}, {side}, 3)"
    assert line["mebibytes"] < side * side * 7 / 2**20 + 30
