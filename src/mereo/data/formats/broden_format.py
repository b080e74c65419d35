"""Broden+ (Xiao, Liu, Zhou, Jiang and Sun 2018, "Unified Perceptual Parsing for Scene Understanding", section 3.1).

Four data sets under one list of labels: ADE20K and PASCAL-Context with PASCAL-Part (objects, parts, scenes),
OpenSurfaces (materials), DTD (textures). The layout is the one that the paper's public code makes and reads:

    meta_file/         object.csv, part.csv, material.csv, scene.csv, texture.csv; label_assignment.csv;
                       object_part_hierarchy.csv; broden_ade20k_pascal_{train,val}.json, broden_os_{train,val}.json,
                       dtd_training_list.json, dtd_validation_list.json (one record a line); index_ade20k.mat,
                       scene_categories.txt, labels_joint_anno.txt. Any of them may lie in a folder in it.
    broden_dataset/    ade20k/, pascal/{VOC2010,part,context}/, opensurfaces/{photos,photos-labels}/, dtd/dtd-r1.0.1/

Nobody has run this reader on the data itself, whose links are dead: it follows the layout that the public code reads,
and is tested on a small folder made like that. Least certain is PASCAL-Part, whose words are comments of a MATLAB file.
"""

from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.ade20k_format import read_codes
from mereo.data.formats.broden_files import BrodenFiles, read_lines
from mereo.data.formats.broden_meta import BrodenMeta, meta_file, read_broden_meta
from mereo.data.formats.broden_pascal import read_context_labels, read_part_map, read_part_words
from mereo.data.json_reading import parse_json
from mereo.data.label_reading import read_colours, require_same_size
from mereo.data.parts_of_owners import parts_of_owners
from mereo.data.pictures.image_reading import read_image
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.data.taxonomy import LabelTable
from mereo.errors import BadInput
from mereo.strict_yaml import validated

LISTS = {
    ("objects", "train"): "broden_ade20k_pascal_train.json",
    ("objects", "val"): "broden_ade20k_pascal_val.json",
    ("materials", "train"): "broden_os_train.json",
    ("materials", "val"): "broden_os_val.json",
    ("textures", "train"): "dtd_training_list.json",
    ("textures", "val"): "dtd_validation_list.json",
}
DATA_SETS = {"objects": ("ade20k", "pascal"), "materials": ("os",), "textures": ("dtd",)}
LARGEST_STRETCH = 0.02  # Photographs and labels of OpenSurfaces are rounded apart.


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    dataset: str
    file_index: int = Field(ge=0, le=10_000_000)


