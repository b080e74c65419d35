"""Data sources of a recipe: a closed union on `format`, and the one function that opens any of them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from mereo.data.component_instances import InstanceSource
from mereo.data.sample import Samples
from mereo.errors import BadInput
from mereo.strict import StrictConfig

# Of sources whose class maps may have things: "components" takes every connected piece of a thing's class for one.
Instances = Annotated[InstanceSource, Field(description="components: connected pieces of things, for weak labels")]


class FolderSource(StrictConfig):
    """Pictures and label maps in plain folders, described by mereo.yaml or a built-in description."""

    format: Literal["folder"] = "folder"
    root: str
    split: str = "train"
    description: str | None = None
    scenes: Literal["all", "train", "held_out", "none"] = "all"
    instances: Instances = "labelled"


class ClassFoldersSource(StrictConfig):
    """One folder a texture (or a scene); the folder's name is the label of all its pictures."""

    format: Literal["class_folders"] = "class_folders"
    label: Literal["texture", "scene"] = "texture"
    root: str
    split: str = "train"
    taxonomy: str | None = None


class AnnotatorsSource(StrictConfig):
    """Several people's segmentations of each picture, stacked top to bottom (BSDS500)."""

    format: Literal["annotators"] = "annotators"
    root: str
    split: str = "train"


class VocSource(StrictConfig):
    """The official layout of PASCAL VOC: SegmentationClass, SegmentationObject, ImageSets."""

    format: Literal["voc"] = "voc"
    root: str
    split: str = "train"
    instances: Instances = "labelled"


class Ade20kSource(StrictConfig):
    """Full ADE20K: `_seg.png`, `_parts_1.png` and JSON beside each picture."""

    format: Literal["ade20k"] = "ade20k"
    root: str
    taxonomy: str | None = None
    instances: Instances = "labelled"


class CocoPanopticSource(StrictConfig):
    """COCO panoptic: one JSON, a folder of PNGs whose colours are segment ids, a folder of pictures."""

    format: Literal["coco_panoptic"] = "coco_panoptic"
    root: str
    annotations: str
    segments: str
    images: str
    instances: Instances = "labelled"


class BrodenSource(StrictConfig):
    """One list of Broden+: pictures with objects, parts and scenes, or with materials, or with textures."""

    format: Literal["broden_plus"] = "broden_plus"
    root: str
    labels: Literal["objects", "materials", "textures"]
    split: Literal["train", "val"] = "train"


class DrawnScenesSource(StrictConfig):
    """Procedural pictures with perfect labels; nothing is read from disk."""

    format: Literal["drawn_scenes"] = "drawn_scenes"
    count: int = Field(ge=1, le=10_000_000)
    seed: int = Field(0, ge=0, lt=1 << 63)
    size: tuple[int, int] = (240, 320)
    kinds: tuple[str, ...] | None = None
    instances: Instances = "labelled"


PlainSource = Annotated[
    FolderSource
    | ClassFoldersSource
    | AnnotatorsSource
    | VocSource
    | Ade20kSource
    | CocoPanopticSource
    | BrodenSource
    | DrawnScenesSource,
    Field(discriminator="format"),
]


class JoinedSource(StrictConfig):
    """Several sources with the classes of one taxonomy (a built-in name or a file; left out: the first source's)."""

    format: Literal["joined"] = "joined"
    taxonomy: str | None = None
    sources: dict[str, PlainSource] = Field(min_length=1)

    @field_validator("sources")
    @classmethod
    def _check(cls, sources: dict[str, PlainSource]) -> dict[str, PlainSource]:
        for name in sources:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", name):
                raise ValueError(f"a source's name must be letters, digits, _ and -, but got {name!r:.100}; rename it")
        return sources


DataSource = Annotated[PlainSource | JoinedSource, Field(discriminator="format")]


def open_samples(source: DataSource, *, folder: Path | None = None) -> Samples:
    """The samples of a source. `folder` is the recipe's: relative roots are looked up there first."""
    open_one: Callable[..., Samples] = _OPENERS[type(source)]
    samples = open_one(source, folder)
    return _with_components(samples) if getattr(source, "instances", "labelled") == "components" else samples


