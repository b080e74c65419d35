import json
import os
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mereo.commands.data_check import check
from mereo.commands.init import init
from mereo.data.sources import open_samples
from mereo.errors import BadEnvironment, BadInput
from mereo.parser.weights import built_in_parsers
from mereo.recipe.recipe import load_recipe

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def run(command, *arguments):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "my photos"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(10):
        Image.fromarray(np.full((30, 40, 3), number, np.uint8)).save(root / "images" / f"{number}.jpg")
        label = np.zeros((30, 40), np.uint8)
        label[10:] = 3
        label[:2] = 255 if number % 2 else 1
        Image.fromarray(label).save(root / "masks" / f"{number}.png")
    return root


def test_what_it_writes_opens_checks_and_is_a_recipe(folder):
    result = run(init, folder)
    assert result.exit_code == 0, result.output
    assert (
        "images  images  (9 train, 1 val)" in result.stdout and "labels  masks  (4 ids, ignored: 255)" in result.stdout
    )
    recipe = load_recipe(folder / "recipe.yaml")
    train = open_samples(recipe.train_data, folder=folder)
    val = open_samples(recipe.val_data, folder=folder)
    assert len(train) == 9 and len(val) == 1 and set(train.names).isdisjoint(val.names)
    assert train.taxonomy.object_names == ["background", "class_1", "class_3"]
    assert recipe.name == "my_photos"
    checked = run(check, folder / "recipe.yaml")
    assert checked.exit_code == 0 and "No problems found." in checked.stdout
    assert run(check, folder).exit_code == 0


def test_nothing_is_overwritten_unless_forced(folder):
    (folder / "taxonomy.yaml").write_text("precious")
    refused = run(init, folder)
    assert isinstance(refused.exception, BadInput) and "pass --force to overwrite" in str(refused.exception)
    assert (folder / "taxonomy.yaml").read_text() == "precious"
    assert run(init, folder, "--force").exit_code == 0
    assert (folder / "taxonomy.yaml").read_text() != "precious"
    (folder / "recipe.yaml").write_text("precious")
    assert isinstance(run(init, folder).exception, BadInput)
    assert (folder / "recipe.yaml").read_text() == "precious"


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_names_that_somebody_gave_to_classes_stay(folder, tmp_path, is_elsewhere):
    where = tmp_path / "settings" if is_elsewhere else folder
    out = ["--out", where] if is_elsewhere else []
    assert run(init, folder, *out).exit_code == 0
    (where / "taxonomy.yaml").write_text((where / "taxonomy.yaml").read_text().replace("class_3", "tree"))
    described = {name: (where / name).read_text() for name in ("mereo.yaml", "taxonomy.yaml", "train.txt", "val.txt")}
    again = run(init, folder, *out, "--start-from", "everyday", "--force")
    assert again.exit_code == 0, again.output
    assert described == {name: (where / name).read_text() for name in described}
    recipe = load_recipe(where / "recipe.yaml")
    assert recipe.start_from == "everyday"
    assert open_samples(recipe.train_data, folder=where).taxonomy.object_names == ["background", "class_1", "tree"]


def test_a_described_folder_gets_the_recipe_that_is_missing(folder):
    assert run(init, folder).exit_code == 0
    wanted = (folder / "recipe.yaml").read_text()
    (folder / "recipe.yaml").unlink()
    (folder / "taxonomy.yaml").write_text((folder / "taxonomy.yaml").read_text().replace("class_3", "tree"))
    described = {name: (folder / name).read_text() for name in ("mereo.yaml", "taxonomy.yaml", "train.txt", "val.txt")}
    again = run(init, folder)
    assert again.exit_code == 0 and "images  9 train, 1 val, as mereo.yaml says" in again.stdout
    assert (folder / "recipe.yaml").read_text() == wanted
    assert described == {name: (folder / name).read_text() for name in described}


def test_it_starts_from_the_parser_that_is_named(folder, tmp_path, monkeypatch):
    assert run(init, folder, "--start-from", "everyday").exit_code == 0
    recipe = load_recipe(folder / "recipe.yaml")
    assert recipe.start_from == "everyday" and [head.head for head in recipe.parser.heads] == ["pixel_classes"]
    assert [stage.stage for stage in recipe.parser.path] == ["feature_levels", "deep_grouping"]
    (folder / "recipe.yaml").unlink()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.safetensors").write_bytes(built_in_parsers()["street"].read_bytes())
    monkeypatch.chdir(tmp_path)
    assert run(init, folder, "--start-from", "run").exit_code == 0  # The folder is described by now.
    recipe = load_recipe(folder / "recipe.yaml")
    assert recipe.start_from == str((tmp_path / "run" / "last.safetensors").resolve())
    (folder / "recipe.yaml").unlink()
    refused = run(init, folder, "--start-from", "everyday_")
    assert isinstance(refused.exception, BadInput) and "did you mean 'everyday'?" in str(refused.exception)
    assert not (folder / "recipe.yaml").exists()


def test_a_described_folder_must_have_two_splits_and_class_maps(folder):
    taxonomy = {"name": "x", "objects": [{"name": "a", "ids": [0, 1, 3, 255]}], "scenes": ["street"]}
    description = {"name": "x", "taxonomy": taxonomy, "images": "images", "semantic": "masks"}
    (folder / "mereo.yaml").write_text(json.dumps(description))
    one = run(init, folder)
    assert isinstance(one.exception, BadInput)
    assert "must have a split to train on and one to measure on, but got train" in str(one.exception)
    lists = {"train": "train.txt", "val": "val.txt"}
    (folder / "train.txt").write_text("0\n1\n")
    (folder / "val.txt").write_text("2\n")
    (folder / "scenes.csv").write_text("image,scene\n0,street\n1,street\n2,street\n")
    del description["semantic"]
    (folder / "mereo.yaml").write_text(json.dumps(description | {"split_lists": lists, "scenes": "scenes.csv"}))
    words = run(init, folder)
    assert isinstance(words.exception, BadInput) and "must have class maps to learn from" in str(words.exception)
    assert not (folder / "recipe.yaml").exists()


def test_a_read_only_folder_wants_out_and_stays_untouched(folder, tmp_path, monkeypatch):
    before = sorted(folder.rglob("*"))
    folder.chmod(0o555)
    try:
        refused = run(init, folder)
        assert isinstance(refused.exception, BadEnvironment) and "name another one with --out" in str(refused.exception)
        result = run(init, folder, "--out", tmp_path / "settings" / "mine")
        assert result.exit_code == 0 and sorted(folder.rglob("*")) == before
    finally:
        folder.chmod(0o755)
    recipe = load_recipe(tmp_path / "settings" / "mine" / "recipe.yaml")
    assert recipe.train_data.root == os.path.join("..", "..", "my photos").replace(os.sep, "/")
    monkeypatch.chdir("/")
    assert len(open_samples(recipe.train_data, folder=tmp_path / "settings" / "mine")) == 9


def test_what_is_no_labelled_folder_is_bad_input(tmp_path):
    result = run(init, tmp_path)
    assert isinstance(result.exception, BadInput) and "must hold pictures" in str(result.exception)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_a_real_folder(tmp_path):
    result = run(init, SHARED / "camvid", "--out", tmp_path)
    assert result.exit_code == 0 and "(367 train, 101 val)" in result.stdout
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert len(open_samples(recipe.val_data, folder=tmp_path)) == 101
