import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mereo.data.check_target import sources_of
from mereo.data.data_check import MAX_PROBLEMS, check_samples, pixels_of_each_id
from mereo.data.formats.folder_format import FolderSamples
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.data.sources import Ade20kSource, AnnotatorsSource, ClassFoldersSource, FolderSource, VocSource, open_samples
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
DESCRIPTION = """
name: tiny
taxonomy: {objects: [sky, road, {name: car, ids: [7]}], ignored_ids: [254, 255], scenes: [town, field]}
images: "{split}/images"
semantic: "{split}/labels"
scenes: scenes.csv
"""


def write(root: Path, split: str, stem: str, values) -> None:
    for folder in ("images", "labels"):
        (root / split / folder).mkdir(parents=True, exist_ok=True)
    label = np.array(values, dtype=np.uint8)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(root / split / "images" / f"{stem}.png")
    Image.fromarray(label).save(root / split / "labels" / f"{stem}.png")


@pytest.fixture
def tiny(tmp_path):
    root = tmp_path / "tiny"
    write(root, "train", "a", [[0, 0], [1, 255]])
    write(root, "train", "b", [[0, 1], [1, 254]])
    write(root, "val", "c", [[7, 7], [7, 7]])
    (root / "mereo.yaml").write_text(DESCRIPTION)
    (root / "scenes.csv").write_text("image,scene\na,town\nb,town\nc,field\n")
    return root


def test_the_report_counts_what_is_there(tiny):
    steps = []
    report = check_samples(lambda: FolderSamples(tiny), split="train", on_progress=lambda *step: steps.append(step))
    assert report.num_samples == 2 and report.sizes == {(2, 2): 2} and report.num_problems == 0
    rows = [(row.raw, row.name, row.is_ignored, row.pixels, row.share) for row in report.rows("objects")]
    assert rows == [
        (0, "sky", False, 3, 0.375),
        (1, "road", False, 3, 0.375),
        (7, "car", False, 0, 0.0),
        (254, None, True, 1, 0.125),
        (255, None, True, 1, 0.125),
    ]
    assert report.ignored_share("objects") == 0.25 and report.absent_classes("objects") == ["car"]
    assert report.scenes == {"town": 2} and steps == [(1, 2), (2, 2)]
    content = json.loads(json.dumps(report.to_dict()))
    assert content["labels"]["objects"]["classes_without_pixels"] == ["car"]
    assert content["sizes"] == [{"width": 2, "height": 2, "images": 2}]


def test_all_problems_are_found_and_the_rest_is_counted(tiny):
    for number in range(MAX_PROBLEMS + 5):
        write(tiny, "train", f"x{number:02}", [[0, 99], [1, 1]])
    write(tiny, "train", "y", [[0, 0, 0]])
    (tiny / "train" / "images" / "z.png").write_bytes(b"")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tiny / "train" / "labels" / "z.png")
    report = check_samples(lambda: FolderSamples(tiny), split="train")
    assert report.num_problems == MAX_PROBLEMS + 7 and len(report.problems) == MAX_PROBLEMS
    assert "got 99 at pixel (row 0, column 1) in" in report.problems[0] and "x00.png" in report.problems[0]
    row = next(row for row in report.rows("objects") if row.raw == 99)
    assert row.name is None and not row.is_ignored and row.pixels == MAX_PROBLEMS + 5
    assert report.sizes == {(2, 2): 2}


def test_data_that_does_not_open_is_a_problem(tiny):
    (tiny / "val" / "labels" / "c.png").unlink()
    report = check_samples(lambda: FolderSamples(tiny, split="val"), split="val")
    assert report.num_problems == 1 and "paired by stem" in report.problems[0] and report.num_samples == 0


def test_sources_without_files_are_counted_by_index():
    class Drawn(Samples):
        taxonomy = Taxonomy(name="t", objects=LabelTable(names=("a", "b"), raw_to_index={5: 0, 6: 0, 9: 1, 255: None}))
        names, fingerprint = ["x"], "x"

        def __len__(self):
            return 1

        def __getitem__(self, index):
            image = as_image(np.zeros((1, 4, 3), np.uint8))
            return Sample(name="x", image_CHW=image, semantic_HW=as_mask(np.array([[0, 0, 1, 255]])))

    report = check_samples(Drawn, split="train")
    assert [(row.raw, row.pixels) for row in report.rows("objects")] == [(5, 2), (6, 0), (9, 1), (255, 1)]


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.sampled_from([np.uint8, np.int32, np.uint16]))
def test_counting_equals_a_loop(values, dtype):
    assert pixels_of_each_id(np.array([values], dtype=dtype)) == dict(Counter(values))


