"""COCO panoptic, written: one PNG of segment ids an image as it comes, and one JSON at the end.

What is read back (`CocoPanopticMaps`) is what was written: ids, classes, crowds, categories. Writing the same again
gives the same bytes.
"""

from pathlib import Path
from types import TracebackType

import numpy as np
from scipy import ndimage

from mereo.data.formats.coco_panoptic_json import stays_inside
from mereo.data.formats.coco_panoptic_json_writing import WrittenImage, WrittenSegment, as_text, write_panoptic_json
from mereo.data.formats.id_png import write_id_png
from mereo.data.panoptic_map import PanopticMap
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput


class PanopticWriter:
    """Writes NAME/STEM.png for each map that is added, and NAME.json when it is closed (by `with`: if nothing failed).

    >>> import tempfile, numpy as np
    >>> from mereo.data.formats.coco_panoptic_maps import CocoPanopticMaps
    >>> from mereo.data.panoptic_map import PanopticSegment
    >>> from mereo.data.taxonomy import LabelTable
    >>> taxonomy = Taxonomy("street", LabelTable(("sky", "car")), is_thing=(False, True))
    >>> panoptic = PanopticMap(np.array([[1, 7, 7]]), (PanopticSegment(1, 0), PanopticSegment(7, 1)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with PanopticWriter(f"{folder}/answers.json", taxonomy) as writer:
    ...         _ = writer.add(panoptic, stem="a", file_name="a.jpg")
    ...     again = CocoPanopticMaps(f"{folder}/answers.json", segments=f"{folder}/answers")[0]
    >>> again.ids_HW.tolist(), again.segments == panoptic.segments
    ([[1, 7, 7]], True)
    """

    def __init__(self, json_path: str | Path, taxonomy: Taxonomy) -> None:
        self.json_path = Path(json_path)
        if self.json_path.suffix != ".json":
            raise BadInput(f"a panoptic JSON must be named NAME.json, but got {json_path}; its PNGs go into NAME/.")
        self.folder = self.json_path.with_suffix("")
        self.taxonomy = taxonomy
        self._written: dict[str, WrittenImage] = {}

    def add(self, panoptic: PanopticMap, *, stem: str, file_name: str) -> WrittenImage:
        """`file_name` is the photograph's; its id in the JSON is the stem (see `image_id_of`)."""
        if stem.casefold() in self._written:
            raise BadInput(f"a stem must be given once, but got {stem!r} twice for {self.json_path}; rename one.")
        if not file_name or not stays_inside(file_name):
            raise BadInput(
                f"file_name must lead into the folder of photographs, but got {file_name!r} for {self.json_path}; "
                "give it relative to that folder."
            )
        panoptic.require_classes(self.taxonomy.num_objects)
        image = WrittenImage(stem, file_name, panoptic.size, measured_segments(panoptic))
        write_id_png(id_png_path(self.folder, stem), panoptic.ids_HW)
        self._written[stem.casefold()] = image
        return image

    def close(self) -> Path:
        return write_panoptic_json(self.json_path, self._written.values(), self.taxonomy)

    def __enter__(self) -> "PanopticWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()


def id_png_path(folder: Path, stem: str) -> Path:
    if stem in ("", ".", "..") or not set(stem).isdisjoint("/\\\0") or stem != as_text(stem):
        raise BadInput(f"a stem must be a plain file name, but got {stem!r}; leave folders and suffix out.")
    return folder / f"{stem}.png"


def measured_segments(panoptic: PanopticMap) -> tuple[WrittenSegment, ...]:
    position_HW = panoptic.listed_positions()
    area_P = np.bincount(position_HW.ravel(), minlength=len(panoptic.segments) + 1)
    panoptic.require_pixels(area_P)
    boxes = ndimage.find_objects(position_HW, max_label=len(panoptic.segments))
    return tuple(
        WrittenSegment(segment, int(area), (columns.start, rows.start, columns.stop, rows.stop))
        for segment, area, (rows, columns) in zip(panoptic.segments, area_P[1:], boxes, strict=True)
    )