def find_root(root: str, *, folder: Path | None) -> Path:
    """A relative root beside the recipe, else in the working directory."""
    path = Path(root).expanduser()
    tried = [path] if path.is_absolute() or folder is None else [folder / path, path]
    for candidate in tried:
        if candidate.is_dir():
            return candidate
    places = ", nor ".join(str(candidate.absolute()) for candidate in tried)
    raise BadInput(
        f"a data root must be a folder, but got {root!r} and no folder {places}; put the data there or mend the root."
    )


def _beside(name: str | None, folder: Path | None) -> str | None:
    """A taxonomy or description may be a file beside the recipe; built-in names and other paths stay as they are."""
    if name is not None and folder is not None and not Path(name).is_absolute() and (folder / name).is_file():
        return str(folder / name)
    return name


def _with_components(samples: Samples) -> Samples:
    from mereo.data.samples_with_components import SamplesWithComponents

    return SamplesWithComponents(samples)


def _open_folder(source: FolderSource, folder: Path | None) -> Samples:
    from mereo.data.formats.folder_format import FolderSamples

    root = find_root(source.root, folder=folder)
    description = _beside(source.description, folder)
    return FolderSamples(root, split=source.split, description=description, scenes=source.scenes)


def _open_class_folders(source: ClassFoldersSource, folder: Path | None) -> Samples:
    from mereo.data.formats.class_folders import ClassFolderSamples

    root = find_root(source.root, folder=folder)
    taxonomy = _beside(source.taxonomy, folder)
    return ClassFolderSamples(root, split=source.split, label=source.label, taxonomy=taxonomy)


def _open_annotators(source: AnnotatorsSource, folder: Path | None) -> Samples:
    from mereo.data.formats.stacked_annotators import StackedAnnotatorSamples

    return StackedAnnotatorSamples(find_root(source.root, folder=folder), split=source.split)


def _open_voc(source: VocSource, folder: Path | None) -> Samples:
    from mereo.data.formats.voc_format import VocSamples

    return VocSamples(find_root(source.root, folder=folder), split=source.split)


def _open_ade20k(source: Ade20kSource, folder: Path | None) -> Samples:
    from mereo.data.formats.ade20k_format import Ade20kSamples

    return Ade20kSamples(find_root(source.root, folder=folder), taxonomy=_beside(source.taxonomy, folder))


def _open_coco_panoptic(source: CocoPanopticSource, folder: Path | None) -> Samples:
    from mereo.data.formats.coco_panoptic_format import CocoPanopticSamples

    root = find_root(source.root, folder=folder)
    return CocoPanopticSamples(root / source.annotations, segments=root / source.segments, images=root / source.images)


def _open_broden(source: BrodenSource, folder: Path | None) -> Samples:
    from mereo.data.formats.broden_format import BrodenSamples

    return BrodenSamples(find_root(source.root, folder=folder), labels=source.labels, split=source.split)


def _open_drawn_scenes(source: DrawnScenesSource, folder: Path | None) -> Samples:
    from mereo.data.drawn_scenes import DrawnScenes

    chosen = {} if source.kinds is None else {"kinds": source.kinds}
    return DrawnScenes(source.count, seed=source.seed, size=source.size, **chosen)


def _open_joined(source: JoinedSource, folder: Path | None) -> Samples:
    from mereo.data.joined_samples import JoinedSamples
    from mereo.data.taxonomy_file import load_taxonomy

    name = _beside(source.taxonomy, folder)
    taxonomy = None if name is None else load_taxonomy(name)
    opened = {name: open_samples(one, folder=folder) for name, one in source.sources.items()}
    return JoinedSamples(opened, taxonomy=taxonomy)


_OPENERS: dict[type, Callable[..., Samples]] = {
    FolderSource: _open_folder,
    ClassFoldersSource: _open_class_folders,
    AnnotatorsSource: _open_annotators,
    VocSource: _open_voc,
    Ade20kSource: _open_ade20k,
    CocoPanopticSource: _open_coco_panoptic,
    BrodenSource: _open_broden,
    DrawnScenesSource: _open_drawn_scenes,
    JoinedSource: _open_joined,
}
