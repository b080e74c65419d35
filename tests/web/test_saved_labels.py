"""Painted labels: which pixels get which class, what lies in the folder, and that training takes it as it is."""

import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from painted_regions import SIZE, STREET, label_of, parse_of, photograph, region, save
from PIL import Image

from mereo.commands.main import run
from mereo.data.formats.folder_description import load_description
from mereo.data.formats.folder_format import FolderSamples
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadEnvironment, BadInput
from mereo.folder_lock import folder_lock
from mereo.web import label_folder
from mereo.web.label_folder import LABELS_FOLDER, LOCK
from mereo.web.saved_labels import LabelRegion, next_commands, painted_labels


def test_later_regions_paint_over_earlier_ones_and_the_rest_is_unlabelled(tmp_path: Path) -> None:
    saved = save(tmp_path)
    wanted_HW = np.full(SIZE, 255)
    wanted_HW[:12], wanted_HW[12:36], wanted_HW[20:30, :32] = 0, 1, 2
    assert (label_of(tmp_path, saved) == wanted_HW).all()
    shares = {name: share * wanted_HW.size for name, share in saved["classes"]}
    assert shares == {"road": 24 * 64 - 320, "sky": 12 * 64, "car": 320}
    assert [name for name, _ in saved["classes"]] == ["road", "sky", "car"], "the largest first"
    assert saved["unlabelled"] == 12 / 48 and json.loads(json.dumps(saved)) == saved


def test_what_nobody_painted_may_stay_as_the_parse_says(tmp_path: Path) -> None:
    saved = save(tmp_path, regions=[region("car", slice(0, 10), slice(0, 10))], keep_parse=True)
    wanted_HW = parse_of(photograph()).semantic
    wanted_HW[:10, :10] = 2
    assert (label_of(tmp_path, saved) == wanted_HW).all() and saved["unlabelled"] == 0


