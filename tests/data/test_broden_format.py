"""A small folder in the layout of Broden+, written here with names of its own: every label is known beforehand."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from mereo.data.broden_format import BrodenSamples
from mereo.data.broden_pascal import part_word, read_part_map, read_part_words
from mereo.data.parts_of_owners import parts_of_owners
from mereo.data.sources import BrodenSource, JoinedSource, open_samples
from mereo.errors import BadInput

SIZE = (4, 6)
LISTS = {
    "object.csv": "label,name\n0,-\n1,sky\n2,car\n3,horse\n4,mouse\n5,mouse\n",
    "part.csv": "label,name\n0,-\n1,wheel\n2,door\n3,leg\n",
    "material.csv": "label,name\n0,-\n1,wood\n2,glass\n",
    "scene.csv": "label,name\n0,street\n1,field\n",
    "texture.csv": "label,name\n0,banded\n1,woven\n",
    "object_part_hierarchy.csv": "object_label,object_name,part_labels,part_names\n2,car,0;1;2,x\n3,horse,0;3,y\n",
    "label_assignment.csv": (
        "dataset,category,raw_label,raw_name,broden_label,broden_name\n"
        "ade20k,object,300,sky,1,sky\nade20k,object,401,car,2,car\nade20k,object,402,odd,0,-\n"
        "ade20k,part,7,wheel,1,wheel\nade20k,part,9,door,2,door\nade20k,part,11,odd,0,-\n"
        "ade20k,scene,0,--s,-1,-\nade20k,scene,1,old_road-s,0,street\n"
        "pascal,object,5,horse,3,horse\npascal,object,6,sky,1,sky\npascal,part,2,leg,3,leg\n"
        "os,material,0,,0,-\nos,material,1,oak,1,wood\nos,material,3,pane,2,glass\n"
    ),
    "scene_categories.txt": "a1 old_road\na2 misc\n",
    "labels_joint_anno.txt": "woven/w1.jpg woven banded\nbanded/b1.jpg banded\n",
}
PART2IND = """
% [horse]
pimap{13}('lfuleg')     = 6;                % left front upper leg
for ii = 1:10
    pimap{13}(sprintf('leg_%d', ii)) = 10+ii; % multiple legs
end
pimap{13}('lfho')       = 30;
"""
RECORDS = {
    "broden_ade20k_pascal_train.json": [("ade20k", 0), ("ade20k", 1), ("pascal", 1)],
    "broden_ade20k_pascal_val.json": [("ade20k", 1)],
    "broden_os_train.json": [("os", 0)],
    "dtd_training_list.json": [("dtd", 0), ("dtd", 1)],
}


def picture(path: Path, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(path)


def codes(path: Path, values_HW: np.ndarray) -> None:
    """ADE20K's packing: red // 10 * 256 + green."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = np.stack([values_HW // 256 * 10, values_HW % 256, np.zeros_like(values_HW)], axis=-1)
    Image.fromarray(channels.astype(np.uint8)).save(path)


def halves(left: int, right: int) -> np.ndarray:
    values_HW = np.full(SIZE, left)
    values_HW[:, 3:] = right
    return values_HW


@pytest.fixture
def root(tmp_path: Path) -> Path:
    meta, data = tmp_path / "meta_file", tmp_path / "broden_dataset"
    (meta / "ade20k").mkdir(parents=True)
    for name, text in LISTS.items():
        (meta / name).write_text(text)
    for name, records in RECORDS.items():
        lines = [json.dumps({"dataset": data_set, "file_index": index, "width": 6}) for data_set, index in records]
        (meta / name).write_text("\n".join(lines) + "\n")
    index = {"folder": np.array(["R/x", "R/y"], dtype=object), "filename": np.array(["a1.jpg", "a2.jpg"], dtype=object)}
    savemat(meta / "ade20k" / "index_ade20k.mat", {"index": index})
    for stem, folder in (("a1", "x"), ("a2", "y")):
        picture(data / "ade20k" / "R" / folder / f"{stem}.jpg")
        codes(data / "ade20k" / "R" / folder / f"{stem}_seg.png", halves(300, 401))
    parts_HW = halves(7, 7)  # A wheel on the sky as well: it has no parts.
    parts_HW[0, 3:], parts_HW[1, 3:], parts_HW[2, 3:] = 0, 11, 9
    codes(data / "ade20k" / "R" / "x" / "a1_parts_1.png", parts_HW)
    write_pascal(data / "pascal")
    picture(data / "opensurfaces" / "photos" / "12.jpg")
    red_HW = np.kron(halves(1, 3), np.ones((2, 2), dtype=int))  # Twice the photograph's size.
    red_HW[:2] = 0
    (data / "opensurfaces" / "photos-labels").mkdir()
    colours = np.stack([red_HW, red_HW * 7, red_HW * 0], axis=-1).astype(np.uint8)
    Image.fromarray(colours).save(data / "opensurfaces" / "photos-labels" / "12.png")
    (data / "opensurfaces" / "photos.csv").write_text("photo_id,fov\n12,3\n")
    for name in ("woven/w1.jpg", "banded/b1.jpg"):
        picture(data / "dtd" / "dtd-r1.0.1" / "images" / name)
    return tmp_path


