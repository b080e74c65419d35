import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.formats.file_pairing import files_by_stem, stems_of_list
from mereo.data.formats.folder_format import FolderSamples, splits_of
from mereo.errors import BadInput

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
DESCRIPTION = """
name: tiny
taxonomy: {objects: [sky, road, {name: car, ids: [7], thing: true}], ignored_ids: [255], scenes: [town, field]}
images: "{split}/images"
semantic: "{split}/labels"
"""


def write_label(path: Path, values, size=(4, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(values, dtype=np.uint8), size)).save(path)


def write_image(path: Path, size=(4, 6), **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(path, **options)


@pytest.fixture
def tiny(tmp_path):
    root = tmp_path / "tiny"
    for split, stems in {"train": ["b", "a", "c"], "val": ["d"]}.items():
        for stem in stems:
            write_image(root / split / "images" / f"{stem}.jpg")
            write_label(root / split / "labels" / f"{stem}.png", [0, 1, 7, 255])
    (root / "mereo.yaml").write_text(DESCRIPTION)
    return root


def test_pairs_come_sorted_with_indices_from_the_table(tiny):
    samples = FolderSamples(tiny)
    assert samples.names == ["a", "b", "c"] and len(samples) == 3
    sample = samples[1]
    assert sample.name == "b" and sample.size == (4, 6) and sample.scene is None
    assert sample.semantic_HW.flatten()[:4].tolist() == [0, 1, 2, 255]
    assert samples.taxonomy.object_names == ["sky", "road", "car"]
    assert FolderSamples(tiny, split="val").names == ["d"]
    assert [label.raw_HW.max() for label in samples.raw_labels(0)] == [255]
    with pytest.raises(IndexError):
        samples[3]


def test_the_fingerprint_follows_the_files(tiny):
    before = FolderSamples(tiny).fingerprint
    assert FolderSamples(tiny).fingerprint == before
    write_label(tiny / "train" / "labels" / "a.png", [0], size=(4, 6))
    assert FolderSamples(tiny).fingerprint != before


def test_unpaired_stems_are_listed_five_at_most(tiny):
    for number in range(7):
        write_image(tiny / "train" / "images" / f"x{number}.jpg")
    with pytest.raises(
        BadInput,
        match=r"paired by stem, but got 7 of 10 stems .*: x0, x1, x2, x3, x4, \.\.\. in .*tiny.*'train/labels'",
    ):
        FolderSamples(tiny)


def test_labels_without_image_are_listed(tiny):
    write_label(tiny / "train" / "labels" / "lonely.png", [0])
    with pytest.raises(BadInput, match="1 of 4 files have no image for 'semantic': lonely"):
        FolderSamples(tiny)


def test_empty_and_missing_folders(tiny, tmp_path):
    (tiny / "test" / "images").mkdir(parents=True)
    (tiny / "test" / "labels").mkdir()
    with pytest.raises(BadInput, match="at least one image, but got none in .* with the pattern 'test/images'"):
        FolderSamples(tiny, split="test")
    with pytest.raises(BadInput, match="split must be one of test, train, val, but got 'holdout'"):
        FolderSamples(tiny, split="holdout")
    with pytest.raises(BadInput, match="a data root must be a folder, but got none in .*nowhere"):
        FolderSamples(tmp_path / "nowhere")
    (tiny / "mereo.yaml").write_text(DESCRIPTION.replace("{split}/labels", "{split}/masks"))
    with pytest.raises(BadInput, match="a folder of pictures must exist, but got none in .*train/masks"):
        FolderSamples(tiny)
    (tiny / "mereo.yaml").write_text(DESCRIPTION.replace("{split}/images", "{split}/photos"))
    with pytest.raises(BadInput, match="a folder for each split, but got none for '{split}/photos'"):
        FolderSamples(tiny)


def test_two_files_of_one_stem(tiny):
    write_image(tiny / "train" / "images" / "a.png")
    with pytest.raises(BadInput, match="a stem must name one file, but got a.jpg and a.png"):
        FolderSamples(tiny)


def test_sizes_that_differ_name_both_files(tiny):
    write_label(tiny / "train" / "labels" / "a.png", [0], size=(4, 7))
    with pytest.raises(BadInput, match=r"size 6x4 \(.*a.jpg\), but got 7x4 in .*a.png; label and image must belong"):
        FolderSamples(tiny)[0]


def test_an_image_turned_by_exif_wants_a_turned_label(tiny):
    exif = Image.Exif()
    exif[274] = 6
    write_image(tiny / "train" / "images" / "a.jpg", exif=exif)
    with pytest.raises(BadInput, match="the image is turned by its EXIF tag and the label is not"):
        FolderSamples(tiny)[0]
    write_label(tiny / "train" / "labels" / "a.png", [0, 1], size=(6, 4))
    assert FolderSamples(tiny)[0].size == (6, 4)
    # A label that carries the tag itself is turned together with its image.
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tiny / "train" / "labels" / "a.png", exif=exif)
    assert FolderSamples(tiny)[0].size == (6, 4)


