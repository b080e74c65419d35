"""Label maps that come band by band: what a picture too large for memory holds is counted as it passes."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mereo.assembly.parse import Segment
from mereo.data.taxonomy import Taxonomy


@dataclass(frozen=True, eq=False)
class LabelBand:
    """Rows `top`.. of the label map, at the picture's own size."""

    top: int
    label_HW: np.ndarray
    confidence_HW: np.ndarray | None = None


class BandedSegments:
    """The segments of all bands together, as `Parse.segments` would tell them of the whole."""

    def __init__(self, taxonomy: Taxonomy, size: tuple[int, int]) -> None:
        self.taxonomy, self.size = taxonomy, size
        self.area_K = np.zeros(taxonomy.num_objects, dtype=np.int64)
        # x0, y0, x1, y1; empty until a class is met.
        self.box_K4 = np.tile([size[1], size[0], 0, 0], (taxonomy.num_objects, 1))

    def add(self, band: LabelBand) -> None:
        label_HW, num_classes = band.label_HW, len(self.area_K)
        self.area_K += np.bincount(label_HW.ravel(), minlength=num_classes)
        for index, box in enumerate(ndimage.find_objects(label_HW + 1, max_label=num_classes)):
            if box is None:
                continue
            rows, columns = box
            corner = [columns.start, band.top + rows.start, columns.stop, band.top + rows.stop]
            self.box_K4[index, :2] = np.minimum(self.box_K4[index, :2], corner[:2])
            self.box_K4[index, 2:] = np.maximum(self.box_K4[index, 2:], corner[2:])

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Largest first."""
        order = np.argsort(-self.area_K, kind="stable")
        return tuple(self._segment(int(index)) for index in order if self.area_K[index])

    def _segment(self, index: int) -> Segment:
        x0, y0, x1, y1 = self.box_K4[index].tolist()
        return Segment(
            name=self.taxonomy.object_names[index],
            class_index=index,
            is_thing=self.taxonomy.is_thing[index],
            area_pixels=int(self.area_K[index]),
            share=float(self.area_K[index] / (self.size[0] * self.size[1])),
            box_xyxy=(x0, y0, x1, y1),
        )
