"""Drawn scenes as a plain folder: pictures, label maps, scenes.csv, taxonomy.yaml and mereo.yaml."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.atomic_files import atomic_path, write_bytes, write_text
from mereo.data.drawn.labels import drawn_taxonomy
from mereo.data.drawn_scenes import KINDS, DrawnScenes, draw_scene
from mereo.data.formats.folder_description import DESCRIPTION_FILE
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.data.sample import Sample
from mereo.data.taxonomy import LabelTable
from mereo.data.taxonomy_file import taxonomy_to_dict
from mereo.errors import BadInput
from mereo.strict_yaml import dump_yaml, load_yaml

NAME = "drawn_scenes"
SPLITS = ("train", "val")
LABEL_FOLDERS = {
    "semantic": "labels",
    "instances": "instances",
    "parts": "parts",
    "materials": "materials",
    "textures": "textures",
}
JPEG_QUALITY = 92
# There from the first file to the last: what an interrupted run left may be drawn anew.
UNFINISHED = ".mereo_drawing"


def write_drawn_folder(
    folder: Path, *, num_train: int, num_val: int, seed: int = 0, size: tuple[int, int] = (240, 320),
    kinds: tuple[str, ...] = KINDS, image_format: str = "jpeg", is_replacing: bool = False,
    on_sample: Callable[[Sample], None] = lambda _: None,
) -> None:  # fmt: skip
    """Train holds scenes 0 .. num_train - 1 of the seed, val those after. `mereo.yaml` is written last."""
    for name, count in (("train", num_train), ("val", num_val)):
        if count < 0:
            raise BadInput(f"the number of {name} scenes must be at least 0, but got {count}; ask for some.")
    if num_train + num_val == 0:
        raise BadInput("a data set must have at least one scene, but got 0; ask for some with --count.")
    DrawnScenes(num_train + num_val, seed=seed, size=size, kinds=kinds)  # Refuses what cannot be drawn, in time.
    prepare_folder(folder, is_replacing=is_replacing)
    write_text(folder / UNFINISHED, "Scenes are being drawn here, or that was interrupted.\n")
    rows = []
    for index in range(num_train + num_val):
        split = "train" if index < num_train else "val"
        sample = draw_scene(seed, index, size=size, kind=kinds[index % len(kinds)])
        image_file = _write_sample(folder / split, sample, image_format)
        rows.append((image_file, split, KINDS[sample.scene or 0]))
        on_sample(sample)
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("image", "split", "scene"), *rows])
    write_text(folder / "scenes.csv", table.getvalue())
    write_text(folder / "taxonomy.yaml", dump_yaml(taxonomy_to_dict(drawn_taxonomy())))
    description = {"name": NAME, "taxonomy": "taxonomy.yaml", "images": "{split}/images"}
    description |= {kind: f"{{split}}/{name}" for kind, name in LABEL_FOLDERS.items()}
    write_text(folder / DESCRIPTION_FILE, dump_yaml(description | {"scenes": "scenes.csv"}))
    (folder / UNFINISHED).unlink(missing_ok=True)


def prepare_folder(folder: Path, *, is_replacing: bool) -> None:
    """An empty folder, or one whose earlier drawn scenes are taken away; nothing else is ever deleted."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} must be a folder, but got a file; choose another path.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not is_replacing:
        raise BadInput(
            f"{folder} must be empty, but got files in it; choose another folder, or pass --force to draw anew."
        )
    if not _is_drawn(folder) and any((folder / split).exists() for split in SPLITS):
        raise BadInput(
            f"{folder} must hold drawn scenes to draw them anew, but got a train or val folder of another data set; "
            "choose another folder."
        )
    write_text(folder / UNFINISHED, "Older scenes are being taken away.\n")
    (folder / DESCRIPTION_FILE).unlink(missing_ok=True)
    for split in SPLITS:
        for name in ("images", *LABEL_FOLDERS.values()):
            shutil.rmtree(folder / split / name, ignore_errors=True)


def _is_drawn(folder: Path) -> bool:
    # An interrupted run leaves no mereo.yaml, but its folders are known by what they are called.
    if (folder / UNFINISHED).is_file():
        return True
    path = folder / DESCRIPTION_FILE
    if not path.is_file():
        known = {"images", *LABEL_FOLDERS.values()}
        present = {entry.name for split in SPLITS if (folder / split).is_dir() for entry in (folder / split).iterdir()}
        return present == known
    content = load_yaml(path.read_text(encoding="utf-8"), source=str(path))
    return isinstance(content, dict) and content.get("name") == NAME


def _write_sample(folder: Path, sample: Sample, image_format: str) -> str:
    image_HWC = sample.image_CHW.permute(1, 2, 0).numpy()
    image_file = f"{sample.name}.{'jpg' if image_format == 'jpeg' else 'png'}"
    options = {"quality": JPEG_QUALITY, "subsampling": 0} if image_format == "jpeg" else {}
    write_bytes(folder / "images" / image_file, picture_bytes(image_HWC, image_format, **options))
    taxonomy = drawn_taxonomy()
    instances_HW = _array(sample.instances_HW)
    maps = {
        "semantic": raw_ids(_array(sample.semantic_HW), taxonomy.objects),
        "instances": instances_HW.astype(np.uint8 if instances_HW.max() < 256 else np.uint16),
        "parts": raw_ids(_array(sample.parts_HW), taxonomy.parts),
        "materials": raw_ids(_array(sample.material_HW), taxonomy.materials),
        "textures": raw_ids(_array(sample.texture_HW), taxonomy.textures),
    }
    for kind, raw_HW in maps.items():
        with atomic_path(folder / LABEL_FOLDERS[kind] / f"{sample.name}.png") as temporary:
            Image.fromarray(raw_HW).save(temporary, format="PNG")
    return image_file


def raw_ids(index_HW: np.ndarray, table: LabelTable | None) -> np.ndarray:
    """The inverse of `LabelTable.to_index`, as 8-bit ids: the first raw id of each class."""
    lookup = np.zeros(256, dtype=np.uint8)
    if table is not None:
        for raw, index in sorted(table.raw_to_index.items(), reverse=True):
            lookup[table.ignore_index if index is None else index] = raw
    return lookup[index_HW]


def _array(mask_HW: object) -> np.ndarray:
    return np.asarray(mask_HW)
