"""`mereo data prepare`: what somebody has becomes a recipe, what is missing is told, hashes are kept and checked."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from broden_folder import write_broden

from mereo.commands.main import run
from mereo.data import file_manifest
from mereo.data.file_manifest import check_files
from mereo.data.joined_samples import JoinedSamples
from mereo.data.sources import open_samples
from mereo.errors import BadInput
from mereo.recipe.recipe import load_recipe
from mereo.strict_yaml import dump_yaml


@pytest.fixture
def broden(tmp_path: Path) -> Path:
    return write_broden(tmp_path / "broden")


def prepare(root: Path, *options: object) -> int:
    return run(["data", "prepare", str(root), "--out", str(root.parent / "recipe.yaml"), *map(str, options)])


def tasks_told(out: str) -> dict[str, list[str]]:
    lines = [line.split() for line in out.splitlines()]
    start = lines.index(["task", "train", "val", "trainable"])
    return {words[0]: words[1:] for words in lines[start + 1 : start + 6]}


def folder_of_labels(
    root: Path, *, objects: tuple[str, ...] = ("sky", "car"), splits: tuple[str, ...] = ("train",)
) -> None:
    for split in splits:
        for kind in ("images", "labels"):
            (root / split / kind).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(root / split / "images" / f"{number}.png")
            Image.fromarray(np.full((20, 30), number, np.uint8)).save(root / split / "labels" / f"{number}.png")
    description = {"name": "x", "taxonomy": {"name": "x", "objects": list(objects)}}
    places = {"images": "{split}/images", "semantic": "{split}/labels"}
    (root / "mereo.yaml").write_text(dump_yaml(description | places))


def test_what_broden_teaches_is_told_and_joined(broden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(broden) == 4, "materials and textures have nothing to measure on"
    out, err = capsys.readouterr()
    assert tasks_told(out) == {
        "objects": ["3", "1", "yes"],
        "parts": ["3", "1", "yes"],
        "materials": ["1", "-", "yes"],
        "textures": ["2", "-", "yes"],
        "scenes": ["1", "-", "yes"],
    }
    lines = err.splitlines()
    assert len(lines) == 2 and "left out: materials (val): Broden+ must have meta_file/broden_os_val.json" in lines[0]
    recipe = load_recipe(broden.parent / "recipe.yaml")
    train = open_samples(recipe.train_data, folder=broden.parent)
    assert isinstance(train, JoinedSamples) and set(train.sources) == {"objects", "materials", "textures"}
    assert len(train) == 6 and recipe.parser.heads[0].head == "perceptual"
    assert recipe.val_data is not None and len(open_samples(recipe.val_data, folder=broden.parent)) == 1
    assert "root: broden" in (broden.parent / "recipe.yaml").read_text(), "the two can be moved together"


def test_what_is_missing_is_counted_and_the_rest_is_trained(broden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (broden / "broden_dataset" / "dtd" / "dtd-r1.0.1" / "images" / "woven" / "w1.jpg").unlink()
    (broden / "broden_dataset" / "opensurfaces" / "photos-labels" / "12.png").unlink()
    assert prepare(broden) == 4
    out, err = capsys.readouterr()
    told = tasks_told(out)
    assert told["objects"] == ["3", "1", "yes"] and told["materials"] == told["textures"] == ["-", "-", "no"]
    assert (
        "left out: textures (train): pictures of dtd_training_list.json must be there, but got none for 1 of 2" in err
    )
    assert "left out: materials (train): 1 of its 4 files are not there, first " in err and "12.png; get them." in err
    recipe = load_recipe(broden.parent / "recipe.yaml")
    assert len(open_samples(recipe.train_data, folder=broden.parent)) == 3


def test_the_recipe_is_checked_and_trains(broden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(broden) == 4
    recipe = str(broden.parent / "recipe.yaml")
    assert run(["data", "check", recipe]) == 0 and "No problems found." in capsys.readouterr().out
    changes = ["training.steps=1", "training.batch_size=2", "training.num_workers=0", "training.device=cpu"]
    small = ["parser.backbone.name=test_efficientnet", "parser.path.0.width=8", "parser.heads.0.width=8"]
    crop = ["augmentation.crop=[32,32]", "augmentation.working_side=32"]
    assert run(["train", recipe, "--out", str(tmp_path / "run"), *changes, *small, *crop]) == 0


def test_labelled_folders_are_joined_where_their_classes_are_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of_labels(tmp_path / "data" / "one", splits=("train", "val"))
    folder_of_labels(tmp_path / "data" / "two words")
    folder_of_labels(tmp_path / "data" / "zoo", objects=("lion", "cage"))
    (tmp_path / "data" / "notes").mkdir()
    assert prepare(tmp_path / "data") == 4
    out, err = capsys.readouterr()
    assert tasks_told(out)["objects"] == ["4", "2", "yes"] and tasks_told(out)["parts"] == ["-", "-", "no"]
    assert "left out: zoo (train): sources must have the objects of the joint taxonomy" in err
    assert "not looked at, having no mereo.yaml: notes; " in err
    recipe = load_recipe(tmp_path / "recipe.yaml")
    train = open_samples(recipe.train_data, folder=tmp_path)
    assert isinstance(train, JoinedSamples) and set(train.sources) == {"one", "two_words"}
    assert recipe.parser.heads[0].head == "pixel_classes"


def test_one_labelled_folder_needs_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder_of_labels(tmp_path / "mine", splits=("train", "val"))
    assert prepare(tmp_path / "mine") == 0
    assert capsys.readouterr().err == ""
    assert len(open_samples(load_recipe(tmp_path / "recipe.yaml").train_data, folder=tmp_path)) == 2


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes are read from now on."""
    names: list[str] = []
    digest = file_manifest.hashlib.file_digest

    def counting(file: Any, kind: str) -> Any:
        names.append(Path(file.name).name)
        return digest(file, kind)

    monkeypatch.setattr(file_manifest.hashlib, "file_digest", counting)
    return names