def test_the_photograph_is_kept_pixel_by_pixel(tmp_path: Path) -> None:
    saved = save(tmp_path)
    path = tmp_path / LABELS_FOLDER / "images" / f"{saved['name']}.png"
    with Image.open(path) as picture:
        assert (np.asarray(picture) == photograph()).all() and not picture.getexif() and set(picture.info) == set()


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("street.jpg", "street-"),
        ("../../etc/passwd", "passwd-"),
        ("/tmp/x/summer.2024.JPEG", "summer.2024-"),
        ("#1 \u00a0.png", "1-"),
        (" .. ", "image-"),
        ("", "image-"),
        ("a\nb\udcff.png", "a_b_-"),
        ("x" * 10_000, "x" * 120 + "-"),
        ("con.png", "_con-"),
    ],
)
def test_a_name_is_safe_and_no_path(name: str, start: str, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    saved = save(folder, name=name)
    assert re.fullmatch(re.escape(start) + "[0-9a-f]{16}", saved["name"])
    save(folder, seed=1)
    assert saved["name"] in FolderSamples(folder / LABELS_FOLDER, split="train").names, "the lists name it"
    assert [path.name for path in tmp_path.iterdir()] == ["photographs"]


def test_splits_grow_and_nobody_changes_sides(tmp_path: Path) -> None:
    side: dict[str, str] = {}
    for seed in range(16):
        save(tmp_path, seed=seed)
        loaded = load_description(tmp_path / LABELS_FOLDER)
        for split in loaded.description.split_lists or {}:
            for stem in FolderSamples(tmp_path / LABELS_FOLDER, split=split).names:
                assert side.setdefault(stem, split) == split
        assert set(side.values()) == ({"train"} if seed == 0 else {"train", "val"})
    assert sorted(side.values()).count("val") == 2, "a tenth"


def test_the_taxonomy_says_what_the_numbers_mean(tmp_path: Path) -> None:
    save(tmp_path), save(tmp_path, seed=1)
    loaded = load_description(tmp_path / LABELS_FOLDER)
    table = loaded.taxonomy.objects
    assert table.names == STREET.objects.names and loaded.taxonomy.is_thing == STREET.is_thing
    assert table.raw_to_index == {0: 0, 1: 1, 2: 2, 255: None} and table.colours == STREET.objects.colours
    sample = FolderSamples(tmp_path / LABELS_FOLDER, split="val")[0]
    assert set(np.unique(sample.semantic_HW)) == {0, 1, 2, 255}


@pytest.mark.parametrize("num_classes", [255, 256, 300])
def test_many_classes_are_told_from_no_label(num_classes: int, tmp_path: Path) -> None:
    taxonomy = Taxonomy("many", LabelTable(tuple(f"class {number}" for number in range(num_classes))))
    last = region(f"class {num_classes - 1}", slice(0, 10))
    save(tmp_path, parse=parse_of(photograph(), taxonomy), regions=[last])
    label_HW = np.asarray(FolderSamples(tmp_path / LABELS_FOLDER)[0].semantic_HW)
    assert (label_HW[:10] == num_classes - 1).all() and (label_HW[10:] == taxonomy.ignore_index).all()


@pytest.mark.slow
def test_training_takes_the_folder_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "my photographs"
    for seed in range(3):
        saved = save(folder, name=f"{seed}.jpg", seed=seed)
    labels = folder / LABELS_FOLDER
    assert saved["next"] == [
        f"mereo data check '{labels}'",
        f"mereo init '{labels}'",
        f"mereo train '{labels / 'recipe.yaml'}'",
    ]
    assert run(["data", "check", str(labels)]) == 0
    assert run(["init", str(labels)]) == 0
    told = capsys.readouterr().out
    assert "No problems found." in told and "images  2 train, 1 val, as mereo.yaml says" in told
    small = ["training.steps=1", "training.batch_size=2", "training.num_workers=0"]
    assert run(["train", str(labels / "recipe.yaml"), "--out", str(tmp_path / "run"), *small]) == 0
    assert (tmp_path / "run" / "last.safetensors").is_file()
    more = save(folder, seed=3)
    assert more["next"] == [f"mereo data check '{labels}'", f"mereo train '{labels / 'recipe.yaml'}'"]
    assert run(["data", "check", str(labels / "recipe.yaml")]) == 0


def test_a_single_photograph_cannot_be_trained_on(tmp_path: Path) -> None:
    assert save(tmp_path)["next"] == ["# Save one more photograph first: one to learn from, one to measure on."]
    assert next_commands(Path("a b"), num_photographs=2)[1] == "mereo init 'a b'"
    assert next_commands(Path("a"), num_photographs=2, parser="everyday")[1] == "mereo init a --start-from everyday"
    assert run(["data", "check", str(tmp_path / LABELS_FOLDER)]) == 0


def test_what_somebody_took_away_leaves_the_lists(tmp_path: Path) -> None:
    first, second = save(tmp_path), save(tmp_path, seed=1)
    labels = tmp_path / LABELS_FOLDER
    (labels / "labels" / f"{first['name']}.png").unlink()
    third = save(tmp_path, seed=2)
    assert (labels / "train.txt").read_text().split() == [third["name"]]
    assert (labels / "val.txt").read_text().split() == [second["name"]]


def test_an_edited_description_stays(tmp_path: Path) -> None:
    save(tmp_path)
    path = tmp_path / LABELS_FOLDER / "mereo.yaml"
    edited = path.read_text() + "# mine\n"
    path.write_text(edited)
    save(tmp_path, seed=1)
    assert path.read_text() == edited and (tmp_path / LABELS_FOLDER / "val.txt").is_file()


def test_labels_of_other_classes_are_refused(tmp_path: Path) -> None:
    save(tmp_path)
    other = Taxonomy("other", LabelTable(("sky", "road", "bus")))
    with pytest.raises(BadInput, match=r"all be of the same classes, but got those of another parser \(bus, car\);"):
        save(tmp_path, seed=1, parse=parse_of(photograph(1), other), regions=[region("bus")])
    turned = Taxonomy("turned", LabelTable(("road", "sky", "car")))
    with pytest.raises(BadInput, match=r"another parser \(other ids\);"):
        save(tmp_path, seed=1, parse=parse_of(photograph(1), turned))
    assert len(list((tmp_path / LABELS_FOLDER / "labels").iterdir())) == 1


def test_a_folder_that_somebody_else_described_is_refused(tmp_path: Path) -> None:
    (tmp_path / LABELS_FOLDER).mkdir()
    (tmp_path / LABELS_FOLDER / "mereo.yaml").write_text("{name: x, taxonomy: camvid, images: images, semantic: masks}")
    with pytest.raises(BadInput, match="mereo_labels must be a folder that the studio made, but got another") as raised:
        save(tmp_path)
    assert str(tmp_path) not in str(raised.value)


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / LABELS_FOLDER).write_text("mine")
    with pytest.raises(BadInput, match="mereo_labels must be a folder, but got a file; rename it"):
        save(tmp_path)


