"""A parse on disk: label map, overlay, and what was found, as files beside each other."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mereo.assembly.parse import Parse, Segment
from mereo.atomic_files import atomic_path, write_json
from mereo.drawing.file_stems import safe_stem
from mereo.drawing.hover_map import HoverMap, hover_map
from mereo.drawing.label_png import write_label_png
from mereo.drawing.overlay import draw_overlay
from mereo.drawing.text_lines import without_surrogates
from mereo.errors import BadInput

MAX_OVERLAY_SIDE = 4096
MAX_THUMBNAIL_SIDE = 480
MAX_JPEG_SIDE = 65_500


@dataclass(frozen=True)
class ParseFiles:
    """What `Parse.save` wrote."""

    labels: Path
    overlay: Path
    description: Path


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
    hover: HoverMap | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        files = {"labels": self.labels, "overlay": self.overlay, "photograph": self.photograph}
        return {"image": self.source, "files": files, **self.description}


@dataclass(frozen=True)
class SkippedImage:
    source: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {"image": self.source, "reason": self.reason}


def save_parse(parse: Parse, folder: str | Path, *, stem: str | None = None) -> ParseFiles:
    """STEM.labels.png, STEM.overlay.jpg and STEM.json in `folder`; the stem is the parse's name if left out."""
    stem = safe_stem(parse.name) if stem is None else stem
    if stem != safe_stem(stem):
        raise BadInput(f"stem must be a plain file name, but got {stem!r}; e.g. {safe_stem(stem)!r}.")
    folder = Path(folder)
    labels = write_label_png(folder / f"{stem}.labels.png", parse.semantic, parse.taxonomy.objects.colours_K3)
    overlay = write_picture(folder / f"{stem}.overlay", draw_overlay(parse))
    description = folder / f"{stem}.json"
    content = {"files": {"labels": labels.name, "overlay": overlay.name}, **described(parse)}
    write_json(description, without_surrogates(content))
    return ParseFiles(labels, overlay, description)


def save_for_page(parse: Parse, folder: str | Path, *, stem: str, source: str) -> ParsedImage:
    """Label map at full size; photograph and overlay at up to 4096 pixels, written anew: no EXIF, no place, is kept."""
    folder = Path(folder)
    labels = write_label_png(folder / "labels" / f"{stem}.png", parse.semantic, parse.taxonomy.objects.colours_K3)
    small = reduced(parse, MAX_OVERLAY_SIDE)
    overlay = write_picture(folder / "overlays" / stem, draw_overlay(small))
    photograph = write_picture(folder / "photographs" / stem, small.image_HWC)
    # Names would be too small to read on a thumbnail.
    thumbnail_HWC = draw_overlay(reduced(parse, MAX_THUMBNAIL_SIDE), has_names=False)
    thumbnail = write_picture(folder / "thumbnails" / stem, thumbnail_HWC)
    return ParsedImage(
        source=source,
        size=parse.size,
        description=described(parse),
        segments=parse.segments,
        labels=labels.relative_to(folder).as_posix(),
        overlay=overlay.relative_to(folder).as_posix(),
        photograph=photograph.relative_to(folder).as_posix(),
        thumbnail=thumbnail.relative_to(folder).as_posix(),
        hover=hover_map(parse),
    )


def described(parse: Parse) -> dict[str, Any]:
    """Size, scene and segments as plain values for JSON."""
    content: dict[str, Any] = {"name": parse.name, "width": parse.size[1], "height": parse.size[0]}
    if parse.scene_name is not None:
        content["scene"] = parse.scene_name
    content["segments"] = [
        {
            "name": segment.name,
            "class_index": segment.class_index,
            "is_thing": segment.is_thing,
            **({"instance_id": segment.instance_id} if segment.instance_id else {}),
            "area_pixels": segment.area_pixels,
            "share": round(segment.share, 6),
            "box_xyxy": list(segment.box_xyxy),
        }
        for segment in parse.segments
    ]
    return content


def write_picture(path_without_suffix: Path, picture_HWC: np.ndarray) -> Path:
    """JPEG; PNG for a picture longer than JPEG allows. Returns the path with its suffix."""
    is_jpeg = max(picture_HWC.shape[:2]) <= MAX_JPEG_SIDE
    # Not with_suffix: a stem may hold dots.
    path = path_without_suffix.with_name(path_without_suffix.name + (".jpg" if is_jpeg else ".png"))
    with atomic_path(path) as temporary:
        picture = Image.fromarray(picture_HWC)
        if is_jpeg:
            # No colour subsampling: thin outlines and letters would fray.
            picture.save(temporary, format="JPEG", quality=90, subsampling=0)
        else:
            picture.save(temporary, format="PNG")
    return path


def reduced(parse: Parse, max_side: int) -> Parse:
    """The same parse of a smaller photograph, for pictures."""
    height, width = parse.size
    if max(height, width) <= max_side:
        return parse
    image_HWC = _within(parse.image_HWC, max_side)
    rows = np.linspace(0, height - 1, image_HWC.shape[0]).round().astype(np.intp)
    columns = np.linspace(0, width - 1, image_HWC.shape[1]).round().astype(np.intp)
    grid = np.ix_(rows, columns)
    instances = None if parse.instances is None else parse.instances[grid]
    return Parse(image_HWC, parse.semantic[grid], parse.taxonomy, name=parse.name, instances=instances)


def _within(picture_HWC: np.ndarray, max_side: int) -> np.ndarray:
    height, width = picture_HWC.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return picture_HWC
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture_HWC).resize(size, Image.Resampling.LANCZOS)).copy()