def test_a_manifest_is_written_checked_and_spares_what_is_unchanged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "mine"
    folder_of_labels(root, splits=("train", "val"))
    assert prepare(root, "--write-manifest") == 0
    assert "mereo_manifest.json: 8 files listed\n" in capsys.readouterr().out
    read = hashed(monkeypatch)
    assert prepare(root) == 0 and read == []
    assert "mereo_manifest.json: 8 files as before\n" in capsys.readouterr().out
    # Touched, and still the same.
    os.utime(root / "train" / "images" / "0.png", ns=(1, 1))
    assert prepare(root) == 0 and read == ["0.png"]
    assert "mereo_manifest.json: 1 file checked, 7 as before\n" in capsys.readouterr().out
    assert prepare(root) == 0 and read == ["0.png"], "what was checked once is not read again"
    capsys.readouterr()
    # Other bytes, of the same length: the source is left out.
    label = root / "train" / "labels" / "1.png"
    label.write_bytes(label.read_bytes()[:-1] + b"\0")
    assert prepare(root) == 2
    out, err = capsys.readouterr()
    assert "1 that holds something else" in out
    assert "1 of its 4 files are not as the manifest says, first train/labels/1.png; " in err
    assert prepare(root, "--write-manifest") == 0
    assert "mereo_manifest.json: 1 file listed, 7 as before\n" in capsys.readouterr().out
    assert prepare(root) == 0


def test_files_that_the_manifest_lacks_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "mine"
    folder_of_labels(root, splits=("train", "val"))
    assert prepare(root, "--write-manifest", "--manifest", tmp_path / "m.json") == 0
    listed = json.loads((tmp_path / "m.json").read_text())
    # Hashes alone, as somebody else would publish them.
    listed["files"] = {name: {"sha256": facts["sha256"]} for name, facts in listed["files"].items() if "val" in name}
    (tmp_path / "m.json").write_text(json.dumps(listed))
    capsys.readouterr()
    assert prepare(root, "--manifest", tmp_path / "m.json") == 0
    assert "m.json: 4 files checked, 4 not listed\n" in capsys.readouterr().out
    assert prepare(root, "--manifest", tmp_path / "none.json") == 2
    assert "--manifest must be a file, but got none at" in capsys.readouterr().err


def test_a_killed_check_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(file_manifest, "SECONDS_BETWEEN_WRITES", 0)

    def killed(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_files("abcd", root=tmp_path, path=tmp_path / "m.json", has_new=True, on_progress=killed)
    read = hashed(monkeypatch)
    report = check_files("abcd", root=tmp_path, path=tmp_path / "m.json", has_new=True)
    assert report.as_before == ["a", "b", "c"] and report.written == read == ["d"]
    (tmp_path / "b").unlink()
    assert check_files("abcd", root=tmp_path, path=tmp_path / "m.json").wrong == ["b"]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\xff", "a manifest must be a readable file, but got bytes that are no UTF-8 text in "),
        (b"{", "a manifest must be JSON, but got "),
        (b'{"files": {"a": {"sha256": "no hash"}}}', "manifest .*m.json"),
        (b'{"files": {"a": {}}}', "manifest .*m.json"),
    ],
)
def test_a_broken_manifest_is_told(content: bytes, match: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(BadInput, match=match):
        check_files(["a"], root=tmp_path, path=tmp_path / "m.json")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(file: Any, kind: str) -> Any:
        raise OSError(5, "Input/output error")

    (tmp_path / "a").write_text("a")
    monkeypatch.setattr(file_manifest.hashlib, "file_digest", failing)
    with pytest.raises(BadInput, match="data must be a readable file, but got Input/output error in "):
        check_files(["a"], root=tmp_path, path=tmp_path / "m.json", has_new=True)


def test_a_recipe_of_somebody_else_stays(broden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = broden.parent / "recipe.yaml"
    recipe.write_text("precious")
    assert prepare(broden) == 2 and recipe.read_text() == "precious"
    assert "--out must not be a file of somebody else's, but got one in " in capsys.readouterr().err
    assert prepare(broden, "--force") == 4 and prepare(broden) == 4


def test_nothing_to_train_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert prepare(tmp_path / "empty") == 2 and len(capsys.readouterr().err.splitlines()) == 1
    assert prepare(tmp_path / "nowhere") == 2
    assert "ROOT must be a folder of data, but got " in capsys.readouterr().err
    folder_of_labels(tmp_path / "data" / "one")
    (tmp_path / "data" / "one" / "train" / "labels" / "0.png").write_bytes(b"no picture")
    assert prepare(tmp_path / "data") == 2
    assert (
        "the data must hold at least one source to train on, but got 1 of which none opens" in capsys.readouterr().err
    )
