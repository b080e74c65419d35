"""A parse on disk: label map, overlay, and what was found, as files beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mereo.assembly.panoptic_segments import panoptic_map
from mereo.assembly.parse import Parse, Segment
from mereo.atomic_files import write_bytes, write_json
from mereo.data.formats.coco_panoptic_writing import id_png_path
from mereo.data.formats.id_png import write_id_png
from mereo.data.panoptic_map import PanopticSegment
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.drawing.file_stems import safe_stem
from mereo.drawing.group_files import GroupFiles, described_groups, write_groups
from mereo.drawing.hover_map import HoverMap, hover_map, index_hover_map
from mereo.drawing.label_png import write_label_png
from mereo.drawing.overlay import draw_overlay
from mereo.drawing.task_maps import TaskMap, described_tasks, task_maps
from mereo.drawing.unsure_areas import write_unsure_png
from mereo.errors import BadInput
from mereo.picture_sizes import size_within
from mereo.regions.nearest_places import at_size
from mereo.text_lines import without_surrogates

MAX_OVERLAY_SIDE = 4096
MAX_THUMBNAIL_SIDE = 480
MAX_JPEG_SIDE = 65_500
# Lanczos over so many times the size it needs is as good to the eye as over the whole photograph, and far cheaper.
REDUCING_GAP = 3.0
PANOPTIC_FOLDER = "panoptic"


@dataclass(frozen=True)
class ParseFiles:
    """What `Parse.save` wrote; `tasks` are the label maps of parts, materials and textures, `groups` those of
    superpixels, where the parse has any."""

    labels: Path
    overlay: Path
    description: Path
    tasks: dict[str, Path] = field(default_factory=dict)
    groups: GroupFiles | None = None


@dataclass(frozen=True)
class ParsedTask:
    """Parts, materials or textures of one image: its label map's path, class indices and shares, where is what."""

    task: str
    labels: str
    shares: tuple[tuple[int, float], ...]
    hover: HoverMap | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ParsedImage:
    """One image of a folder of parses: what report.json and index.html say of it. Paths are relative to the folder."""

    source: str
    size: tuple[int, int]
    description: dict[str, Any]
    segments: tuple[Segment, ...]
    labels: str
    overlay: str
    photograph: str
    thumbnail: str
    # None for a picture whose labels came in bands: its ids would not fit into memory.
    panoptic: str | None = None
    # One for each of `segments`, in the same order: what the pixels of `panoptic` hold.
    panoptic_segments: tuple[PanopticSegment, ...] = field(default=(), repr=False)
    hover: HoverMap | None = field(default=None, repr=False)
    tasks: tuple[ParsedTask, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self.description.get("warnings", ()))

    def to_dict(self) -> dict[str, Any]:
        files = {
            "labels": self.labels,
            **{one.task: one.labels for one in self.tasks},
            **({} if self.panoptic is None else {"panoptic": self.panoptic}),
            **dict(self.groups),
            "overlay": self.overlay,
            "photograph": self.photograph,
        }
        return {"image": self.source, "files": files, **self.description}


@dataclass(frozen=True)
class SkippedImage:
    source: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {"image": self.source, "reason": self.reason}


def save_parse(parse: Parse, folder: str | Path, *, stem: str | None = None) -> ParseFiles:
    """STEM.labels.png, STEM.overlay.jpg and STEM.json in `folder`; the stem is the parse's name if left out.

    Also STEM.parts.png, STEM.materials.png and STEM.textures.png, of what the parse answers, and STEM.superpixels.png
    with STEM.groups.json, if it groups superpixels.
    """
    stem = safe_stem(parse.name) if stem is None else stem
    if stem != safe_stem(stem):
        raise BadInput(f"stem must be a plain file name, but got {stem!r}; e.g. {safe_stem(stem)!r}.")
    folder = Path(folder)
    labels = write_label_png(folder / f"{stem}.labels.png", parse.semantic, parse.taxonomy.objects.colours_K3)
    overlay = write_picture(folder / f"{stem}.overlay", draw_overlay(parse))
    tasks = {one.task: _write_task(one, folder / f"{stem}.{one.task}.png") for one in task_maps(parse)}
    description = folder / f"{stem}.json"
    files = {"labels": labels.name, "overlay": overlay.name, **{task: path.name for task, path in tasks.items()}}
    groups = None
    if parse.groups is not None:
        groups = write_groups(parse.groups, folder / f"{stem}.superpixels.png", folder / f"{stem}.groups.json")
        files |= {"superpixels": groups.superpixels.name, "groups": groups.groups.name}
    write_json(description, without_surrogates({"files": files, **described(parse)}))
    return ParseFiles(labels, overlay, description, tasks, groups)


