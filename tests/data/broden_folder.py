"""A small folder in the layout of Broden+, with names of its own: every label is known beforehand."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

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


def write_broden(folder: Path) -> Path:
    meta, data = folder / "meta_file", folder / "broden_dataset"
    (meta / "ade20k").mkdir(parents=True)
    for name, text in LISTS.items():
        (meta / name).write_text(text)
    for name, records in RECORDS.items():
        lines = [json.dumps({"dataset": data_set, "file_index": index, "width": 6}) for data_set, index in records]
        (meta / name).write_text("\n".join(lines) + "\n")
    index = {"folder": np.array(["R/x", "R/y"], dtype=object), "filename": np.array(["a1.jpg", "a2.jpg"], dtype=object)}
    savemat(meta / "ade20k" / "index_ade20k.mat", {"index": index})
    for stem, place in (("a1", "x"), ("a2", "y")):
        picture(data / "ade20k" / "R" / place / f"{stem}.jpg")
        codes(data / "ade20k" / "R" / place / f"{stem}_seg.png", halves(300, 401))
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
    return folder


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
