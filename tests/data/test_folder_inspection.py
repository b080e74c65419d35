from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.folder_format import FolderSamples
from mereo.data.formats.folder_inspection import inspect_folder
from mereo.data.formats.folder_layout import find_layout
from mereo.data.formats.starter_files import description_text, taxonomy_text
from mereo.data.taxonomy_file import taxonomy_from_dict
from mereo.errors import BadInput
from mereo.strict_yaml import load_yaml

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def picture(path: Path, values=None, size=(4, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.full((*size, 3), 90, np.uint8) if values is None else np.resize(np.array(values, np.uint8), size)
    Image.fromarray(array).save(path)


def pairs(root: Path, image: str, label: str, count: int = 4, values=(0, 1, 255)) -> None:
    for number in range(count):
        picture(root / image.format(number))
        picture(root / label.format(number), values)


def written(root: Path, out: Path, **options):
    inspection = inspect_folder(root, **options)
    out.mkdir(exist_ok=True)
    (out / "mereo.yaml").write_text(description_text(inspection, name="mine"))
    (out / "taxonomy.yaml").write_text(taxonomy_text(inspection, name="mine"))
    for split, stems in (inspection.split_lists or {}).items():
        (out / f"{split}.txt").write_text("\n".join(stems))
    return inspection


@pytest.mark.parametrize(
    ("image", "label", "images", "semantic"),
    [
        ("{split}/images/a{0}.jpg", "{split}/labels/a{0}.png", "{split}/images", "{split}/labels"),
        ("images/{split}/a{0}.jpg", "masks/{split}/a{0}.png", "images/{split}", "masks/{split}"),
        ("img/{split}/x/a{0}.jpg", "gt/{split}/x/a{0}_gt.png", "img/{split}", "gt/{split}/*_gt"),
        ("{split}/rgb/a{0}_rgb.jpg", "{split}/seg/a{0}_seg.png", "{split}/rgb/*_rgb", "{split}/seg/*_seg"),
        ("{split}/a{0}.jpg", "{split}/a{0}_mask.png", "{split}/*.jpg", "{split}/*_mask.png"),
        ("{split}/a{0}.jpg", "{split}/a{0}.png", "{split}/*.jpg", "{split}/*.png"),
    ],
)
@pytest.mark.parametrize("splits", [("train", "val"), ("training", "validation"), ("train", "test")])
def test_layouts_with_splits(tmp_path, image, label, images, semantic, splits):
    for split in splits:
        pairs(tmp_path, image.replace("{split}", split), label.replace("{split}", split))
    layout = find_layout(tmp_path)
    assert (layout.images, layout.semantic, layout.splits) == (images, semantic, splits)
    inspection = written(tmp_path, tmp_path / "out")
    assert inspection.split_lists is None and (inspection.train_split, inspection.val_split) == splits
    for split in splits:
        assert len(FolderSamples(tmp_path, split=split, description=tmp_path / "out" / "mereo.yaml")) == 4


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/a{0}.jpg", "labels/a{0}.png"),
        ("train/images/a{0}.jpg", "train/labels/a{0}.png"),
        ("photos/deep/a{0}.jpg", "annotations/deep/a{0}.png"),
        ("a{0}.jpg", "a{0}_mask.png"),
        ("JPEGImages/a{0}.jpg", "SegmentationClass/a{0}.png"),
    ],
)
def test_one_pile_is_split_by_the_seed(tmp_path, image, label):
    pairs(tmp_path, image, label, count=20)
    inspection = written(tmp_path, tmp_path / "out")
    lists = inspection.split_lists
    assert {split: len(stems) for split, stems in lists.items()} == {"train": 18, "val": 2}
    assert inspect_folder(tmp_path).split_lists == lists != inspect_folder(tmp_path, seed=1).split_lists
    for split, stems in lists.items():
        samples = FolderSamples(tmp_path, split=split, description=tmp_path / "out" / "mereo.yaml")
        assert samples.names == stems and samples[0].semantic_HW.unique().tolist() == [0, 1, 255]


def test_images_without_label_are_left_out(tmp_path):
    pairs(tmp_path, "images/a{0}.jpg", "labels/a{0}.png")
    picture(tmp_path / "images" / "unlabelled.jpg")
    assert sum(map(len, inspect_folder(tmp_path).split_lists.values())) == 4


@pytest.mark.parametrize(
    ("values", "ignored"),
    [((0, 1, 2, 255), (255,)), ((0, 255), ()), ((0, 128, 255), ()), ((1, 2, 5, 255), (255,)), ((0, 1, 2), ())],
)
def test_the_ignored_id_is_proposed(tmp_path, values, ignored):
    pairs(tmp_path, "images/a{0}.jpg", "labels/a{0}.png", values=values)
    inspection = inspect_folder(tmp_path)
    assert inspection.ignored_ids == ignored and set(inspection.pixels_of_raw) == set(values)
    table = taxonomy_from_dict(load_yaml(taxonomy_text(inspection, name="t"), source="a test")).objects
    assert {raw for raw, index in table.raw_to_index.items() if index is None} == set(ignored)
    assert len(table) == len(values) - len(ignored)


