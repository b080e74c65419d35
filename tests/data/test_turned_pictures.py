"""`mereo data check` tells of pictures that EXIF turns and whose labels carry no tag, and of no others."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.commands.main import run
from mereo.strict_yaml import dump_yaml

DESCRIPTION = {
    "name": "two",
    "taxonomy": {"name": "two", "objects": ["dark", {"name": "bright", "thing": True}]},
    "images": "{split}/images",
    "semantic": "{split}/labels",
}


def write(root: Path, name: str, *, picture_tag: int, label_tag: int, size: tuple[int, int] = (6, 6)) -> None:
    label_HW = np.zeros(size, dtype=np.uint8)
    label_HW[:2] = 1
    for kind, tag, suffix in (("images", picture_tag, "jpg"), ("labels", label_tag, "png")):
        folder = root / "train" / kind
        folder.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = tag
        picture = Image.fromarray(label_HW * (1 if kind == "labels" else 200))
        (picture if kind == "labels" else picture.convert("RGB")).save(folder / f"{name}.{suffix}", exif=exif)
    (root / "mereo.yaml").write_text(dump_yaml(DESCRIPTION))


@pytest.mark.parametrize("tag", [2, 3, 4, 6])
def test_what_is_turned_alone_is_told_though_sizes_agree(
    tag: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "a", picture_tag=tag, label_tag=1)
    write(tmp_path, "both", picture_tag=tag, label_tag=tag)
    write(tmp_path, "neither", picture_tag=1, label_tag=1)
    assert run(["data", "check", str(tmp_path)]) == 0
    told = "1 image in train is turned by EXIF and its labels are not: a.jpg; look at it"
    assert told in capsys.readouterr().out.splitlines()
    write(tmp_path, "b", picture_tag=tag, label_tag=1)
    assert run(["data", "check", str(tmp_path)]) == 0
    told = "2 images in train are turned by EXIF and their labels are not: a.jpg, b.jpg; look at one"
    assert told in capsys.readouterr().out.splitlines()
    assert run(["data", "check", str(tmp_path), "--json"]) == 0
    split = json.loads(capsys.readouterr().out)["splits"]["train"]
    assert split["turned_by_exif_without_labels"] == ["a.jpg", "b.jpg"] and split["num_problems"] == 0


def test_of_components_it_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data", "a", picture_tag=3, label_tag=1)
    source = {"format": "folder", "root": "data", "instances": "components"}
    for train_data in (source, {"format": "joined", "sources": {"one": source}}):
        (tmp_path / "recipe.yaml").write_text(dump_yaml({"train_data": train_data}))
        assert run(["data", "check", str(tmp_path / "recipe.yaml"), "--split", "train"]) == 0
        assert "turned by EXIF and its labels are not: a.jpg; look at it" in capsys.readouterr().out


def test_of_many_the_first_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(7):
        write(tmp_path, str(number), picture_tag=3, label_tag=1)
    assert run(["data", "check", str(tmp_path)]) == 0
    assert "not: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, ...; look at one" in capsys.readouterr().out


def test_without_turned_pictures_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a", picture_tag=1, label_tag=1)
    assert run(["data", "check", str(tmp_path)]) == 0
    assert "EXIF" not in capsys.readouterr().out


def test_where_sizes_disagree_the_problem_is_told_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a", picture_tag=6, label_tag=1, size=(6, 8))
    assert run(["data", "check", str(tmp_path)]) == 2
    told = capsys.readouterr().out
    assert "is turned by its EXIF tag and the label is not" in told and "look at it" not in told
