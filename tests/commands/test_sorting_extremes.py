"""Pictures without a thing, of hundreds of tiny things, of one segment: parsed, explained and indexed all the same."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_divided_things import joint_parser
from tiny_parser import random_image, taxonomy_of
from tiny_sorting_parser import tiny_sorting_parser

from mereo.commands.main import run
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser

SIZE = (384, 512)
SKY, ROAD, CAR = range(3)


def that_says(index: int, **changes: object) -> SceneParser:
    """A parser whose segments are all of one class."""
    parser = tiny_sorting_parser(**changes)
    with torch.no_grad():
        parser.heads[0].classify[-1].weight.zero_()
        parser.heads[0].classify[-1].bias.copy_(5.0 * (torch.arange(3) == index))
    return parser


def extreme(kind: str) -> SceneParser:
    """With what it has to give: number of segments, of things in the answer."""
    return {
        "no thing": lambda: that_says(ROAD),
        "no thing with seeds": lambda: that_says(ROAD, centers={"lowest_score": 0.0}),
        "things without a seed": lambda: that_says(CAR, centers={"lowest_score": 0.999999}),
        "300 tiny things": lambda: that_says(CAR, grid=[20, 20], split_below=0.0, merge_from=1.1),
        "one thing of 300 segments": lambda: that_says(CAR, grid=[20, 20], split_below=0.0, merge_from=-1.0),
        "one segment of stuff": lambda: that_says(SKY, grid=[1, 1], split_below=0.0),
        "one segment of a thing": lambda: that_says(CAR, grid=[1, 1], split_below=0.0),
        "no class is a thing": lambda: tiny_sorting_parser(taxonomy=taxonomy_of("sky", "road", "grass")),
    }[kind]()


KINDS = (
    "no thing",
    "no thing with seeds",
    "things without a seed",
    "300 tiny things",
    "one thing of 300 segments",
    "one segment of stuff",
    "one segment of a thing",
    "no class is a thing",
)


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    save_parser(extreme(request.param), tmp_path / "parser.safetensors")
    (tmp_path / "in").mkdir()
    Image.fromarray(random_image(*SIZE, seed=4)).save(tmp_path / "in" / "a.png")
    return request.param, tmp_path


def things_of(kind: str, folder: Path) -> int:
    """Parsed by the command; the instances that its report lists."""
    line = [
        "parse",
        str(folder / "in"),
        "--parser",
        str(folder / "parser.safetensors"),
        "--out",
        str(folder / "parsed"),
    ]
    assert run(line) == 0
    report = json.loads((folder / "parsed" / "report.json").read_text())
    return len({one.get("instance_id", 0) for one in report["images"][0]["segments"]} - {0})


@pytest.mark.slow
def test_parse_explain_and_index(made: tuple[str, Path], capsys: pytest.CaptureFixture) -> None:
    kind, folder = made
    things = things_of(kind, folder)
    line = ["explain", str(folder / "in" / "a.png"), "--segments", "--parser", str(folder / "parser.safetensors")]
    assert run([*line, "--out", str(folder / "why"), "--at", "511,383"]) == 0
    printed = capsys.readouterr().out
    content = json.loads((folder / "why" / "explanation.json").read_text())
    segments, merges = len(content["segments"]), len(content["merges"])
    assert sorted(number for one in content["answer"] for number in one["segments"]) == [*range(1, segments + 1)]
    # A group may be too small to have a pixel of the photograph, so the parse may have fewer of them.
    of_things = [one for one in content["answer"] if one["instance_id"]]
    assert 0 <= len(of_things) - things <= len(of_things) // 20
    page = (folder / "why" / "index.html").read_text(encoding="utf-8")
    assert "NaN" not in page and "Infinity" not in page
    if kind.startswith("no ") or kind == "things without a seed":
        assert (things, merges) == (0, 0) and f"{segments} segments" in printed
        said = "No seed lies on a thing" if kind == "things without a seed" else "No segment is of a thing"
        assert said in printed and said in page
    elif kind == "300 tiny things":
        assert things >= 300 and merges == 0 and content["refused"]["cosine"] <= 1
        assert "Merging stopped at the threshold 1.1:" in printed
    elif kind == "one thing of 300 segments":
        assert things == 1 and merges == segments - 1 >= 299 and content["refused"] is None
        assert "Merging ended because no class had two groups left" in printed
        assert len(list((folder / "why").glob("merging_*"))) == 6
    else:
        assert segments == 1 and merges == 0 and things == (kind == "one segment of a thing")
        assert "1 segment, " in printed and len(list((folder / "why").glob("merging_*"))) == 2
    assert np.asarray(Image.open(folder / "why" / "segments.png")).max() == segments


@pytest.mark.slow
def test_the_index_holds_each_of_them(made: tuple[str, Path], capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("lancedb", reason="the extra index is not installed")
    kind, folder = made
    things = things_of(kind, folder)
    index = ["--parser", str(folder / "parser.safetensors"), "--out", str(folder / "index")]
    assert run(["index", "build", str(folder / "in"), *index]) == 0
    capsys.readouterr()
    line = ["index", "find", str(folder / "index"), str(folder / "in" / "a.png"), "--at", "256,192", "--json"]
    assert run([*line, "--top", "1000"]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    if kind == "300 tiny things":
        assert len(found) >= 0.9 * things >= 270 and {one["class"] for one in found} == {"car"}
    elif kind.startswith("one"):
        assert len(found) == 1
    else:
        assert 1 <= len(found) <= 3


@pytest.mark.slow
def test_where_another_head_says_the_classes(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save_parser(joint_parser(merge_from=0.5), tmp_path / "parser.safetensors")
    Image.fromarray(random_image(96, 128, seed=4)).save(tmp_path / "a.png")
    line = ["explain", str(tmp_path / "a.png"), "--segments", "--parser", str(tmp_path / "parser.safetensors")]
    assert run([*line, "--out", str(tmp_path / "why"), "--at", "127,95"]) == 0
    assert "At 127,95: Segment " in capsys.readouterr().out
    content = json.loads((tmp_path / "why" / "explanation.json").read_text())
    segments = content["segments"]
    for one in content["answer"]:
        assert {segments[number - 1]["class"] for number in one["segments"]} == {one["class"]}
    assert np.asarray(Image.open(tmp_path / "why" / "segments.png")).max() == len(segments)
    assert (tmp_path / "why" / "index.html").is_file()
