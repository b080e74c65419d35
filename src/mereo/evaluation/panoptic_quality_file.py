"""Panoptic quality on disk: `panoptic_quality.json`. Counts are the truth; measures are checked on reading."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from mereo.atomic_files import write_json
from mereo.data.component_instances import InstanceSource
from mereo.errors import BadInput
from mereo.evaluation.measures_file import agree, read_measures
from mereo.evaluation.panoptic_files import PanopticEvaluation
from mereo.metrics.panoptic_quality import PanopticCounts
from mereo.strict import StrictConfig

PANOPTIC_FILE = "panoptic_quality.json"
_Count = Annotated[int, Field(ge=0, lt=2**62)]


class _MeansFile(StrictConfig):
    pq: float | None
    sq: float | None
    rq: float | None
    num_classes: int


class _ClassFile(StrictConfig):
    name: str
    is_thing: bool
    segments: _Count
    pq: float | None
    sq: float | None
    rq: float | None
    true_positives: _Count
    false_positives: _Count
    false_negatives: _Count
    iou_sum: float = Field(ge=0)


class _PanopticFile(StrictConfig):
    num_images: int = Field(ge=0)
    seconds: float = Field(ge=0)
    # Left out in files that were written before they were asked for.
    instances: InstanceSource | None = None
    conditions: dict[str, Any] = Field(default_factory=dict)
    all: _MeansFile
    things: _MeansFile
    stuff: _MeansFile
    classes: list[_ClassFile]


def write_panoptic_quality(evaluation: PanopticEvaluation, folder: str | Path) -> Path:
    """Measures and counts of every class."""
    path = Path(folder) / PANOPTIC_FILE
    write_json(path, evaluation.to_dict())
    return path


def read_panoptic_quality(folder: str | Path) -> PanopticEvaluation | None:
    """What was written into this folder; None if nothing was."""
    path = Path(folder) / PANOPTIC_FILE
    stored = read_measures(path, _PanopticFile)
    if stored is None:
        return None
    evaluation = PanopticEvaluation(
        class_names=tuple(one.name for one in stored.classes),
        is_thing=tuple(one.is_thing for one in stored.classes),
        counts=PanopticCounts(
            *(
                np.array([getattr(one, name) for one in stored.classes], dtype=kind)
                for name, kind in (
                    ("true_positives", np.int64),
                    ("false_positives", np.int64),
                    ("false_negatives", np.int64),
                    ("iou_sum", np.float64),
                )
            )
        ),
        num_images=stored.num_images,
        seconds=stored.seconds,
        instances=stored.instances,
        conditions=stored.conditions,
    )
    counted = evaluation.to_dict()
    for name in ("all", "things", "stuff"):
        if not agree(getattr(stored, name).model_dump(), counted[name]):
            raise BadInput(f"measures must follow from the counts, but got others of {name} in {path}; evaluate again.")
    return evaluation
