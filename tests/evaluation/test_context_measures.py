"""context_error.json: written, read, and refused where its numbers do not belong together."""

import json
from pathlib import Path

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.evaluation.context_measures import (
    CONTEXT_FILE,
    ClassContext,
    ContextMeasures,
    class_contexts,
    read_context_measures,
    write_context_measures,
)
from mereo.metrics.context_error import mean_context_error


def made_measures(**changes: object) -> ContextMeasures:
    classes = (
        ClassContext(name="car", instances=3, queries=3, error=0.5),
        ClassContext(name="tram", instances=1, queries=0, error=None),
        ClassContext(name="person", instances=9, queries=8, error=1.5),
    )
    content = {"error": 1.0, "instances": "labelled", "neighbours": 20, "features": "a map", "num_images": 4}
    return ContextMeasures(**{**content, "seconds": 0.5, "classes": classes, **changes})  # type: ignore[arg-type]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_context_measures(tmp_path) is None
    measures = made_measures(conditions={"settings": ["heads.0.uses_seeds=false"]})
    write_context_measures(measures, tmp_path)
    assert read_context_measures(tmp_path) == measures and measures.num_instances == 13


def test_a_number_changed_by_hand_is_refused(tmp_path: Path) -> None:
    content = json.loads(write_context_measures(made_measures(), tmp_path).read_text(encoding="utf-8"))
    for error in (0.9, None):
        (tmp_path / CONTEXT_FILE).write_text(json.dumps(content | {"error": error}), encoding="utf-8")
        with pytest.raises(BadInput, match="error must be the mean over the classes, but got"):
            read_context_measures(tmp_path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / CONTEXT_FILE
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="must be readable JSON, but got"):
        read_context_measures(tmp_path)
    path.write_text('{"error": 1.0, "eror": 2}')
    with pytest.raises(BadInput, match="did you mean 'error'"):
        read_context_measures(tmp_path)
    path.write_text("{")
    with pytest.raises(BadInput, match="must be readable JSON, but got"):
        read_context_measures(tmp_path)


def test_classes_of_few_things_tell_little() -> None:
    names, errors = ("car", "tram", "person", "dog"), mean_context_error([0.5], [0], 4)
    classes = class_contexts(names, (0, 1, 2, 3), np.array([41, 40, 7, 6]), errors, neighbours=20)
    assert [one.tells_little for one in classes] == [False, True, True, True]
    assert made_measures(classes=classes, error=0.5).num_telling_little == 3
    few = class_contexts(names, (0, 2, 3), np.array([41, 40, 7, 6]), errors, neighbours=3)
    assert [(one.name, one.tells_little) for one in few] == [("car", False), ("person", False), ("dog", True)]
