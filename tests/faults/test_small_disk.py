"""A real disk that is really full: a file system of a few megabytes in memory. Mounting one needs an administrator."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from killed_runs import contents, require_readable
from PIL import Image
from small_run import small_recipe, write_recipe
from warm_process import WarmProcess

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "retrieval"))
from tiny_index import content_of, photographs
from tiny_parser import tiny_parser

from mereo.parser.weights import save_parser
from mereo.retrieval.segment_index import is_index

pytestmark = pytest.mark.slow

NO_COMMIT = "from mereo.recipe import run_facts\nrun_facts.commit_of_source = lambda: ''\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes (or resizes) a disk of so many kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def sized(kilobytes: int) -> Path:
        options = f"{'remount,' if folder.is_mount() else ''}size={kilobytes}k"
        try:
            command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            pytest.skip(f"no small disk can be mounted here: {error}")
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
        return folder

    yield sized
    if folder.is_mount():
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_training_on_a_full_disk_ends_in_a_line_and_goes_on_when_there_is_space(
    warm: WarmProcess, tmp_path: Path, disk: Callable[[int], Path], caplog: pytest.LogCaptureFixture
) -> None:
    """At four sizes: it is full at the first checkpoint, at a later one, at a parser file at the end, or between."""
    recipe = write_recipe(tmp_path, small_recipe(steps=8, checkpoint_every=2, evaluate_every=4))
    whole = warm.run("train", recipe, "--out", tmp_path / "whole", setup=NO_COMMIT)
    assert whole.code == 0, whole.errors()
    sizes = [file.stat().st_size for file in (tmp_path / "whole").rglob("*") if file.is_file()]
    total, checkpoint = sum(sizes), max(sizes)
    fullnesses = (checkpoint // 2, 2 * checkpoint, total - checkpoint, total - 2000)
    for number, num_bytes in enumerate(fullnesses):
        run = disk(max(4, num_bytes // 1024)) / f"run{number}"
        child = warm.run("train", recipe, "--out", run, setup=NO_COMMIT)
        assert child.code == 3, (number, child.code, child.errors())
        (line,) = child.errors()
        assert "No space left on device" in line and line.startswith("mereo: "), line
        require_readable(run, caplog)
        assert not [path for path in run.rglob(".*.tmp") if path.is_file() and path.parent == run]
        disk(64_000)
        child = warm.run("train", recipe, "--out", run, "--resume", setup=NO_COMMIT)
        assert child.code == 0, child.errors()
        assert contents(run) == contents(tmp_path / "whole")
        subprocess.run(["rm", "-r", str(run)], check=True)


def test_parsing_onto_a_full_disk_ends_in_a_line_and_leaves_no_half_file(
    warm: WarmProcess, tmp_path: Path, disk: Callable[[int], Path]
) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(3):
        noise_HW3 = random.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(noise_HW3).save(tmp_path / "photos" / f"{number}.png")
    whole = warm.run("parse", tmp_path / "photos", "--out", tmp_path / "whole")
    assert whole.code == 0, whole.errors()
    total = sum(file.stat().st_size for file in (tmp_path / "whole").rglob("*") if file.is_file())
    for share in (0.1, 0.5, 0.9):
        out = disk(max(4, int(share * total / 1024))) / f"{share}"
        child = warm.run("parse", tmp_path / "photos", "--out", out)
        assert child.code == 3, (share, child.code, child.errors())
        (line,) = [line for line in child.errors() if line.startswith("mereo: ")]  # Beside the parser's terms of use.
        assert "No space left on device" in line, line
        for path in out.rglob("*"):
            assert not path.name.endswith(".tmp")
            if path.suffix in (".png", ".jpg"):
                Image.open(path).load()  # Whole.
        disk(64_000)
        child = warm.run("parse", tmp_path / "photos", "--out", out)
        assert child.code == 0, child.errors()
        subprocess.run(["rm", "-r", str(out)], check=True)


def test_indexing_onto_a_full_disk_ends_in_a_line_and_goes_on_when_there_is_space(
    warm: WarmProcess, tmp_path: Path, disk: Callable[[int], Path]
) -> None:
    pytest.importorskip("lancedb", reason="the extra index is not installed")
    photographs(tmp_path / "in", 12)
    parser = save_parser(tiny_parser(), tmp_path / "tiny.safetensors")
    small_commits = "from mereo.retrieval import index_building\nindex_building.IMAGES_BETWEEN_COMMITS = 3\n"
    command = ["index", "build", tmp_path / "in", "--parser", parser, "--out"]
    whole = warm.run(*command, tmp_path / "whole", setup=small_commits)
    assert whole.code == 0, whole.errors()
    total = sum(file.stat().st_size for file in (tmp_path / "whole").rglob("*") if file.is_file())
    for share in (0.1, 0.5):
        index = disk(max(8, int(share * total / 1024))) / "index"
        child = warm.run(*command, index, setup=small_commits)
        assert child.code == 3, (share, child.code, child.errors())
        (line,) = child.errors()
        assert "No space left on device" in line and line.startswith("mereo: an index must be readable"), line
        if is_index(index):
            assert set(content_of(index)["image"]) <= set(content_of(tmp_path / "whole")["image"])
        disk(64_000)
        child = warm.run(*command, index, setup=small_commits)
        assert child.code == 0, child.errors()
        assert content_of(index) == content_of(tmp_path / "whole")
        subprocess.run(["rm", "-r", str(index)], check=True)
