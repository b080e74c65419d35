"""PhotographSegments: what an index takes of one photograph, whichever head or parser it comes from."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.shapes import require_shapes

NO_SEGMENT = -1
# What float32 makes of a normalised vector of some thousand numbers.
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class PhotographSegments:
    """The segments of one photograph, each with a vector of unit length.

    `box_N4` is x0, y0, x1, y1, the ends exclusive, in pixels of the photograph. `segment_HW` has the position of each
    pixel's segment, or -1; `label_HW` the class of each pixel (or the taxonomy's ignore index): what surrounds a
    segment is counted on it.
    """

    vector_ND: np.ndarray
    class_index_N: np.ndarray
    box_N4: np.ndarray
    area_N: np.ndarray
    segment_HW: np.ndarray
    label_HW: np.ndarray

    def __post_init__(self) -> None:
        require_shapes(
            vector_ND=self.vector_ND,
            class_index_N=self.class_index_N,
            box_N4=self.box_N4,
            area_N=self.area_N,
            segment_HW=self.segment_HW,
            label_HW=self.label_HW,
        )
        require_unit_length(self.vector_ND)
        if len(self.vector_ND) <= int(self.segment_HW.max(initial=NO_SEGMENT)):
            raise BadInput(
                f"a map of segments must hold positions below {len(self.vector_ND)}, but got "
                f"{int(self.segment_HW.max())}; count segments from 0, and mark pixels of none with -1."
            )

    def __len__(self) -> int:
        return len(self.vector_ND)

    def at(self, x: int, y: int) -> int:
        """The position of the segment at a pixel."""
        height, width = self.segment_HW.shape
        if not (0 <= x < width and 0 <= y < height):
            raise BadInput(f"a point must lie on the photograph ({width}x{height}), but got {x},{y}; move it.")
        position = int(self.segment_HW[y, x])
        if position == NO_SEGMENT:
            raise BadInput(
                f"a point must lie on a segment, but got {x},{y}, where there is none (too small a piece, or void); "
                "choose another point."
            )
        return position


class SegmentSource(Protocol):
    """Gives the segments of a photograph. `fingerprint` changes whenever its vectors could: vectors of two sources do
    not live in one index."""

    taxonomy: Taxonomy
    fingerprint: str

    def __call__(self, image_HWC: np.ndarray, *, name: str) -> PhotographSegments: ...


def require_unit_length(vector_ND: np.ndarray) -> None:
    """
    >>> require_unit_length(np.array([[0.6, 0.8]]))
    """
    length_N = np.linalg.norm(np.asarray(vector_ND, dtype=np.float64), axis=1)
    is_wrong_N = ~(np.abs(length_N - 1) <= UNIT_TOLERANCE)  # NaN is wrong, too.
    if is_wrong_N.any():
        raise BadInput(
            f"a segment's vector must have length 1, but got {length_N[is_wrong_N][0]:.4g}; divide it by its length, "
            "and leave out segments whose vector is zero."
        )
