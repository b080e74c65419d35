"""An index whose builds are killed again and again ends with the rows of one that nobody disturbed, and can be read and
searched at any moment in between."""

import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from warm_process import WarmProcess

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "retrieval"))
from tiny_index import content_of, photographs, save_photograph
from tiny_parser import tiny_parser

from mereo.parser.weights import save_parser
from mereo.retrieval.segment_index import is_index

pytestmark = pytest.mark.slow
pytest.importorskip("lancedb", reason="the extra index is not installed")

NUM_PHOTOGRAPHS, NUM_KILLS = 14, 4
# Few photographs a commit, so that a kill has commits to hit.
SMALL_COMMITS = """
from mereo.retrieval import index_building
index_building.IMAGES_BETWEEN_COMMITS = 2
index_building.COMMITS_BETWEEN_TIDYING = 3
"""
# Dies some milliseconds after the n-th change of the table began: while LanceDB writes files, or just after.
DIE_IN_COMMIT = (
    SMALL_COMMITS
    + """
import os, threading, time
from mereo.retrieval.segment_index import SegmentIndex
calls = []
def dying(method):
    def change(*arguments, **options):
        calls.append(1)
        if len(calls) == {n}:
            threading.Thread(target=lambda: (time.sleep({delay}), os.kill(os.getpid(), 9)), daemon=True).start()
        return method(*arguments, **options)
    return change
for name in ("put", "store_under", "drop", "tidy"):
    setattr(SegmentIndex, name, dying(getattr(SegmentIndex, name)))
create = SegmentIndex.create.__func__
SegmentIndex.create = classmethod(dying(create))
"""
)


def whole_images(content: dict[str, list[Any]]) -> dict[tuple[str, str], int]:
    """How many rows each version of an image has."""
    versions = list(zip(content["image"], content["content_hash"]))
    return {one: versions.count(one) for one in set(versions)}


def kill_until_done(warm: WarmProcess, command: list[object], index: Path, allowed: dict[Any, int], seed: int) -> None:
    chance, kills = random.Random(seed), 0
    while True:
        is_last = kills == NUM_KILLS
        is_by_clock = not is_last and chance.random() < 0.3
        delay = chance.choice([0, 0.001, 0.003, 0.01])
        dying = DIE_IN_COMMIT.format(n=chance.randint(1, 5), delay=delay)
        child = warm.start(*command, setup=SMALL_COMMITS if is_by_clock or is_last else dying)
        if is_by_clock:
            time.sleep(chance.uniform(0.3, 1.5))
            if child.is_running():
                child.kill(9)
        code = child.wait(timeout=200)
        if is_index(index):
            found = whole_images(content_of(index))
            # Every photograph is there with all its rows or not at all, and in one version alone.
            assert all(allowed[version] == count for version, count in found.items())
            assert len({image for image, _ in found}) == len(found)
        if code == 0:
            return
        assert code == -9, child.errors()
        kills += 1


def test_killed_builds_end_as_an_unbroken_one(warm: WarmProcess, tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", NUM_PHOTOGRAPHS)
    parser = save_parser(tiny_parser(), tmp_path / "tiny.safetensors")

    def command(index: str) -> list[object]:
        return ["index", "build", tmp_path / "in", "--parser", parser, "--out", tmp_path / index, "--prune"]

    child = warm.run(*command("whole"), timeout=200)
    assert child.code == 0, child.errors()
    whole = content_of(tmp_path / "whole")
    allowed = whole_images(whole)
    kill_until_done(warm, command("killed"), tmp_path / "killed", allowed, seed=1)
    assert content_of(tmp_path / "killed") == whole

    # Some change, some take another name, some go, some come: the same again over an index that has rows.
    for path in paths[:4]:
        save_photograph(path, 1000 + int(path.stem))
    for path in paths[4:8]:
        path.rename(path.with_name(f"renamed {path.name}"))
    for path in paths[8:12]:
        path.unlink()
    save_photograph(tmp_path / "in" / "new.png", 5000)
    child = warm.run(*command("whole"), timeout=200)
    assert child.code == 0, child.errors()
    changed = content_of(tmp_path / "whole")
    assert changed != whole and len(set(changed["image"])) == NUM_PHOTOGRAPHS - 3
    kill_until_done(warm, command("killed"), tmp_path / "killed", allowed | whole_images(changed), seed=2)
    assert content_of(tmp_path / "killed") == changed


def test_a_second_writer_is_refused_and_harms_nothing(warm: WarmProcess, tmp_path: Path) -> None:
    photographs(tmp_path / "in", 2)
    parser = save_parser(tiny_parser(), tmp_path / "tiny.safetensors")
    command = ["index", "build", tmp_path / "in", "--parser", parser, "--out", tmp_path / "index"]
    waiting = f"""
import pathlib, time
from mereo.retrieval.parse_segments import ParseSegments
call = ParseSegments.__call__
def wait(self, *arguments, **options):
    pathlib.Path({str(tmp_path)!r}, "here").touch()
    while not pathlib.Path({str(tmp_path)!r}, "go").exists():
        time.sleep(0.01)
    return call(self, *arguments, **options)
ParseSegments.__call__ = wait
"""
    first = warm.start(*command, setup=waiting)
    first.wait_until((tmp_path / "here").exists)
    second = warm.run(*command)
    (line,) = second.errors()
    assert second.code == 2 and "an index must have one process that writes into it, but got a second one" in line
    (tmp_path / "go").touch()
    assert first.wait() == 0, first.errors()
    assert not (tmp_path / "index" / "index.lock").exists()