def write_pascal(folder: Path) -> None:
    (folder / "part" / "Annotations_Part").mkdir(parents=True)
    (folder / "context" / "trainval").mkdir(parents=True)
    (folder / "part" / "part2ind.m").write_text(PART2IND)
    mask_HW = np.zeros(SIZE, dtype=np.uint8)
    mask_HW[3, :2] = 1
    parts = np.zeros(2, dtype=[("part_name", object), ("mask", object)])
    parts[0], parts[1] = ("lfuleg", mask_HW), ("tail", np.ones(SIZE, dtype=np.uint8) - mask_HW)
    things = np.zeros(2, dtype=[("class_ind", object), ("parts", object)])
    things[0], things[1] = (13, parts), (2, np.zeros((0, 0)))
    for stem in ("p0", "p1"):
        picture(folder / "VOC2010" / "JPEGImages" / f"{stem}.jpg")
        savemat(folder / "part" / "Annotations_Part" / f"{stem}.mat", {"anno": {"objects": things}})
        savemat(folder / "context" / "trainval" / f"{stem}.mat", {"LabelMap": halves(5, 6).astype(np.uint16)})


def test_the_taxonomy_is_made_of_the_lists(root: Path) -> None:
    taxonomy = BrodenSamples(root).taxonomy
    assert taxonomy.object_names == ["sky", "car", "horse", "mouse (4)", "mouse (5)"]
    assert taxonomy.parts is not None and taxonomy.parts.names == ("rest", "wheel", "door", "leg")
    assert taxonomy.part_indices_of("car") == (0, 1, 2) and taxonomy.part_indices_of("horse") == (0, 3)
    assert taxonomy.materials is not None and taxonomy.materials.names == ("wood", "glass")
    assert taxonomy.scenes is not None and taxonomy.textures is not None and len(taxonomy.textures) == 2


def test_as_many_classes_as_the_paper_has(root: Path) -> None:
    """335 objects, 152 parts and rest, 25 materials, 365 scenes, 47 textures; void objects need a wide ignore index."""
    sizes = {"object": 335, "part": 152, "material": 25, "scene": 365, "texture": 47}
    for kind, size in sizes.items():
        has_void = kind in ("object", "part", "material")
        names = (["-"] if has_void else []) + [f"{kind} {index}" for index in range(size)]
        rows = "".join(f"{label},{name}\n" for label, name in enumerate(names))
        (root / "meta_file" / f"{kind}.csv").write_text(f"label,name\n{rows}")
    samples = BrodenSamples(root)
    taxonomy, sample = samples.taxonomy, samples[0]
    tables = (taxonomy.objects, taxonomy.parts, taxonomy.materials, taxonomy.scenes, taxonomy.textures)
    assert [len(table) for table in tables if table is not None] == [335, 153, 25, 365, 47]
    codes(samples.files[0].with_name("a1_seg.png"), halves(402, 300))
    assert sample.parts_HW is not None and samples[0].semantic_HW is not None
    assert samples[0].semantic_HW[0].tolist() == [65535] * 3 + [0] * 3


def test_objects_parts_and_scene_of_ade20k(root: Path) -> None:
    samples = BrodenSamples(root)
    assert samples.names == ["ade20k/a1", "ade20k/a2", "pascal/p1"] and len(samples) == 3
    sample = samples[0]
    assert sample.semantic_HW is not None and sample.semantic_HW[0].tolist() == [0, 0, 0, 1, 1, 1]
    assert sample.parts_HW is not None and sample.parts_HW[:, :3].unique().tolist() == [255]
    # No part and a part that no list knows are rest; then door, then wheel.
    assert sample.parts_HW[:, 3].tolist() == [0, 0, 2, 1]
    assert sample.scene == 0
    without = samples[1]
    assert without.scene is None and without.parts_HW is not None and without.parts_HW.unique().tolist() == [255]
    assert [sample.name for sample in BrodenSamples(root, split="val")] == ["ade20k/a2"]


