import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mereo.commands.data_check import check, share_in_words
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
DESCRIPTION = """
name: tiny
taxonomy: {objects: [sky, "[road]", {name: car, ids: [7]}], ignored_ids: [254, 255], scenes: [town, field]}
images: "{split}/images"
semantic: "{split}/labels"
scenes: scenes.csv
"""


def run(*arguments):
    app = typer.Typer()
    app.command()(check)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(root: Path, split: str, stem: str, values) -> None:
    for folder in ("images", "labels"):
        (root / split / folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(root / split / "images" / f"{stem}.png")
    Image.fromarray(np.array(values, dtype=np.uint8)).save(root / split / "labels" / f"{stem}.png")


@pytest.fixture
def tiny(tmp_path):
    root = tmp_path / "tiny"
    write(root, "train", "a", [[0, 0], [1, 255]])
    write(root, "train", "b", [[0, 1], [1, 254]])
    write(root, "val", "c", [[7, 7], [7, 7]])
    (root / "mereo.yaml").write_text(DESCRIPTION)
    (root / "scenes.csv").write_text("image,scene\na,town\nb,town\nc,field\n")
    return root


def test_the_table_shows_ids_classes_shares_and_what_is_missing(tiny):
    result = run(tiny)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert ["train:", "2", "images,", "2x2", "(2)"] in lines
    assert ["0", "sky", "37.50", "%", "-"] in lines and ["1", "[road]", "37.50", "%", "-"] in lines
    assert ["7", "car", "-", "100.00", "%"] in lines
    assert ["255", "(ignored)", "12.50", "%", "-"] in lines
    assert ["(ignored", "in", "all)", "25.00", "%", "-"] in lines
    assert ["town", "2", "-"] in lines and ["field", "-", "1"] in lines
    assert "1 of 3 objects have no pixel in train: car" in result.stdout
    assert "No problems found." in result.stdout


def test_joined_sources_with_other_ids_have_tables_of_their_own(tiny, tmp_path):
    write(tmp_path / "more", "train", "d", [[3, 3], [4, 4]])
    classes = "{objects: [sky, '[road]', {name: car, ids: [7]}], ignored_ids: [254, 255], scenes: [town, field]}"
    (tmp_path / "more" / "mereo.yaml").write_text(
        f"name: more\ntaxonomy: {classes}\nimages: '{{split}}/images'\nsemantic: '{{split}}/labels'\n"
        "tables: {semantic: {ids: {car: [3]}, ignored: [4]}}\n"
    )
    both = "a: {format: folder, root: tiny}, b: {format: folder, root: more}"
    (tmp_path / "recipe.yaml").write_text(f"train_data: {{format: joined, sources: {{{both}}}}}\n")
    result = run(tmp_path / "recipe.yaml")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0, result.stdout
    assert ["id", "class", "train/a"] in lines and ["id", "class", "train/b"] in lines
    assert ["0", "sky", "37.50", "%"] in lines and ["3", "car", "50.00", "%"] in lines
    # Together they have every class, and only one of them has scene words.
    assert "have no pixel" not in result.stdout and ["scene", "train/a"] in lines


def test_json_for_machines(tiny):
    result = run(tiny, "--json", "--split", "val")
    content = json.loads(result.stdout)
    assert list(content["splits"]) == ["val"] and content["splits"]["val"]["num_problems"] == 0
    assert content["splits"]["val"]["labels"]["objects"]["ids"][2] == {
        "id": "7",
        "name": "car",
        "ignored": False,
        "pixels": 4,
        "share": 1.0,
    }


def test_bad_data_ends_with_2_and_lists_what_is_wrong(tiny):
    write(tiny, "train", "x", [[0, 99], [1, 1]])
    write(tiny, "train", "y", [[0, 0, 0]])
    result = run(tiny)
    assert result.exit_code == 2
    assert "2 problems in train" in result.stdout and "(not in the table)" in result.stdout
    assert "but got 99 at pixel (row 0, column 1) in" in result.stdout and "but got 3x1 in" in result.stdout
    assert run(tiny, "--split", "val").exit_code == 0
    assert run(tiny, "--json").exit_code == 2


def test_at_most_twenty_problems_are_printed(tiny):
    for number in range(23):
        write(tiny, "val", f"x{number}", [[99, 0], [0, 0]])
    result = run(tiny, "--split", "val")
    assert result.stdout.count("must be in the label table") == 20
    assert "23 problems in val" in result.stdout and "... and 3 more" in result.stdout


def test_unpaired_data_ends_with_2(tiny):
    (tiny / "val" / "labels" / "c.png").unlink()
    result = run(tiny)
    assert result.exit_code == 2 and "images and semantic must be paired by stem" in result.stdout


def test_a_runs_recipe_is_read_from_where_the_recipe_lay(tiny, tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "run.json").write_text('{"recipe_folder": "../.."}')
    recipe = tmp_path / "runs" / "mine" / "recipe.yaml"
    recipe.write_text("train_data: {format: folder, root: tiny}\nval_data: {format: folder, root: tiny, split: val}\n")
    result = run(recipe)
    assert result.exit_code == 0, result.stdout
    assert "train: 2 images" in result.stdout and "val: 1 images" in result.stdout


def test_what_is_no_data_raises_bad_input(tmp_path):
    result = run(tmp_path / "nowhere")
    assert isinstance(result.exception, BadInput)


def test_shares_in_words():
    assert [share_in_words(*pair) for pair in ((1.0, 9), (0.5, 1), (1e-6, 1), (0.0, 0))] == [
        "100.00 %",
        "50.00 %",
        "< 0.01 %",
        "-",
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_other_formats_print_what_they_have():
    textures = run(SHARED / "textures", "--split", "val").stdout
    assert "banded" in textures and "No problems found." in textures
    voc = run(SHARED / "voc2007").stdout
    assert "4 of 21 objects have no pixel in train: bird, dog, pottedplant, sheep" in voc
