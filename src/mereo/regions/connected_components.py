"""Connected components of a label map: of every class the separate pieces, 8-connected, the large ones of an image."""

from dataclasses import dataclass
from typing import Final

import cc3d
import numpy as np

from mereo.errors import BadInput
from mereo.regions.nearest_places import at_size
from mereo.shapes import require_shapes

CONNECTIVITY: Final = 8


@dataclass(frozen=True, eq=False)
class ClassComponents:
    """The largest component first. `mask_MHW` (bool) lies on the asked-for grid, `area_M` counts the map's pixels."""

    mask_MHW: np.ndarray
    class_M: np.ndarray
    area_M: np.ndarray


def class_components(
    label_HW: np.ndarray,
    *,
    ignore_label: int | None = 255,
    min_fraction: float = 0.05,
    size: tuple[int, int] | None = None,
    opens: bool = False,
) -> ClassComponents:
    """Components of at least `min_fraction` of the largest one's area. No pixel of `ignore_label` belongs to any.

    `size`: the grid of the masks (nearest); a component that has no pixel on it is left out. `opens`: before, each
    class loses what a 3x3 square does not fit into.

    >>> found = class_components(np.array([[7, 7, 0], [7, 0, 0], [0, 0, 7]]), min_fraction=0)
    >>> found.class_M.tolist(), found.area_M.tolist()
    ([0, 7, 7], [5, 3, 1])
    """
    require_shapes(label_HW=label_HW)
    if not 0 <= min_fraction <= 1:
        raise BadInput(f"min_fraction must be from 0 to 1, but got {min_fraction}; e.g. 0.05.")
    size = size or (label_HW.shape[0], label_HW.shape[1])
    if 0 in label_HW.shape or 0 in size:
        raise BadInput(f"a label map must have pixels, but got {label_HW.shape} for a grid of {size}; check its size.")
    rank_HW = _shifted(label_HW, ignore_label)
    if opens:
        rank_HW = _opened(rank_HW)
    component_HW = cc3d.connected_components(rank_HW, connectivity=CONNECTIVITY)
    area_C = np.bincount(component_HW.ravel(order="K"))
    area_C[0] = 0  # What belongs to none.
    kept_M = np.flatnonzero(area_C >= max(1, min_fraction * area_C.max()))
    kept_M = kept_M[np.argsort(-area_C[kept_M], kind="stable")]
    component_hw = at_size(component_HW, size)
    mask_Mhw = component_hw == kept_M[:, None, None]
    is_there_M = mask_Mhw.any(axis=(1, 2))
    mask_Mhw, kept_M = mask_Mhw[is_there_M], kept_M[is_there_M]
    place_M = mask_Mhw.reshape(len(mask_Mhw), size[0] * size[1]).argmax(axis=1)
    return ClassComponents(mask_Mhw, at_size(label_HW, size).reshape(-1)[place_M], area_C[kept_M])


def _shifted(label_HW: np.ndarray, ignore_label: int | None) -> np.ndarray:
    """0 where a pixel belongs to no class, else its label + 1, in the smallest type: the labeller is then fastest."""
    lowest, highest = int(label_HW.min()), int(label_HW.max())
    if lowest < 0:
        raise BadInput(f"labels must be 0 or more, but got {lowest}; mark pixels without a class with ignore_label.")
    kind = np.min_scalar_type(highest + 1)
    shifted_HW = label_HW.astype(kind, copy=False) + kind.type(1)
    if ignore_label is not None:
        shifted_HW[label_HW == ignore_label] = 0
    return shifted_HW


def _opened(rank_HW: np.ndarray) -> np.ndarray:
    """Opening with a 3x3 square, of all classes at once: a pixel stays if such a square of its class covers it."""
    padded_hw = np.pad(rank_HW, 1, mode="edge")
    same_HW = np.ones(rank_HW.shape, dtype=bool)
    for window_HW in _neighbours(padded_hw):
        same_HW &= window_HW == rank_HW
    centre_hw = np.pad(np.where(same_HW, rank_HW, 0), 1)
    covered_HW = np.zeros(rank_HW.shape, dtype=bool)
    for window_HW in _neighbours(centre_hw):
        covered_HW |= window_HW == rank_HW
    return np.where(covered_HW, rank_HW, 0).astype(rank_HW.dtype)


def _neighbours(padded_hw: np.ndarray) -> list[np.ndarray]:
    height, width = padded_hw.shape[0] - 2, padded_hw.shape[1] - 2
    return [padded_hw[y : y + height, x : x + width] for y in range(3) for x in range(3)]
