"""LevelMeasures on disk: `levels.json`. The counts are the truth; the measures beside them are checked on reading."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from mereo.atomic_files import write_text
from mereo.errors import BadInput
from mereo.evaluation.level_measures import LevelMeasures, PyramidCounts
from mereo.evaluation.measures_file import agree, one_line_an_entry, read_measures
from mereo.strict import StrictConfig

LEVELS_FILE = "levels.json"
_Count = Annotated[int, Field(ge=0, lt=2**62)]
_OfClasses = list[tuple[_Count, _Count, _Count]]


class _PyramidFile(StrictConfig):
    cell_sizes: tuple[int, ...] = Field(min_length=1)
    pixels: list[_Count]
    cells: list[_Count]
    finest_cells: int = Field(ge=1)
    counts: list[list[_OfClasses]]


class _LevelFile(StrictConfig):
    format: Literal[1]
    measures: dict[str, Any]
    classes: tuple[str, ...] = Field(min_length=1)
    num_images: int = Field(ge=1)
    band_pixels: int = Field(ge=1)
    all_counts: _OfClasses
    band_counts: _OfClasses
    pyramid: _PyramidFile | None


def write_level_measures(measures: LevelMeasures, folder: str | Path) -> Path:
    pyramid = measures.pyramid
    content = {
        "format": 1,
        "measures": measures.summary(),
        "classes": list(measures.class_names),
        "num_images": measures.num_images,
        "band_pixels": measures.band_pixels,
        "all_counts": measures.all_counts_K3.tolist(),
        "band_counts": measures.band_counts_K3.tolist(),
        "pyramid": None
        if pyramid is None
        else {
            "cell_sizes": list(pyramid.cell_sizes),
            "pixels": pyramid.pixels_L.tolist(),
            "cells": pyramid.cells_L.tolist(),
            "finest_cells": pyramid.finest_cells,
            "counts": pyramid.counts_LLK3.tolist(),
        },
    }
    path = Path(folder) / LEVELS_FILE
    write_text(path, one_line_an_entry(content))
    return path


def read_level_measures(folder: str | Path) -> LevelMeasures | None:
    """What was written into this folder; None if nothing was."""
    path = Path(folder) / LEVELS_FILE
    stored = read_measures(path, _LevelFile)
    if stored is None:
        return None
    _require_sizes(stored, path)
    pyramid = stored.pyramid
    measures = LevelMeasures(
        class_names=stored.classes,
        num_images=stored.num_images,
        all_counts_K3=np.array(stored.all_counts, dtype=np.int64),
        band_counts_K3=np.array(stored.band_counts, dtype=np.int64),
        band_pixels=stored.band_pixels,
        pyramid=None
        if pyramid is None
        else PyramidCounts(
            cell_sizes=pyramid.cell_sizes,
            counts_LLK3=np.array(pyramid.counts, dtype=np.int64),
            pixels_L=np.array(pyramid.pixels, dtype=np.int64),
            cells_L=np.array(pyramid.cells, dtype=np.int64),
            finest_cells=pyramid.finest_cells,
        ),
    )
    if not agree(stored.measures, measures.summary()):
        raise BadInput(f"measures must follow from the counts, but got others in {path}; evaluate again.")
    return measures


def _require_sizes(stored: _LevelFile, path: Path) -> None:
    num_classes, sizes = len(stored.classes), [len(stored.all_counts), len(stored.band_counts)]
    is_whole = sizes == [num_classes, num_classes]
    if stored.pyramid is not None:
        num_levels, pyramid = len(stored.pyramid.cell_sizes), stored.pyramid
        rows = [len(pyramid.pixels), len(pyramid.cells), len(pyramid.counts), *map(len, pyramid.counts)]
        is_whole &= set(rows) == {num_levels} and {len(one) for row in pyramid.counts for one in row} == {num_classes}
        is_whole &= sum(pyramid.cells) > 0 and sum(pyramid.pixels) > 0
    if not is_whole:
        raise BadInput(
            f"counts must be those of {num_classes} classes on every level, but got others in {path}; evaluate again."
        )