def test_objects_and_parts_of_pascal(root: Path) -> None:
    sample = BrodenSamples(root)[2]
    assert sample.semantic_HW is not None and sample.semantic_HW[0].tolist() == [2, 2, 2, 0, 0, 0]
    assert sample.parts_HW is not None and sample.parts_HW[3].tolist() == [3, 3, 0, 255, 255, 255]
    assert sample.parts_HW[0].tolist() == [0, 0, 0, 255, 255, 255] and sample.scene is None


def test_one_thing_with_one_part(tmp_path: Path) -> None:
    """MATLAB's lists of one are no lists."""
    part = {"part_name": "leg_2", "mask": halves(0, 1).astype(np.uint8)}
    savemat(tmp_path / "one.mat", {"anno": {"objects": {"class_ind": 13, "parts": part}}})
    part_HW = read_part_map(tmp_path / "one.mat", size=SIZE, part_words={}, part_of_word={"leg": 3})
    assert (part_HW == halves(0, 3)).all()
    with pytest.raises(BadInput, match="objects with parts and masks of the picture's size, but got ValueError in"):
        read_part_map(tmp_path / "one.mat", size=(4, 7), part_words={}, part_of_word={"leg": 3})


def test_words_of_parts(root: Path) -> None:
    words = read_part_words(root / "broden_dataset" / "pascal" / "part" / "part2ind.m")
    assert words == {"lfuleg": "leg", "leg": "leg", "lfho": "hoof"}
    assert part_word("right back lower leg") == "leg" and part_word("bwheel") == "wheel"


def test_materials_are_brought_to_the_photograph(root: Path) -> None:
    (sample,) = BrodenSamples(root, labels="materials")
    assert sample.material_HW is not None and sample.semantic_HW is None
    assert sample.material_HW.tolist() == [[255] * 6] + [[0, 0, 0, 1, 1, 1]] * 3


def test_textures_are_folders(root: Path) -> None:
    samples = BrodenSamples(root, labels="textures")
    assert [(sample.name, sample.texture) for sample in samples] == [("dtd/w1", 1), ("dtd/b1", 0)]
    assert samples[0].masks == {}


def test_the_lists_are_joined(root: Path) -> None:
    sources = {name: BrodenSource(root=str(root), labels=name) for name in ("objects", "materials", "textures")}
    samples = open_samples(JoinedSource(sources=sources))
    assert len(samples) == 6 and samples.names[3] == "materials/os/12" and samples.taxonomy.name == "broden_plus"
    assert samples.fingerprint == open_samples(JoinedSource(sources=sources)).fingerprint


@given(st.data())
def test_parts_against_a_loop(data: st.DataObject) -> None:
    objects, parts = st.sampled_from([0, 1, 2, 255]), st.integers(0, 3)
    object_HW = np.array(data.draw(st.lists(st.lists(objects, min_size=4, max_size=4), min_size=3, max_size=3)))
    part_HW = np.array(data.draw(st.lists(st.lists(parts, min_size=4, max_size=4), min_size=3, max_size=3)))
    own = {0: data.draw(st.sets(st.integers(1, 3))), 1: data.draw(st.sets(st.integers(1, 3))), 2: set()}
    is_part_of_KP = np.array([[part in own[k] for part in range(4)] for k in range(3)])
    wanted = np.full((3, 4), 255)
    for row in range(3):
        for column in range(4):
            owner = int(object_HW[row, column])
            drawn = {int(p) for p, o in zip(part_HW.flat, object_HW.flat) if o == owner} & own.get(owner, set())
            if drawn:
                wanted[row, column] = part_HW[row, column] if int(part_HW[row, column]) in own[owner] else 0
    assert (parts_of_owners(object_HW, part_HW, is_part_of_KP, ignore_index=255) == wanted).all()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("object.csv", None, r"Broden\+ must have meta_file/object.csv, but got none in .*; copy the folder"),
        ("object.csv", "label\n0\n", r"must have the columns label, name, but lacks \['name'\] in .*object.csv"),
        ("object.csv", "label,name\n0,-\n2,sky\n", r"labels must count from 0 without a gap, but got \[0, 2\] ... in"),
        ("object.csv", "label,name\n0,-\nx,sky\n", "a label of .* must be a whole number, but got 'x' in .*object.csv"),
        ("object.csv", "label,name\n0,sky\n1,car\n", "label 0 must be void .'-'., but got 'sky' in .*object.csv"),
        ("scene.csv", "label,name\n", "labels must count from 0"),
        (
            "object_part_hierarchy.csv",
            "object_label,part_labels\n2,0;9\n",
            r"objects and parts must be in their lists, but got object 2 with \[0, 9\] in",
        ),
        (
            "label_assignment.csv",
            "dataset,category,raw_label,raw_name,broden_label\nos,material,1,oak,3\n",
            "a material must be in its list, but got label 3 in label_assignment.csv",
        ),
        ("broden_ade20k_pascal_train.json", "", "records of objects must be of ade20k, pascal, but got none in"),
        (
            "broden_ade20k_pascal_train.json",
            '{"dataset": "os", "file_index": 0}',
            r"records of objects must be of ade20k, pascal, but got \['os'\] in",
        ),
        ("broden_ade20k_pascal_train.json", "{", r"a record of Broden\+ must be JSON, but got"),
        ("broden_ade20k_pascal_train.json", '{"dataset": "ade20k"}', "a record of .*file_index: Field required"),
        (
            "broden_ade20k_pascal_train.json",
            '{"dataset": "ade20k", "file_index": 2}',
            "a record's file_index must be below 2 in ade20k, but got 2",
        ),
        ("ade20k/index_ade20k.mat", "no matlab", "a MATLAB file must be readable, but got .* in .*index_ade20k.mat"),
    ],
)
def test_bad_lists(root: Path, name: str, text: str | None, message: str) -> None:
    path = root / "meta_file" / name
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(BadInput, match=message):
        BrodenSamples(root)