def test_targets_may_be_folders_descriptions_and_recipes(tiny, tmp_path):
    assert list(sources_of(tiny)) == ["train", "val"]
    assert list(sources_of(tiny, split="val")) == ["val"]
    for target in (tiny, tiny / "mereo.yaml"):
        assert [len(open_samples(source)) for source in sources_of(target).values()] == [2, 1]
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: x\nval_data: {format: folder, root: tiny, split: val}\ntrain_data: {format: folder, root: tiny}\n"
    )
    sources = sources_of(recipe)
    assert sources == {"train": FolderSource(root="tiny"), "val": FolderSource(root="tiny", split="val")}
    with pytest.raises(BadInput, match="split must be one of train, val, but got 'test'"):
        sources_of(tiny, split="test")
    with pytest.raises(BadInput, match="but got nothing at .*nowhere"):
        sources_of(tmp_path / "nowhere")
    recipe.write_text("name: x\n")
    with pytest.raises(BadInput, match="a recipe .* or a data description .* but got neither in .*recipe.yaml"):
        sources_of(recipe)
    recipe.write_bytes(b"\xff\xff")
    with pytest.raises(BadInput, match="must be UTF-8 text"):
        sources_of(recipe)
    recipe.write_text("train_data: {format: folder, rooot: tiny}\n")
    with pytest.raises(BadInput, match="train_data of .*recipe.yaml must be valid"):
        sources_of(recipe)
    (tmp_path / "bare").mkdir()
    with pytest.raises(BadInput, match="must hold mereo.yaml, but got none"):
        sources_of(tmp_path / "bare")


def test_joined_sources_are_checked_one_by_one(tiny, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    one, other = "{format: folder, root: tiny}", "{format: folder, root: tiny, split: val}"
    recipe.write_text(
        f"train_data: {{format: joined, sources: {{a: {one}, b: {other}}}}}\n"
        f"val_data: {{format: joined, sources: {{b: {other}}}}}\n"
    )
    sources = sources_of(recipe)
    assert list(sources) == ["train/a", "train/b", "val/b"]
    assert list(sources_of(recipe, split="train")) == ["train/a", "train/b"]
    reports = [
        check_samples(lambda source=source: open_samples(source, folder=tmp_path), split=name)
        for name, source in sources.items()
    ]
    # Raw ids, as the files have them.
    assert [report.pixels_of_raw["objects"][7] for report in reports] == [0, 4, 4]
    recipe.write_text(f"train_data: {{format: joined, taxonomy: camvid, sources: {{a: {one}}}}}\n")
    (wrong,) = sources_of(recipe).values()
    report = check_samples(lambda: open_samples(wrong, folder=tmp_path), split="train/a")
    assert report.num_problems == 1 and "sources must have the objects of the joint taxonomy" in report.problems[0]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_known_layouts_are_told_by_their_folders():
    assert isinstance(sources_of(SHARED / "voc2007")["train"], VocSource)
    assert isinstance(sources_of(SHARED / "ade20k")["all"], Ade20kSource)
    assert isinstance(sources_of(SHARED / "bsds500")["val"], AnnotatorsSource)
    assert isinstance(sources_of(SHARED / "textures")["val"], ClassFoldersSource)
    assert sources_of(SHARED / "camvid", description="camvid")["val"].split == "val"
    with pytest.raises(BadInput, match="must hold mereo.yaml"):
        sources_of(SHARED / "camvid")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_camvid_has_the_published_shares():
    report = check_samples(lambda: FolderSamples(SHARED / "camvid", split="val", description="camvid"), split="val")
    assert report.num_problems == 0 and report.sizes == {(360, 480): 101}
    shares = {row.name: round(row.share, 3) for row in report.rows("objects")}
    assert shares["road"] == 0.290 and shares[None] == 0.017