def test_colour_masks_become_a_colour_table(tmp_path):
    for number in range(3):
        picture(tmp_path / "images" / f"{number}.jpg")
        mask = np.zeros((4, 6, 3), np.uint8)
        mask[0] = (255, 128, 0)
        (tmp_path / "labels").mkdir(exist_ok=True)
        # One mask without any colour must not make the others unreadable.
        Image.fromarray(mask if number else mask * 0).save(tmp_path / "labels" / f"{number}.png")
    inspection = written(tmp_path, tmp_path / "out")
    assert inspection.is_colour_coded and inspection.ignored_ids == ()
    samples = FolderSamples(tmp_path, description=tmp_path / "out" / "mereo.yaml")
    assert samples.taxonomy.object_names == ["background", "colour_ff8000"]
    assert samples.taxonomy.objects.colours == ("#000000", "#ff8000")
    assert {sample.semantic_HW.max().item() for sample in samples} <= {0, 1}


def test_names_beside_the_labels_are_used(tmp_path):
    pairs(tmp_path, "images/a{0}.jpg", "labels/a{0}.png")
    (tmp_path / "class_names.txt").write_text("__ignore__\n_background_\nca: r\nunused\n")
    inspection = inspect_folder(tmp_path)
    assert inspection.names == {0: "background", 1: "ca: r", 2: "unused"}
    names = taxonomy_from_dict(load_yaml(taxonomy_text(inspection, name="t"), source="a test")).object_names
    assert names == ["background", "ca: r", "unused"]
    (tmp_path / "class_names.txt").write_text("only_one\n")
    with pytest.raises(BadInput, match="one for each id up to 1, but got 1 lines in .*class_names.txt"):
        inspect_folder(tmp_path)
    (tmp_path / "class_names.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="class names must be readable UTF-8 text"):
        inspect_folder(tmp_path)


def test_instances_are_found_beside(tmp_path):
    pairs(tmp_path, "images/a{0}.jpg", "labels/a{0}.png")
    for number in range(4):
        picture(tmp_path / "instances" / f"a{number}.png", [0, 3, 255])
    written(tmp_path, tmp_path / "out")
    sample = FolderSamples(tmp_path, description=tmp_path / "out" / "mereo.yaml")[0]
    assert sample.instances_HW.unique().tolist() == [0, 3]
    (tmp_path / "instances" / "a0.png").unlink()
    assert find_layout(tmp_path).instances is None


def test_what_cannot_be_used_is_explained(tmp_path):
    with pytest.raises(BadInput, match="a labelled folder must be a folder, but got none"):
        inspect_folder(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="must hold pictures .* but got none"):
        inspect_folder(tmp_path)
    picture(tmp_path / "images" / "a.jpg")
    with pytest.raises(
        BadInput, match=r"images and labels with the same stems, .* \(folders with pictures: images: 1\)"
    ):
        inspect_folder(tmp_path)
    picture(tmp_path / "labels" / "a.png", [0, 1])
    with pytest.raises(BadInput, match="at least two pairs, but got 1"):
        inspect_folder(tmp_path)
    picture(tmp_path / "images" / "b.jpg")
    picture(tmp_path / "labels" / "b.jpg", [0, 1])
    with pytest.raises(BadInput, match="stored without loss .*but got JPEG in .*labels"):
        inspect_folder(tmp_path)


def test_stems_that_do_not_fit_in_one_split_are_named(tmp_path):
    pairs(tmp_path, "train/images/a{0}.jpg", "train/labels/a{0}.png")
    picture(tmp_path / "val" / "images" / "x.jpg")
    picture(tmp_path / "val" / "labels" / "y.png", [0])
    with pytest.raises(BadInput, match=r"paired by stem, but got none of 1 images and 1 labels .*images: x; labels: y"):
        inspect_folder(tmp_path)


def test_smooth_masks_are_refused(tmp_path):
    random = np.random.default_rng(0)
    for number in range(2):
        picture(tmp_path / "images" / f"{number}.jpg", size=(40, 60))
        (tmp_path / "labels").mkdir(exist_ok=True)
        noise = Image.fromarray(random.integers(0, 256, (40, 60, 3), dtype=np.uint8))
        noise.save(tmp_path / "labels" / f"{number}.png")
    with pytest.raises(
        BadInput, match="at most 1000 different ids, but got more up to .*0.png; save masks without smoothing"
    ):
        inspect_folder(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
@pytest.mark.parametrize(
    ("folder", "semantic", "instances", "splits"),
    [
        ("camvid", "{split}/labels", None, ("train", "val")),
        ("carparts", "{split}/parts", "{split}/instances", ("train", "val")),
        ("clothes", "{split}/labels", None, ("train", "val")),
        ("voc2007", "SegmentationClass", "SegmentationObject", ("",)),
    ],
)
def test_real_layouts(folder, semantic, instances, splits):
    layout = find_layout(SHARED / folder)
    assert (layout.semantic, layout.instances, layout.splits) == (semantic, instances, splits)
