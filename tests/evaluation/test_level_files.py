"""levels.json: what is written is read, and no number in it can be changed by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.evaluation.level_files import LEVELS_FILE, read_level_measures, write_level_measures
from mereo.evaluation.level_measures import LevelMeasures, PyramidCounts


def counted(seed: int, *axes: int) -> np.ndarray:
    """Intersection, truth and predicted pixels as they can be."""
    intersection = np.random.default_rng(seed).integers(0, 9, axes)
    others = np.random.default_rng(seed + 100).integers(0, 9, (2, *axes))
    return np.stack([intersection, intersection + others[0], intersection + others[1]], axis=-1)


def made_measures(seed: int = 0, *, has_pyramid: bool = True) -> LevelMeasures:
    """Two levels, three classes; nothing is assigned to the finest level."""
    counts_LLK3 = counted(seed, 2, 2, 3)
    counts_LLK3[1] = 0
    pyramid = PyramidCounts((16, 8), counts_LLK3, np.array([640, 0]), np.array([10, 0]), 40) if has_pyramid else None
    return LevelMeasures(("sky", "Straße", "cat"), 2, counted(seed + 1, 3), counted(seed + 2, 3), pyramid)


@pytest.mark.parametrize("has_pyramid", [True, False])
def test_written_and_read(tmp_path: Path, has_pyramid: bool) -> None:
    assert read_level_measures(tmp_path) is None
    measures = made_measures(has_pyramid=has_pyramid)
    path = write_level_measures(measures, tmp_path / "run")
    found = read_level_measures(tmp_path / "run")
    assert found is not None and found.summary() == measures.summary() and found.class_names == measures.class_names
    assert (found.pyramid is not None) == has_pyramid and len(path.read_text(encoding="utf-8").splitlines()) == 10


def changed(content: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    place: Any = content
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("measures.band_mean_iou", 0.99, "measures must follow from the counts, but got others in .*levels.json"),
        ("measures.pixel_shares", [1.0], "measures must follow from the counts"),
        ("measures.mean_iou_by_assigned_and_answering_level.0.1", None, "measures must follow from the counts"),
        ("all_counts.0", [1, 2, 3], "measures must follow from the counts"),
        ("all_counts.0", [1, 2], "levels.json must be valid, but got: all_counts"),
        ("all_counts", [[1, 2, 3]], "counts must be those of 3 classes on every level, but got others in"),
        ("pyramid.cells", [1], "counts must be those of 3 classes on every level"),
        ("pyramid.cells", [0, 0], "counts must be those of 3 classes on every level"),
        ("pyramid.counts.1.1", [[0, 0, 0]], "counts must be those of 3 classes on every level"),
        ("pyramid.finest_cells", 0, "levels.json must be valid, but got: pyramid.finest_cells"),
        ("format", 2, "levels.json must be valid, but got: format"),
    ],
)
def test_refuses_what_was_changed(tmp_path: Path, path: str, value: Any, message: str) -> None:
    file = write_level_measures(made_measures(), tmp_path)
    content = json.loads(file.read_text(encoding="utf-8"))
    changed(content, path, value)
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        read_level_measures(tmp_path)


def test_refuses_what_is_no_json(tmp_path: Path) -> None:
    (tmp_path / LEVELS_FILE).write_text("[")
    with pytest.raises(BadInput, match="levels.json must be readable JSON, but got: .*; evaluate again"):
        read_level_measures(tmp_path)