def test_more_bad_lists(root: Path) -> None:
    meta = root / "meta_file"
    (meta / "part.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(
        BadInput, match="must be a readable CSV file, but got bytes that are no UTF-8 text in .*part.csv"
    ):
        BrodenSamples(root)
    (meta / "part.csv").write_text(LISTS["part.csv"])
    savemat(meta / "ade20k" / "index_ade20k.mat", {"index": 3})
    with pytest.raises(BadInput, match="ADE20K's index must hold folder and filename, but got neither in"):
        BrodenSamples(root)
    (meta / "labels_joint_anno.txt").write_text("../../../secret.jpg x\nwoven/w1.jpg\n")
    with pytest.raises(BadInput, match=r"a file of Broden\+ must lie in .*images, but got '../../../secret.jpg'; mend"):
        BrodenSamples(root, labels="textures")
    (meta / "labels_joint_anno.txt").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="must be a readable text file, but got bytes that are no UTF-8 text"):
        BrodenSamples(root, labels="textures")


def test_what_is_wrong_with_a_picture_is_named(root: Path) -> None:
    data = root / "broden_dataset"
    samples, materials = BrodenSamples(root), BrodenSamples(root, labels="materials")
    codes(data / "ade20k" / "R" / "x" / "a1_seg.png", halves(300, 999))
    with pytest.raises(BadInput, match=r"but got 999 at pixel \(row 0, column 3\) in .*a1_seg.png"):
        samples[0]
    savemat(data / "pascal" / "context" / "trainval" / "p1.mat", {"Other": 3})
    with pytest.raises(BadInput, match="PASCAL-Context must hold LabelMap in rows and columns, but got none in .*p1"):
        samples[2]
    picture(data / "opensurfaces" / "photos" / "12.jpg", (4, 9))
    with pytest.raises(BadInput, match="label and photograph must have one shape, but got 12x8 for 9x4 in .*12.png"):
        materials[0]
    picture(data / "opensurfaces" / "photos" / "12.jpg")
    (data / "ade20k" / "R" / "y" / "a2.jpg").unlink()
    with pytest.raises(
        BadInput, match="pictures of broden_ade20k_pascal_train.json must be there, .* 1 of 3, first .*a2"
    ):
        BrodenSamples(root)
    (root / "meta_file" / "texture.csv").write_text("label,name\n0,banded\n")
    with pytest.raises(BadInput, match="a folder of DTD must be named after a texture, but got 'woven' for"):
        BrodenSamples(root, labels="textures")[0]
    rows = [line for line in LISTS["label_assignment.csv"].splitlines() if not line.startswith("os,")]
    (root / "meta_file" / "label_assignment.csv").write_text("\n".join(rows))
    with pytest.raises(BadInput, match="label_assignment.csv must assign every material of os, but got none in"):
        BrodenSamples(root, labels="materials")[0]
