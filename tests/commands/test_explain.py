"""`mereo explain` as a user meets it."""

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "interaction"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_affinity_explanation import IMAGE_HWC, affinity_parser
from test_token_explanation import CONCEPTS, NODES, token_parser
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import TAXONOMY, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.commands.main import run
from mereo.interaction.affinity_explanation import explain_affinity
from mereo.parser.weights import save_parser


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.fromarray(IMAGE_HWC).save(tmp_path / "photo.png")
    save_parser(affinity_parser(), tmp_path / "affinity.safetensors")
    return tmp_path / "photo.png"


def test_pictures_page_and_numbers(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser, out = str(tmp_path / "affinity.safetensors"), tmp_path / "out"
    assert run(["explain", str(image), "--affinity", "--parser", parser, "--at", "3,4", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "changed: " in printed and "of the coarse answer" in printed and "suppressed by" in printed
    assert printed.splitlines()[-1] == str(out / "index.html")
    content = json.loads((out / "explanation.json").read_text())
    assert {"class", "share", "support", "suppression"} == set(content["regions"][0])
    asked = explain_affinity(affinity_parser(), IMAGE_HWC)
    assert content["point"] == {"at": [3, 4], "class": TAXONOMY.object_names[asked.coarse_HW[4, 3]]}
    assert content["point"]["class"] == printed.splitlines()[1].split(" (")[0]
    assert {path.name.split(".")[0] for path in out.iterdir()} == {
        "index",
        "coarse",
        "refined",
        "changed",
        "explanation",
    }
    assert run(["explain", str(image), "--affinity", "--parser", parser, "--out", str(out)]) == 0
    assert "point" not in json.loads((out / "explanation.json").read_text())


@pytest.mark.slow
def test_the_recipe_that_needs_no_data_trains_what_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """A few steps of recipes/drawn_affinity.yaml, on small scenes, and a picture that the package draws."""
    recipe = Path(__file__).parents[2] / "recipes" / "drawn_affinity.yaml"
    small = ("train_data.count=6", "train_data.size=[48,64]", "val_data=", "augmentation.crop=[32,48]")
    steps = ("training.steps=3", "training.batch_size=2", "training.schedule.warmup_steps=1")
    assert run(["train", str(recipe), *small, *steps, "--out", str(tmp_path / "run")]) == 0
    draw = ["data", "draw", str(tmp_path / "scenes"), "--count", "1", "--val", "0", "--size", "64x48"]
    assert run(draw) == 0
    (image,) = (tmp_path / "scenes" / "train" / "images").iterdir()
    line = ["explain", str(image), "--affinity", "--parser", str(tmp_path / "run"), "--at", "5,40"]
    capsys.readouterr()
    assert run([*line, "--out", str(tmp_path / "out")]) == 0
    assert "of the coarse answer" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "explanation.json").read_text())["point"]["at"] == [5, 40]


def test_tokens_of_a_picture(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser, out = tmp_path / "tokens.safetensors", tmp_path / "out"
    save_parser(token_parser(), parser)
    line = ["explain", str(image), "--tokens", "--parser", str(parser), "--out", str(out)]
    assert run([*line, "--at", "3,4"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "6 tokens, those that look at 3,4 most first" and printed[-1] == str(out / "index.html")
    content = json.loads((out / "explanation.json").read_text())
    assert {"token", "mass", "centre", "entropy", "classes"} == set(content["tokens"][0])
    assert sum(one["mass"] for one in content["tokens"]) == pytest.approx(1, abs=1e-4)
    stems = {path.name.split(".")[0] for path in out.iterdir()}
    assert stems == {"index", "photograph", "parse", "tokens", "matching", "explanation"}
    assert len(list((out / "tokens").iterdir())) == 6
    assert run(line) == 0 and "6 tokens, the heaviest first" in capsys.readouterr().out


def test_a_page_of_nodes_behind_concepts(image: Path, tmp_path: Path) -> None:
    """The cards are nodes; what shows the components are concepts, and the page tells them apart."""
    parser, out = tmp_path / "tokens.safetensors", tmp_path / "out"
    save_parser(token_parser(CONCEPTS, NODES | {"num_nodes": 4}), parser)
    assert run(["explain", str(image), "--tokens", "--parser", str(parser), "--out", str(out)]) == 0
    assert len(list((out / "tokens").iterdir())) == 4 and list(out.glob("matching.*"))
    assert "Concepts are those of concept_tokens" in (out / "index.html").read_text()


def test_levels_of_a_picture(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser, out = tmp_path / "levels.safetensors", tmp_path / "out"
    save_parser(tiny_pyramid_parser(), parser)
    line = ["explain", str(image), "--levels", "--parser", str(parser), "--out", str(out)]
    assert run([*line, "--at", "3,4"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "cells speak (" in printed[0] and len(printed) == 6 and printed[-1] == str(out / "index.html")
    assert [one.split(":")[0] for one in printed[1:5]] == ["32 px", "16 px", "8 px", "4 px"]
    content = json.loads((out / "explanation.json").read_text())
    assert {"cell_size", "grid", "cells_that_speak", "cells_done_by_coarser", "share"} == set(content["levels"][0])
    assert sum(one["share"] for one in content["levels"]) == pytest.approx(1, abs=1e-5)
    assert content["point"]["at"] == [3, 4]
    assert [one["state"] for one in content["point"]["cells"]].count("speaks") == 1
    stems = {path.name.split(".")[0] for path in out.iterdir()}
    of_levels = {f"semantic_{level}" for level in range(4)} | {f"unity_{level}" for level in range(3)}
    assert stems == {"index", "photograph", "answer", "levels", "explanation"} | of_levels
    assert run(line) == 0 and "point" not in json.loads((out / "explanation.json").read_text())
    assert run([*line, "--at", "300,4"]) == 2


def test_segments_of_a_picture(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser, out = tmp_path / "sorting.safetensors", tmp_path / "out"
    save_parser(tiny_sorting_parser(), parser)
    line = ["explain", str(image), "--segments", "--parser", str(parser), "--out", str(out)]
    assert run([*line, "--at", "3,4"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert " segments, " in printed[0] and " merge" in printed[0] and printed[1].startswith("Merging ")
    assert printed[2].startswith("At 3,4: Segment ") and printed[-1] == str(out / "index.html")
    content = json.loads((out / "explanation.json").read_text())
    assert {"segment", "class", "probability", "share", "concentration", "is_thing"} == set(content["segments"][0])
    assert sum(one["share"] for one in content["segments"]) == pytest.approx(1, abs=1e-4)
    assert content["threshold"] == 0.7 and all(one["cosine"] >= 0.7 for one in content["merges"])
    assert content["refused"] is None or content["refused"]["cosine"] < 0.7
    point = content["point"]
    assert point["at"] == [3, 4] and point["segment"] in content["answer"][point["answer"]]["segments"]
    joined = {number for one in point["joined"] for number in one["segments"]}
    assert len(point["joined"]) == len(printed) - 4 and joined <= set(content["answer"][point["answer"]]["segments"])
    stems = {path.name.split(".")[0] for path in out.iterdir()}
    whole = {"index", "photograph", "embedding", "over_segmentation", "answer", "segments", "explanation"}
    assert whole < stems and all(stem.startswith("merging_") for stem in stems - whole) and len(stems - whole) <= 6
    assert run(line) == 0 and "point" not in json.loads((out / "explanation.json").read_text())
    assert run([*line, "--at", "300,4"]) == 2 and "a point must lie in the picture" in capsys.readouterr().err
    save_parser(tiny_sorting_parser(centers={"lowest_score": 0.0}), parser)
    assert run(line) == 0 and "there is no threshold" in capsys.readouterr().out
    content = json.loads((out / "explanation.json").read_text())
    assert content["threshold"] is None and any(one["is_seed"] for one in content["segments"])


def test_why_a_class(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser, out = tmp_path / "grouping.safetensors", tmp_path / "out"
    save_parser(tiny_grouping_parser(), parser)
    line = ["explain", str(image), "--why", "object=road", "--parser", str(parser), "--out", str(out)]
    assert run([*line, "--at", "3,4"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("road is ") and "(object)" in printed[0] and printed[-1] == str(out / "index.html")
    assert [one.split(":")[0] for one in printed[1:-1]] == [f"level {level}" for level in (1, 2, 3, 4)]
    assert all("; at 3,4 " in one for one in printed[1:-1])
    content = json.loads((out / "explanation.json").read_text())
    assert (content["task"], content["class"]) == ("object", "road") and 0 <= content["share"] <= 1
    assert [one["level"] for one in content["levels"]] == [1, 2, 3, 4]
    assert all(one["largest_heat"] >= one["mean_heat"] >= 0 for one in content["levels"])
    for one, line_of_level in zip(content["levels"], printed[1:-1], strict=True):
        assert one["tells_apart"] == ("at least half as hot as the hottest" in line_of_level)
        assert line_of_level.split("; at")[0].split(": ", 1)[1] in (out / "index.html").read_text(encoding="utf-8")
    assert content["point"]["at"] == [3, 4] and all(0 <= heat <= 1 for heat in content["point"]["heat"])
    stems = {path.name.split(".")[0] for path in out.iterdir()}
    assert stems == {"index", "photograph", "answer", "explanation", *(f"heat_{level}" for level in (1, 2, 3, 4))}
    assert run(line) == 0 and "point" not in json.loads((out / "explanation.json").read_text())


def test_questions_that_cannot_be_asked(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    parser, out = tmp_path / "grouping.safetensors", tmp_path / "out"
    save_parser(tiny_grouping_parser(), parser)
    for question, words in (
        ("", "a question must be TASK=CLASS, but got ''; e.g. object=road."),
        ("object=rood", "but got 'rood'; did you mean 'road'?"),
        ("objects=road", "but got 'objects'; did you mean 'object'?"),
        ("scene=street", "one that the parser's taxonomy has, but got 'scene'; ask about object."),
    ):
        assert run(["explain", str(image), "--why", question, "--parser", str(parser), "--out", str(out)]) == 2
        assert words in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--why", "object=road"], "a parser must have the stage deep_grouping on its path to group a photograph"),
        ([], "explain must know what to explain, but got no view; give --affinity, --tokens, --levels, --segments"),
        (["--affinity", "--tokens"], "explain must know what to explain, but got 2 views; give"),
        (["--levels"], "a parser must have a pyramid of levels to explain them, but got one without; train one"),
        (["--segments"], "a parser must sort segments to explain them, but got one without"),
        (["--tokens"], "a parser must gather tokens to explain them, but got one without; train e.g."),
        (["--affinity", "--at", "3"], "--at must be two whole numbers X,Y, but got '3'; e.g. 120,80."),
        (["--affinity", "--at", "3,-4"], "--at must be two whole numbers X,Y"),
        (["--affinity", "--at", "3,4000"], "a point must lie in the picture of 83x61"),
        (["--affinity", "--max-pixels", "10"], "pixels"),
    ],
)
def test_bad_arguments(
    options: list[str], words: str, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    line = ["explain", str(image), "--parser", str(tmp_path / "affinity.safetensors"), "--out", str(tmp_path / "out")]
    assert run([*line, *options]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and words in errors[0]
    assert not (tmp_path / "out").exists()


def test_other_failures(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save_parser(tiny_parser(), tmp_path / "plain.safetensors")
    assert run(["explain", str(image), "--affinity", "--parser", str(tmp_path / "plain.safetensors")]) == 2
    told = capsys.readouterr().err
    assert "a parser must have a class_affinity stage" in told and "train e.g. recipes/drawn_affinity.yaml" in told
    assert run(["explain", str(image), "--affinity", "--out", str(image)]) == 2
    assert "--out must be a folder, but got a file" in capsys.readouterr().err
    assert run(["explain", str(tmp_path / "absent.jpg"), "--affinity"]) == 2
