"""`mereo data draw`: a folder that Mereo reads back as it was drawn."""

import csv
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mereo.commands.data_draw import draw, kinds_from, size_from
from mereo.data.drawn.folder import write_drawn_folder
from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.data.formats.folder_format import FolderSamples
from mereo.errors import BadInput

app = typer.Typer()
app.command()(draw)
SIZE = (48, 64)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def small(folder: Path, **options: object) -> None:
    settings = {"num_train": 3, "num_val": 2, "seed": 4, "size": SIZE, "image_format": "png"} | options
    write_drawn_folder(folder, **settings)  # type: ignore[arg-type]


def test_the_folder_is_read_back_as_drawn(tmp_path: Path) -> None:
    small(tmp_path / "set")
    for split, indices in (("train", range(3)), ("val", range(3, 5))):
        samples = FolderSamples(tmp_path / "set", split=split)
        drawn = [draw_scene(4, i, size=SIZE, kind=("street", "room", "field")[i % 3]) for i in indices]
        by_name = {sample.name: sample for sample in drawn}
        assert samples.taxonomy == drawn_taxonomy()
        assert sorted(Path(name).stem for name in samples.names) == sorted(by_name)
        for sample in samples:
            expected = by_name[Path(sample.name).stem]
            assert (sample.image_CHW == expected.image_CHW).all()
            assert sample.scene == expected.scene
            for name, mask in expected.masks.items():
                assert (getattr(sample, name) == mask).all(), name


def test_the_command_writes_pictures_and_a_preview(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    output = run(folder, "--count", "4", "--val", "1", "--size", "64x48", "--kinds", "room, street")
    assert "4 train and 1 val scenes of 64x48" in output and "preview.png" in output
    assert {entry.name for entry in folder.iterdir()} == {
        "train", "val", "mereo.yaml", "taxonomy.yaml", "scenes.csv", "preview.png",
    }  # fmt: skip
    assert sorted(path.name for path in (folder / "train" / "images").iterdir()) == [
        "room_00000.jpg", "room_00002.jpg", "street_00001.jpg", "street_00003.jpg",
    ]  # fmt: skip
    rows = list(csv.DictReader((folder / "scenes.csv").open()))
    assert [row["scene"] for row in rows] == ["room", "street", "room", "street", "room"]
    assert rows[4]["split"] == "val"
    preview = np.asarray(Image.open(folder / "preview.png"))
    assert preview.shape[1] > 1000 and preview.std() > 20
    assert Image.open(folder / "train" / "images" / "room_00000.jpg").size == (64, 48)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        small(tmp_path / name, image_format="jpeg")
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert len(files) == 5 * 6 + 3
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="must be empty, but got files in it; .*--force"):
        run(tmp_path, "--count", "1", "--val", "0", "--size", "8x8")
    with pytest.raises(BadInput, match="must be a folder, but got a file"):
        run(tmp_path / "notes.txt")


def test_force_replaces_drawn_scenes_and_nothing_else(tmp_path: Path) -> None:
    small(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    run(tmp_path, "--count", "1", "--val", "0", "--size", "8x8", "--force")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert [path.name for path in (tmp_path / "train" / "images").iterdir()] == ["street_00000.jpg"]
    assert not (tmp_path / "val" / "images").exists()
    (tmp_path / "mereo.yaml").unlink()  # As an interrupted run leaves it.
    run(tmp_path, "--count", "2", "--val", "1", "--size", "8x8", "--force")
    assert len(FolderSamples(tmp_path, split="train")) == 2


def test_force_never_deletes_another_data_set(tmp_path: Path) -> None:
    (tmp_path / "train" / "images").mkdir(parents=True)
    (tmp_path / "train" / "images" / "precious.png").write_bytes(b"x")
    (tmp_path / "mereo.yaml").write_text("name: mine\n")
    with pytest.raises(BadInput, match="train or val folder of another data set; choose another folder"):
        run(tmp_path, "--force")
    assert (tmp_path / "train" / "images" / "precious.png").exists()


@pytest.mark.parametrize("text", ["320", "320x", "x240", "320x240x3", "-3x4", "wide", "3.5x4", ""])
def test_a_bad_size_is_named(text: str) -> None:
    with pytest.raises(BadInput, match="--size must be WIDTHxHEIGHT, but got '.*'; e.g. 320x240"):
        size_from(text)
    assert size_from("640X480") == (480, 640)


def test_other_refusals(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--kinds must be some of street, room, field, but got 'street,forest'"):
        run(tmp_path / "a", "--kinds", "street,forest")
    with pytest.raises(BadInput, match="--kinds must be"):
        kinds_from(" , ")
    with pytest.raises(BadInput, match="--images must be jpeg or png, but got 'gif'"):
        run(tmp_path / "a", "--images", "gif")
    with pytest.raises(BadInput, match="size of drawn scenes must lie between 1x1 and"):
        run(tmp_path / "a", "--size", "9999x1")
    with pytest.raises(BadInput, match="the number of val scenes must be at least 0, but got -1"):
        run(tmp_path / "a", "--val", "-1")
    with pytest.raises(BadInput, match="at least one scene, but got 0"):
        run(tmp_path / "a", "--count", "0", "--val", "0")
    assert not (tmp_path / "a").exists()


def test_many_things_need_sixteen_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from mereo.data.drawn import folder as drawn_folder
    from mereo.data.sample import as_mask

    def crowded(*arguments: object, **options: object) -> object:
        sample = draw_scene(0, 0, size=(20, 20), kind="street")
        return replace(sample, instances_HW=as_mask(np.arange(400).reshape(20, 20)))

    monkeypatch.setattr(drawn_folder, "draw_scene", crowded)
    small(tmp_path / "set", num_train=1, num_val=0)
    written = np.asarray(Image.open(next((tmp_path / "set" / "train" / "instances").iterdir())))
    assert written.tolist() == np.arange(400).reshape(20, 20).tolist()
