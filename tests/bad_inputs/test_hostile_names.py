"""Names of classes, scenes and splits that look like markup, code or numbers are shown as they are by every command."""

from pathlib import Path

import pytest
from bad_labels import data_set
from ran_command import Mereo
from small_run import small_recipe, write_recipe

from mereo.data.taxonomy import LabelTable
from mereo.errors import BadInput
from mereo.strict_yaml import dump_yaml

NAMES = ["[/]", "[bold red]x[/bold]", "</script><b>'\"&"]
MORE_NAMES = ['=1+1, "2"', "{0} %s \\n", "no", "1e3", " ", "ä\u0301 中 🌍", "x" * 300]


def rename(folder: Path, names: list[str]) -> None:
    content = {
        "name": "[/] {x}",
        "taxonomy": {"objects": names, "ignored_ids": [255], "scenes": ["[/s]", "y"]},
        "images": "{split}/images",
        "semantic": "{split}/labels",
        "scenes": "scenes.csv",
    }
    (folder / "mereo.yaml").write_text(dump_yaml(content))
    (folder / "scenes.csv").write_text("image,scene\n" + "".join(f"{stem},[/s]\n" for stem in range(6)))


@pytest.mark.parametrize("names", [NAMES, [*NAMES, *MORE_NAMES]], ids=["markup", "all"])
def test_every_command_shows_them(names: list[str], tmp_path: Path, mereo: Mereo) -> None:
    data_set(tmp_path / "data", "train")
    rename(tmp_path / "data", names)
    recipe = write_recipe(tmp_path, small_recipe(steps=1))
    ran = mereo("train", recipe, "--out", tmp_path / "run")
    assert ran.code == 0 and names[0] in ran.out, ran
    ran = mereo("data", "check", tmp_path / "data")
    assert ran.code == 0 and all(name in ran.out for name in NAMES) and "[/s]" in ran.out
    ran = mereo("evaluate", tmp_path / "run", "--out", tmp_path / "evaluated")
    assert ran.code == 0 and all(name in ran.out for name in NAMES)
    assert mereo("show", tmp_path / "run" / "last.safetensors").code == 0
    ran = mereo("table", tmp_path / "run")
    assert ran.code == 0
    image = tmp_path / "data" / "train" / "images" / "0.png"
    ran = mereo("parse", image, "--parser", tmp_path / "run", "--out", tmp_path / "out", "--device", "cpu")
    assert ran.code == 0
    for page in tmp_path.rglob("*.html"):
        assert "</script><b>" not in page.read_text(encoding="utf-8"), page


def test_a_split_may_be_called_anything(tmp_path: Path, mereo: Mereo) -> None:
    data_set(tmp_path / "data", "train")
    for name in ("[", "[bold]", "[red]x", ":smile:", "\x1b[2J", "two\nlines"):
        (tmp_path / "data" / "val").rename(tmp_path / "data" / name)
        (tmp_path / "data" / name / "labels" / "0.png").write_bytes(b"")
        ran = mereo("data", "check", tmp_path / "data")
        assert ran.code == 2 and "1 problems in" in ran.out and "\x1b" not in ran.out
        (tmp_path / "data" / name).rename(tmp_path / "data" / "val")


@pytest.mark.parametrize("name", ["\x1b[31m", "a\nb", "\x00", "\x7f", "\x9b", "\u2028", "\ud800"])
def test_what_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="class names must be printable, but got"):
        LabelTable(names=("sky", name))