class BrodenSamples(Samples):
    """One of Broden+'s lists: `labels` objects (with parts and scenes), materials, or textures.

    The three have one taxonomy, made of the user's lists, and are meant to be joined.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        labels: Literal["objects", "materials", "textures"] = "objects",
        split: Literal["train", "val"] = "train",
    ) -> None:
        self.root = Path(root)
        self.meta: BrodenMeta = read_broden_meta(self.root)
        self.taxonomy = self.meta.taxonomy
        self.locations = BrodenFiles(self.root)
        path = meta_file(self.root, LISTS[labels, split])
        records = [_record(line, path) for line in read_lines(path) if line.strip()]
        strange = sorted({record.dataset for record in records} - set(DATA_SETS[labels]))
        if strange or not records:
            raise BadInput(
                f"records of {labels} must be of {', '.join(DATA_SETS[labels])}, but got {strange or 'none'} "
                f"in {path}; copy the list again."
            )
        self.records = [(record.dataset, record.file_index) for record in records]
        self.files = [self.locations.image(data_set, index) for data_set, index in self.records]
        missing = [file for file in self.files if not file.is_file()]
        if missing:
            raise BadInput(
                f"pictures of {path.name} must be there, but got none for {len(missing)} of {len(self.files)}, first "
                f"{missing[0]}; get these data sets, or train with the other lists."
            )

    @property
    def names(self) -> list[str]:
        return [f"{data_set}/{file.stem}" for (data_set, _), file in zip(self.records, self.files)]

    @property
    def source_files(self) -> list[Path]:
        """Lists, pictures and labels; the label of a texture is its folder, and a label need not be there."""
        lists = [meta_file(self.root, name) for name in ("label_assignment.csv", "object_part_hierarchy.csv")]
        labels = [
            _label_file(self.locations, data_set, file)
            for (data_set, _), file in zip(self.records, self.files)
            if data_set != "dtd"
        ]
        return [*lists, *self.files, *labels]

    @property
    def num_with_scene(self) -> int:
        stems = [file.stem for (data_set, _), file in zip(self.records, self.files) if data_set == "ade20k"]
        words = self.locations.ade20k_scene_words if stems else {}
        return sum(words.get(stem, "") in self.meta.scene_of_word for stem in stems)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(file for file in self.source_files if file.is_file())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        (data_set, _), file = self.records[index], self.files[index]
        image_HW3, label = read_image(file), _label_file(self.locations, data_set, file)
        made = partial(Sample, name=f"{data_set}/{file.stem}", image_CHW=as_image(image_HW3))
        if data_set == "dtd":
            return made(texture=self._texture(file))
        if data_set == "os":
            red_HW = _stretched(read_colours(label)[..., 0], image_HW3.shape[:2], label)
            return made(material_HW=as_mask(self._table("os", "material").to_index(red_HW, file=str(label))))
        if data_set == "ade20k":
            object_HW, part_HW = self._ade20k(label, drawn=file.with_name(f"{file.stem}_parts_1.png"))
            word = self.locations.ade20k_scene_words.get(file.stem, "")
            scene = self.meta.scene_of_word.get(word)
        else:
            object_HW, part_HW = self._pascal(label, stem=file.stem)
            scene = None
        require_same_size(file, image_HW3.shape[:2], label, object_HW.shape)
        parts_HW = parts_of_owners(object_HW, part_HW, self.meta.is_part_of_KP, ignore_index=self.meta.ignored_part)
        return made(semantic_HW=as_mask(object_HW), parts_HW=as_mask(parts_HW), scene=scene)

    def _ade20k(self, segmented: Path, *, drawn: Path) -> tuple[np.ndarray, np.ndarray]:
        object_HW = self._table("ade20k", "object").to_index(read_codes(segmented)[0], file=str(segmented))
        if not drawn.is_file():  # A picture without parts has no such file.
            return object_HW, np.zeros_like(object_HW)
        part_HW = self._table("ade20k", "part").to_index(read_codes(drawn)[0], file=str(drawn))
        require_same_size(segmented, object_HW.shape, drawn, part_HW.shape)
        return object_HW, part_HW

    def _pascal(self, context: Path, *, stem: str) -> tuple[np.ndarray, np.ndarray]:
        object_HW = self._table("pascal", "object").to_index(read_context_labels(context), file=str(context))
        part_HW = read_part_map(
            self.locations.pascal_parts / f"{stem}.mat",
            size=object_HW.shape,
            part_words=self._part_words,
            part_of_word=self.meta.part_of_word,
        )
        return object_HW, part_HW

    @cached_property
    def _part_words(self) -> dict[str, str]:
        return read_part_words(self.locations.pascal_parts.parent / "part2ind.m")

    def _table(self, data_set: str, category: str) -> LabelTable:
        if (data_set, category) not in self.meta.tables:
            raise BadInput(
                f"label_assignment.csv must assign every {category} of {data_set}, but got none in {self.root}; "
                "copy the list again."
            )
        return self.meta.tables[data_set, category]

    def _texture(self, file: Path) -> int:
        names = () if self.taxonomy.textures is None else self.taxonomy.textures.names
        if file.parent.name not in names:
            raise BadInput(
                f"a folder of DTD must be named after a texture, but got {file.parent.name!r:.80} for {file}; "
                "add it to texture.csv."
            )
        return names.index(file.parent.name)


def _label_file(locations: BrodenFiles, data_set: str, file: Path) -> Path:
    """Where the labels of a picture lie; a texture's label is its folder."""
    if data_set == "ade20k":
        return file.with_name(f"{file.stem}_seg.png")
    if data_set == "pascal":
        return locations.pascal_folder / "context" / "trainval" / f"{file.stem}.mat"
    if data_set == "os":
        return file.parent.with_name("photos-labels") / f"{file.stem}.png"
    return file.parent


def _record(line: str, path: Path) -> _Record:
    return validated(_Record, parse_json(line, what="a record of Broden+", path=path), source=f"a record of {path}")


def _stretched(label_HW: np.ndarray, size: tuple[int, ...], file: Path) -> np.ndarray:
    """OpenSurfaces draws its labels at a height of their own: they are brought to the photograph's size."""
    own, wanted = label_HW.shape[1] / label_HW.shape[0], size[1] / size[0]
    if abs(own / wanted - 1) > LARGEST_STRETCH:
        raise BadInput(
            f"label and photograph must have one shape, but got {label_HW.shape[1]}x{label_HW.shape[0]} for "
            f"{size[1]}x{size[0]} in {file}; label and image must belong together."
        )
    return np.asarray(Image.fromarray(label_HW).resize((size[1], size[0]), Image.Resampling.NEAREST))