def test_an_unknown_id_is_named(tiny):
    write_label(tiny / "train" / "labels" / "c.png", [0, 0, 9])
    with pytest.raises(BadInput, match=r"but got 9 at pixel \(row 0, column 2\) in .*c.png"):
        FolderSamples(tiny)[2]


def test_other_labels_and_star_patterns(tmp_path):
    root = tmp_path / "one pile ü"
    for stem in ("k/1", "k/2"):
        write_image(root / f"{stem}_photo.png")
        write_label(root / f"{stem}_mask.png", [0, 1])
        write_label(root / "ids" / f"{stem}.png", [0, 3, 255])
        write_label(root / "stuff" / f"{stem}.png", [0, 1])
    (root / "mereo.yaml").write_text(
        """
name: pile
taxonomy:
  objects: [a, b]
  parts: [{name: lid, of: [b], ids: [1]}]
  ignored_part_ids: [0]
  materials: [wood, stone]
  textures: [banded, dotted]
images: "*_photo.png"
semantic: "*_mask"
instances: ids
ignored_instance_ids: [255]
parts: stuff
materials: stuff
textures: stuff
split_lists: {train: train.txt, val: val.txt}
"""
    )
    (root / "train.txt").write_text("# first\nk/1\n\n")
    (root / "val.txt").write_text("k/2\n")
    sample = FolderSamples(root)[0]
    assert sample.name == "k/1" and len(FolderSamples(root, split="val")) == 1
    assert sample.instances_HW.unique().tolist() == [0, 3]
    assert sample.parts_HW.unique().tolist() == [0, 255]
    assert sample.material_HW.unique().tolist() == sample.texture_HW.unique().tolist() == [0, 1]
    with pytest.raises(BadInput, match="split must be one of train, val, but got 'test'"):
        FolderSamples(root, split="test")
    (root / "val.txt").write_text("k/2\nk/3\n")
    with pytest.raises(BadInput, match="1 of 2 stems have no file for 'images': k/3"):
        FolderSamples(root, split="val")