def save_for_page(
    parse: Parse, folder: str | Path, *, stem: str, source: str, unsure_below: float | None = None
) -> ParsedImage:
    """Label map at full size; photograph and overlay at up to 4096 pixels, written anew: no EXIF, no place, is kept.

    With `unsure_below`, pixels of less confidence are hatched on the overlay and white in a mask of their own.
    """
    folder = Path(folder)
    labels = write_label_png(folder / "labels" / f"{stem}.png", parse.semantic, parse.taxonomy.objects.colours_K3)
    panoptic, panoptic_segments = _write_panoptic(parse, folder / PANOPTIC_FOLDER, stem)
    small = reduced(parse, MAX_OVERLAY_SIDE)
    unsure_HW = None if unsure_below is None else small.unsure(unsure_below)
    overlay = write_picture(folder / "overlays" / stem, draw_overlay(small, unsure_HW=unsure_HW))
    photograph = write_picture(folder / "photographs" / stem, small.image_HWC)
    # Names would be too small to read on a thumbnail.
    thumbnail_HWC = draw_overlay(reduced(parse, MAX_THUMBNAIL_SIDE), has_names=False)
    thumbnail = write_picture(folder / "thumbnails" / stem, thumbnail_HWC)
    description = described(parse, [segment.id for segment in panoptic_segments])
    if unsure_below is not None:
        share = write_unsure_png(folder / "unsure" / f"{stem}.png", parse, unsure_below)
        description["unsure"] = {"mask": f"unsure/{stem}.png", "below": unsure_below, "share": round(share, 6)}
    return ParsedImage(
        source=source,
        size=parse.size,
        description=description,
        segments=parse.segments,
        labels=labels.relative_to(folder).as_posix(),
        overlay=overlay.relative_to(folder).as_posix(),
        photograph=photograph.relative_to(folder).as_posix(),
        thumbnail=thumbnail.relative_to(folder).as_posix(),
        panoptic=panoptic.relative_to(folder).as_posix(),
        panoptic_segments=panoptic_segments,
        hover=hover_map(parse),
        tasks=tuple(_saved_task(one, folder, stem) for one in task_maps(parse)),
        groups=_saved_groups(parse, folder, stem),
    )


def described(parse: Parse, panoptic_ids: Sequence[int] | None = None) -> dict[str, Any]:
    """Size, scene and segments as plain values for JSON, with their ids in the panoptic PNG where there is one."""
    content: dict[str, Any] = {"name": parse.name, "width": parse.size[1], "height": parse.size[0]}
    if parse.scene_name is not None:
        content["scene"] = parse.scene_name
    content |= described_familiarity(parse.unfamiliarity, parse.warnings)
    content["segments"] = described_segments(parse.segments)
    content |= described_tasks(parse)
    if parse.groups is not None:
        content["groups"] = described_groups(parse.groups)
    if parse.answer_level is not None:
        content["answer_levels"] = described_levels(parse.answer_level)
    for segment, number in zip(content["segments"], panoptic_ids or ()):
        segment["panoptic_id"] = number
    return content


def described_familiarity(unfamiliarity: float | None, warnings: Sequence[str]) -> dict[str, Any]:
    """Nothing of a parser that does not know what it was trained on.

    >>> described_familiarity(1.23456, ()), described_familiarity(None, ())
    ({'unfamiliarity': 1.235, 'warnings': []}, {})
    """
    if unfamiliarity is None and not warnings:
        return {}
    known = {} if unfamiliarity is None else {"unfamiliarity": round(unfamiliarity, 3)}
    return {**known, "warnings": list(warnings)}


