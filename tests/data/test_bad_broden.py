"""What can be wrong with a copy of Broden+ is said in one line, with the file's name."""

from pathlib import Path

import pytest
from broden_folder import LISTS, codes, halves, picture, write_broden
from scipy.io import savemat

from mereo.data.formats.broden_format import BrodenSamples
from mereo.errors import BadInput


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_broden(tmp_path)


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