def test_errors_of_the_machine_name_no_path(tmp_path: Path) -> None:
    (tmp_path / LABELS_FOLDER).mkdir()
    (tmp_path / LABELS_FOLDER / "images").write_text("in the way")
    with pytest.raises(
        BadEnvironment, match=r"^mereo_labels/images/a-[0-9a-f]+\.png must be writable, but got"
    ) as raised:
        save(tmp_path)
    assert str(tmp_path) not in str(raised.value)


def test_bad_regions_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    small = LabelRegion("sky", np.ones((3, 4), dtype=bool))
    wide = LabelRegion("sky", np.ones(SIZE, dtype=np.int64))
    for regions, rule in (
        ([region("rode")], "a class must be one of the parser's objects, but got 'rode'; did you mean 'road'?"),
        ([region("zebra")], "but got 'zebra'; known are sky, road, car."),
        ([small], "must be true or false for each pixel of 64x48, but got bool of shape"),
        ([wide], "must be true or false for each pixel of 64x48, but got int64 of shape"),
        ([], "labels must have at least one pixel, but got none; paint a region first"),
        ([region("sky", slice(0, 0))], "labels must have at least one pixel"),
    ):
        with pytest.raises(BadInput, match=re.escape(rule)):
            save(tmp_path, regions=regions)
    with pytest.raises(BadInput, match="must have the size of its parse 4x3, but got 64x48; parse it anew"):
        save(tmp_path, parse=parse_of(np.zeros((3, 4, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []


def test_nothing_painted_keeps_the_parse(tmp_path: Path) -> None:
    parse = parse_of(photograph())
    assert (label_of(tmp_path, save(tmp_path, regions=[], keep_parse=True)) == parse.semantic).all()
    assert (painted_labels(parse, []) == 255).all()


def test_threads_wait_for_each_other(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def put(seed: int) -> None:
        try:
            save(tmp_path, seed=seed % 8)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=put, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    labels = tmp_path / LABELS_FOLDER
    names = [*FolderSamples(labels, split="train").names, *FolderSamples(labels, split="val").names]
    assert len(names) == len(set(names)) == 8 and run(["data", "check", str(labels)]) == 0
    assert sorted(path.name for path in labels.iterdir()) == [
        *("images", "labels", "mereo.yaml", "taxonomy.yaml", "train.txt", "val.txt")
    ]


def test_a_folder_that_another_process_holds_is_refused_at_once(tmp_path: Path) -> None:
    with folder_lock(tmp_path / LABELS_FOLDER, LOCK):
        with pytest.raises(BadInput, match="mereo_labels must have one process that saves labels, .* in a moment"):
            save(tmp_path)


@pytest.mark.parametrize("stop", ["write_label_png", "_lists_with", "_description_text"])
def test_a_save_that_was_cut_off_is_mended_by_the_next(
    stop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(label_folder, stop, broken)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path)
    save(tmp_path), save(tmp_path, seed=1)
    assert run(["data", "check", str(tmp_path / LABELS_FOLDER)]) == 0