def described_segments(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    return [
        {
            "name": segment.name,
            "class_index": segment.class_index,
            "is_thing": segment.is_thing,
            **({"instance_id": segment.instance_id} if segment.instance_id else {}),
            "area_pixels": segment.area_pixels,
            "share": round(segment.share, 6),
            "box_xyxy": list(segment.box_xyxy),
        }
        for segment in segments
    ]


def described_levels(level_HW: np.ndarray) -> list[dict[str, Any]]:
    """How much of the picture each level of a pyramid answers; 0 is the level of the coarsest cells.

    >>> described_levels(np.array([[0, 2, 2, 2]]))
    [{'level': 0, 'share': 0.25}, {'level': 2, 'share': 0.75}]
    """
    levels, pixels = np.unique(level_HW, return_counts=True)
    return [
        {"level": int(level), "share": round(float(count / level_HW.size), 6)} for level, count in zip(levels, pixels)
    ]


def write_picture(path_without_suffix: Path, picture_HWC: np.ndarray) -> Path:
    """JPEG; PNG for a picture longer than JPEG allows. Returns the path with its suffix."""
    is_jpeg = max(picture_HWC.shape[:2]) <= MAX_JPEG_SIDE
    # Not with_suffix: a stem may hold dots.
    path = path_without_suffix.with_name(path_without_suffix.name + (".jpg" if is_jpeg else ".png"))
    # No colour subsampling: thin outlines and letters would fray.
    options = {"quality": 90, "subsampling": 0} if is_jpeg else {}
    write_bytes(path, picture_bytes(picture_HWC, "JPEG" if is_jpeg else "PNG", **options))
    return path


def _write_task(one: TaskMap, path: Path) -> Path:
    return write_label_png(path, one.label_HW, one.table.colours_K3, ignore_index=one.table.ignore_index)


def _saved_task(one: TaskMap, folder: Path, stem: str) -> ParsedTask:
    path = _write_task(one, folder / one.task / f"{stem}.png")
    shares = tuple((index, pixels / one.label_HW.size) for index, pixels in one.areas)
    return ParsedTask(one.task, path.relative_to(folder).as_posix(), shares, index_hover_map(one.label_HW))


def _saved_groups(parse: Parse, folder: Path, stem: str) -> tuple[tuple[str, str], ...]:
    """What was written, and where: relative paths."""
    if parse.groups is None:
        return ()
    superpixels, levels = f"superpixels/{stem}.png", f"groups/{stem}.json"
    write_groups(parse.groups, folder / superpixels, folder / levels)
    return ("superpixels", superpixels), ("groups", levels)


def _write_panoptic(parse: Parse, folder: Path, stem: str) -> tuple[Path, tuple[PanopticSegment, ...]]:
    panoptic = panoptic_map(parse)
    return write_id_png(id_png_path(folder, stem), panoptic.ids_HW), panoptic.segments


def reduced(parse: Parse, max_side: int) -> Parse:
    """The same parse of a smaller photograph, for pictures."""
    if max(parse.size) <= max_side:
        return parse
    image_HWC = _within(parse.image_HWC, max_side)
    size = (image_HWC.shape[0], image_HWC.shape[1])
    instances = None if parse.instances is None else at_size(parse.instances, size)
    confidence = None if parse.confidence is None else at_size(parse.confidence, size)
    semantic = at_size(parse.semantic, size)
    return Parse(image_HWC, semantic, parse.taxonomy, name=parse.name, instances=instances, confidence=confidence)


def _within(picture_HWC: np.ndarray, max_side: int) -> np.ndarray:
    height, width = picture_HWC.shape[:2]
    if max(height, width) <= max_side:
        return picture_HWC
    size = size_within((width, height), max_side)
    return np.asarray(
        Image.fromarray(picture_HWC).resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    ).copy()