def test_split_lists(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a.jpg\nb.c\n")
    assert stems_of_list(path) == ["a", "b.c"]
    path.write_text("a\nb\na\n")
    with pytest.raises(BadInput, match="each image once, but got 'a' twice in .*list.txt"):
        stems_of_list(path)
    path.write_text("\n")
    with pytest.raises(BadInput, match="at least one image, but got none in .*list.txt"):
        stems_of_list(path)
    with pytest.raises(BadInput, match="a readable text file, but got No such file"):
        stems_of_list(tmp_path / "missing.txt")


def test_one_pile_of_pictures_is_one_split(tiny):
    text = DESCRIPTION.replace("{split}", "train")
    (tiny / "mereo.yaml").write_text(text)
    assert len(FolderSamples(tiny)) == 3
    with pytest.raises(BadInput, match="split must be one of train, but got 'val'"):
        FolderSamples(tiny, split="val")


def test_scenes_come_from_a_csv(tiny):
    (tiny / "mereo.yaml").write_text(DESCRIPTION + "scenes: scenes.csv\nignored_scenes: [other]\n")
    (tiny / "scenes.csv").write_text("image,split,scene\na,train,field\nb.jpg,train,town\nc,train,other\nd,val,town\n")
    assert [sample.scene for sample in FolderSamples(tiny)] == [1, 0, None]
    (tiny / "scenes.csv").write_text("image,scene\na,beach\n")
    with pytest.raises(
        BadInput, match="a scene must be one of town, field, but got 'beach' for a in .*scenes.csv, line 2"
    ):
        FolderSamples(tiny)
    (tiny / "scenes.csv").write_text("picture,scene\na,town\n")
    with pytest.raises(BadInput, match="the columns image and scene, but got"):
        FolderSamples(tiny)
    (tiny / "scenes.csv").write_text("image,scene\nzebra,town\n")
    with pytest.raises(BadInput, match="scenes must name images of the split 'train' by stem, but got none"):
        FolderSamples(tiny)
    (tiny / "scenes.csv").unlink()
    with pytest.raises(BadInput, match="scenes must be a readable CSV file, but got No such file"):
        FolderSamples(tiny)


def test_a_taxonomy_may_lie_beside_the_description(tiny):
    (tiny / "classes.yaml").write_text("name: mine\nobjects: [x, y, {name: z, ids: [7]}]\nignored_ids: [255]\n")
    (tiny / "mereo.yaml").write_text(
        'name: tiny\ntaxonomy: classes.yaml\nimages: "{split}/images"\nsemantic: "{split}/labels"\n'
    )
    assert FolderSamples(tiny).taxonomy.object_names == ["x", "y", "z"]


def test_files_by_stem_skips_what_is_hidden_or_no_picture(tmp_path):
    write_image(tmp_path / "images" / "a.JPG")
    write_image(tmp_path / "images" / ".thumbs" / "b.jpg")
    (tmp_path / "images" / "notes.txt").write_text("x")
    assert list(files_by_stem(tmp_path, "images")) == ["a"]


KNOWN = {
    "camvid": ("camvid", 367, 101, (360, 480)),
    "facades": ("facades", 626, 112, (288, 384)),
    "carparts": ("carparts", 290, 50, (384, 384)),
    "carparts_things": ("carparts", 290, 50, (384, 384)),
    "clothes": ("clothes", 400, 50, (384, 254)),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
@pytest.mark.parametrize("name", KNOWN)
def test_the_real_folders(name):
    folder, num_train, num_val, first_size = KNOWN[name]
    root = SHARED / folder
    train, val = (FolderSamples(root, split=split, description=name) for split in ("train", "val"))
    assert (len(train), len(val)) == (num_train, num_val)
    assert set(train.names).isdisjoint(val.names)
    assert splits_of(root, train.loaded.description) == ["train", "val"]
    assert train[0].size == first_size
    for sample in (train[5], val[-1]):
        semantic = sample.semantic_HW
        assert set(semantic.unique().tolist()) <= {*range(train.taxonomy.num_objects), 255}
    fields = {field.name for field in dataclasses.fields(sample) if getattr(sample, field.name) is not None}
    expected = {
        "facades": {"parts_HW", "scene"},
        "carparts": {"parts_HW"},
        "carparts_things": {"instances_HW"},
    }.get(name, set())
    assert fields - {"name", "image_CHW", "semantic_HW"} == expected


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")
def test_carparts_agree_with_themselves():
    """Where a part is, there is a car; and parts as things have the instance ids of the data set."""
    parts = FolderSamples(SHARED / "carparts", description="carparts")[0]
    things = FolderSamples(SHARED / "carparts", description="carparts_things")[0]
    is_part = parts.parts_HW != 255
    assert ((parts.semantic_HW == 1) == is_part).all() and ((things.semantic_HW > 0) == is_part).all()
    assert ((things.instances_HW > 0) == is_part).all()
    assert (things.semantic_HW[is_part] == parts.parts_HW[is_part] + 1).all()
