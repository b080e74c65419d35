"""Borders of a segmentation against those that several people drew: precision, recall, and F with a tolerance.

Martin et al. 2004, "Learning to detect natural image boundaries using local brightness, color, and texture cues".
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mereo.errors import BadInput
from mereo.shapes import require_shapes

TOLERANCE = 0.0075  # Of the image's diagonal, as in BSDS's benchmark.


@dataclass(frozen=True)
class BorderCounts:
    """Pixels on borders: of all annotators, and those found; of the answer, and those that somebody drew. Add them."""

    found: int
    drawn: int
    right: int
    answered: int

    def __add__(self, other: "BorderCounts") -> "BorderCounts":
        return BorderCounts(
            self.found + other.found, self.drawn + other.drawn, self.right + other.right, self.answered + other.answered
        )

    @property
    def recall(self) -> float:
        """1 where nobody drew a border."""
        return self.found / self.drawn if self.drawn else 1.0

    @property
    def precision(self) -> float:
        """1 where the answer has no border."""
        return self.right / self.answered if self.answered else 1.0

    @property
    def f_measure(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def border_pixels(label_HW: np.ndarray) -> np.ndarray:
    """H W bool: True where the pixel below or to the right carries another label. Lines one pixel wide.

    >>> border_pixels(np.array([[0, 0, 1], [0, 0, 1]])).astype(int)
    array([[0, 1, 0],
           [0, 1, 0]])
    """
    require_shapes(label_HW=label_HW)
    is_border_HW = np.zeros(label_HW.shape, dtype=bool)
    is_border_HW[:, :-1] |= label_HW[:, 1:] != label_HW[:, :-1]
    is_border_HW[:-1] |= label_HW[1:] != label_HW[:-1]
    return is_border_HW


def tolerance_pixels(height: int, width: int, *, tolerance: float = TOLERANCE) -> float:
    """
    >>> round(tolerance_pixels(321, 481), 2)
    4.34
    """
    return tolerance * float(np.hypot(height, width))


def border_counts(
    label_LHW: np.ndarray, annotators_AHW: np.ndarray, *, distance_pixels: float | None = None
) -> list[BorderCounts]:
    """For each of several segmentations of one image, what it finds of every annotator's borders.

    A drawn pixel is found if a border of the answer is at most `distance_pixels` away in a straight line (left out:
    .0075 of the diagonal), and a pixel of the answer is right if some annotator's border is. Recall counts the pixels
    of all annotators one after the other.

    Differs from BSDS's benchmark, which seeks the cheapest one-to-one assignment: there a pixel justifies one other at
    most, here any number. So neither number is ever lower here, and both are higher where an answer's borders lie
    closer together than twice the tolerance, as those of superpixels do: compare at equal numbers of regions.
    """
    require_shapes(label_LHW=label_LHW, annotators_AHW=annotators_AHW)
    if len(annotators_AHW) == 0:
        raise BadInput("an image must have at least one annotator, but got none; leave it out.")
    reach = tolerance_pixels(*annotators_AHW.shape[1:]) if distance_pixels is None else distance_pixels
    if reach < 0:
        raise BadInput(f"distance_pixels must be at least 0, but got {reach}; e.g. 2.")
    drawn_AHW = np.stack([border_pixels(label_HW) for label_HW in annotators_AHW])
    is_near_drawn_HW = _near(np.logical_or.reduce(drawn_AHW), reach)
    counts = []
    for label_HW in label_LHW:
        answered_HW = border_pixels(label_HW)
        counts.append(
            BorderCounts(
                found=int((drawn_AHW & _near(answered_HW, reach)).sum()),
                drawn=int(drawn_AHW.sum()),
                right=int((answered_HW & is_near_drawn_HW).sum()),
                answered=int(answered_HW.sum()),
            )
        )
    return counts


def _near(border_HW: np.ndarray, reach: float) -> np.ndarray:
    if not border_HW.any():  # Without any, there is no distance to it either.
        return border_HW
    near_HW: np.ndarray = ndimage.distance_transform_edt(~border_HW) <= reach
    return near_HW
