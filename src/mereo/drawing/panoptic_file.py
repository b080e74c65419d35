"""`panoptic.json` of a folder of parses: what COCO's tools, and `mereo data quality`, read beside `panoptic/`."""

import os
from collections.abc import Sequence
from pathlib import Path

from mereo.data.formats.coco_panoptic_json_writing import WrittenImage, WrittenSegment, write_panoptic_json
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.parse_files import PANOPTIC_FOLDER, ParsedImage


def write_panoptic_file(folder: str | Path, images: Sequence[ParsedImage], taxonomy: Taxonomy) -> Path:
    """Of the images that have a panoptic PNG. Their names are paths within the folder that holds all photographs.

    So no two are alike, and none is absolute.
    """
    images = [image for image in images if image.panoptic is not None]
    written = []
    for image, file_name in zip(images, names_within_one_folder([image.source for image in images]), strict=True):
        if image.panoptic is None:
            continue
        segments = tuple(
            WrittenSegment(panoptic, segment.area_pixels, segment.box_xyxy)
            for panoptic, segment in zip(image.panoptic_segments, image.segments, strict=True)
        )
        stem = Path(str(image.panoptic)).name.removesuffix(".png")
        written.append(WrittenImage(stem, file_name, image.size, segments))
    return write_panoptic_json(Path(folder) / f"{PANOPTIC_FOLDER}.json", written, taxonomy)


def names_within_one_folder(sources: Sequence[str]) -> list[str]:
    """
    >>> names_within_one_folder(["in/b.jpg", "in/deep/a.jpg"]), names_within_one_folder(["in/deep/a.jpg"])
    (['b.jpg', 'deep/a.jpg'], ['a.jpg'])
    """
    paths = [Path(os.path.abspath(source)) for source in sources]
    try:
        common = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
        return [path.relative_to(common).as_posix() for path in paths]
    except ValueError:  # On several drives of Windows: no folder holds them all.
        return [path.name for path in paths]
