"""context_error.json: written, read, and refused where its numbers do not belong together."""

import json
from pathlib import Path

import pytest

from mereo.errors import BadInput
from mereo.evaluation.context_measures import (
    CONTEXT_FILE,
    ClassContext,
    ContextMeasures,
    read_context_measures,
    write_context_measures,
)


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
