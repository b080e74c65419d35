"""Superpixels: a photograph in at most so many connected pieces, whose borders follow the picture's.

A provider cuts the photograph into small pieces, which `ward_merging` joins until they are few enough.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from scipy import ndimage

from mereo.errors import BadInput
from mereo.regions.scikit_image_superpixels import felzenszwalb_pieces, slic_pieces
from mereo.regions.ward_merging import merged_regions
from mereo.regions.watershed_superpixels import watershed_pieces
from mereo.shapes import require_image

Method = Literal["watershed", "slic", "felzenszwalb"]
ALGORITHM_VERSION = 1  # One more with every change of the answer: it is part of what cached superpixels are found by.
FEW_LABELS = 4  # So many times the number of pixels, and a table of the labels is still small.
SMOOTHING = 0.8  # Standard deviation in pixels, before differences are taken.


def superpixels(image_HW3: np.ndarray, *, max_regions: int = 512, method: Method = "watershed") -> np.ndarray:
    """H W int32: regions 0, 1, ... in the order of their first pixels, at most `max_regions`, each 4-connected.

    >>> image_HW3 = np.zeros((4, 8, 3), dtype=np.uint8)
    >>> image_HW3[:, 4:] = 255
    >>> superpixels(image_HW3, max_regions=2)[0].tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    return superpixel_hierarchy(image_HW3, [max_regions], method=method)[0]


def superpixel_hierarchy(
    image_HW3: np.ndarray, numbers: Sequence[int], *, method: Method = "watershed"
) -> list[np.ndarray]:
    """For each number what `superpixels` gives for it, from one tree: a smaller number joins whole regions of a larger.

    With "slic" the number of pieces on the grid is the largest of the numbers.
    """
    require_image(image_HW3)
    if min(numbers, default=1) < 1:
        raise BadInput(f"max_regions must be at least 1, but got {min(numbers)}; e.g. 512.")
    if method not in get_args(Method):
        raise BadInput(
            f"the method of superpixels must be one of {', '.join(get_args(Method))}, but got {method!r:.80}; "
            "leave it out for watershed."
        )
    # The root makes steps in the dark as large as the eye sees them.
    colour_HW3 = ndimage.gaussian_filter(np.sqrt(image_HW3.astype(np.float32) / 255), (SMOOTHING, SMOOTHING, 0))
    if method == "slic":
        pieces_HW = slic_pieces(image_HW3, about=max(numbers, default=1))
    elif method == "felzenszwalb":
        pieces_HW = felzenszwalb_pieces(image_HW3)
    else:
        pieces_HW = watershed_pieces(colour_HW3)
    return [in_raster_order(merged_HW) for merged_HW in merged_regions(pieces_HW, colour_HW3, numbers)]


def in_raster_order(label_HW: np.ndarray) -> np.ndarray:
    """Regions renamed 0, 1, ... by their first pixel, row by row: whatever a provider called them.

    >>> in_raster_order(np.array([[7, 7, 3], [9, 3, 3]])).tolist()
    [[0, 0, 1], [2, 1, 1]]
    """
    label_P = label_HW.ravel()
    if not _are_few_numbers(label_P):
        label_P = np.unique(label_P, return_inverse=True)[1].ravel()
    # Labels are indices into a table: all pixels need not be sorted.
    first_L = np.full(int(label_P.max(initial=0)) + 1, label_P.size)
    np.minimum.at(first_L, label_P, np.arange(label_P.size))
    present_R = np.flatnonzero(first_L < label_P.size)
    name_L = np.empty(len(first_L), dtype=np.int32)
    name_L[present_R[np.argsort(first_L[present_R])]] = np.arange(len(present_R), dtype=np.int32)
    return name_L[label_P].reshape(label_HW.shape)


def _are_few_numbers(label_P: np.ndarray) -> bool:
    if label_P.size == 0 or label_P.dtype.kind not in "iu":
        return False
    return 0 <= int(label_P.min()) and int(label_P.max()) < FEW_LABELS * label_P.size
