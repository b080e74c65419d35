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
    assert run(init, folder).exit_code == 0
    (folder / "taxonomy.yaml").write_text("precious")
    again = run(init, folder)
    assert isinstance(again.exception, BadInput) and "pass --force to overwrite" in str(again.exception)
    assert (folder / "taxonomy.yaml").read_text() == "precious"
    assert run(init, folder, "--force").exit_code == 0
    assert (folder / "taxonomy.yaml").read_text() != "precious"


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
