"""Measures of a parser's levels: at borders and everywhere, by assigned and answering level, how few cells speak.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), tables 2b and 2c, figure 3. All follow
from integer counts, which add up over images in any order. Known without torch, for tables.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mereo.evaluation.measures_file import or_none
from mereo.metrics.boundary_band import BAND_PIXELS
from mereo.metrics.confusion import iou_of_counts, mean_over_classes


@dataclass(frozen=True, eq=False)
class PyramidCounts:
    """`counts_LLK3` is what `level_counts` says (assigned level, answering level). Coarsest level first.

    `pixels_L`: pixels of the photographs that each level answers, labelled or not; `cells_L`: cells that do so, of all
    images; `finest_cells`: cells of the finest grid, of all images.
    """

    cell_sizes: tuple[int, ...]
    counts_LLK3: np.ndarray
    pixels_L: np.ndarray
    cells_L: np.ndarray
    finest_cells: int

    @property
    def pixel_shares(self) -> list[float]:
        """How much of the photographs each level answers."""
        return [float(pixels / self.pixels_L.sum()) for pixels in self.pixels_L]

    @property
    def mean_iou_LL(self) -> np.ndarray:
        """Table 2c: of the pixels assigned to one level (row), answered by another (column). NaN: no pixel there."""
        return mean_over_classes(iou_of_counts(self.counts_LLK3))

    @property
    def level_iou_LK(self) -> np.ndarray:
        """Figure 3: every level alone, on all pixels."""
        return iou_of_counts(self.counts_LLK3.sum(axis=0))

    @property
    def fused_iou_K(self) -> np.ndarray:
        """Each pixel by the level that it is assigned to, in whole cells as the levels are."""
        return iou_of_counts(np.einsum("llkc->kc", self.counts_LLK3))


@dataclass(frozen=True, eq=False)
class LevelMeasures:
    """Counts hold intersection, truth and predicted pixels of each class: of all pixels, and of those near a border.

    Those are the parser's own answer, at full size. `pyramid` is None for a parser whose cells all have one size.
    """

    class_names: tuple[str, ...]
    num_images: int
    all_counts_K3: np.ndarray
    band_counts_K3: np.ndarray
    pyramid: PyramidCounts | None = None
    band_pixels: int = BAND_PIXELS

    @property
    def mean_iou(self) -> float | None:
        return _mean_iou(self.all_counts_K3)

    @property
    def band_mean_iou(self) -> float | None:
        """Of the pixels within `band_pixels` of a border between true labels; None: there is no such pixel."""
        return _mean_iou(self.band_counts_K3)

    @property
    def cells_per_image(self) -> float | None:
        """How many cells speak."""
        return None if self.pyramid is None else float(self.pyramid.cells_L.sum() / self.num_images)

    @property
    def share_of_finest_cells(self) -> float | None:
        """Cells that speak, as a share of those that the finest level alone would need."""
        return None if self.pyramid is None else float(self.pyramid.cells_L.sum() / self.pyramid.finest_cells)

    @property
    def pixels_per_cell(self) -> float | None:
        """Pixels of the photographs for each cell that speaks."""
        return None if self.pyramid is None else float(self.pyramid.pixels_L.sum() / self.pyramid.cells_L.sum())

    def summary(self) -> dict[str, Any]:
        """All measures as plain values, None where there is nothing to measure."""
        found: dict[str, Any] = {
            "mean_iou": self.mean_iou,
            "band_mean_iou": self.band_mean_iou,
            "cells_per_image": self.cells_per_image,
            "share_of_finest_cells": self.share_of_finest_cells,
            "pixels_per_cell": self.pixels_per_cell,
        }
        if self.pyramid is not None:
            found |= {
                "pixel_shares": self.pyramid.pixel_shares,
                "mean_iou_by_assigned_and_answering_level": plain(self.pyramid.mean_iou_LL),
                "level_mean_iou": plain(mean_over_classes(self.pyramid.level_iou_LK)),
                "fused_mean_iou": plain(mean_over_classes(self.pyramid.fused_iou_K)),
                "iou_by_level_and_class": plain(self.pyramid.level_iou_LK),
                "fused_iou_by_class": plain(self.pyramid.fused_iou_K),
            }
        return found


def plain(values: np.ndarray) -> Any:
    """Numbers and lists of them, None for NaN.

    >>> plain(np.array([[0.5, np.nan]]))
    [[0.5, None]]
    """
    listed = np.asarray(values).tolist()
    if isinstance(listed, list):
        return [plain(np.array(one)) for one in listed]
    return None if np.isnan(listed) else listed


def _mean_iou(counts_K3: np.ndarray) -> float | None:
    return or_none(float(mean_over_classes(iou_of_counts(counts_K3))))
